"""Namespaces that nobody closes: a dropped one goes, open files and all; the end of the program closes the others."""

import gc
import subprocess
import sys
import weakref

import pytest

import vfscore


def test_a_dropped_namespace_with_an_open_file_goes():
    ns = vfscore.Namespace()
    file = ns.sys.open_file("/x", 0o102, 0o644)
    gone = weakref.ref(ns)
    del ns, file
    gc.collect()

    assert gone() is None


PROGRAM = """
import errno, vfscore
from vfscore.plugin import hookimpl, VAttr, VType

class Handle:
    data = b""
    def pread(self, offset, size): return self.data[offset:offset + size]
    def pwrite(self, data, offset):
        self.data = self.data[:offset] + bytes(data)
        return len(data)
    def size(self): return len(self.data)
    def close(self):
        {close}

class Storage:
    def getattr(self, path, follow=False):
        if path: raise OSError(errno.ENOENT, "nothing")
        return VAttr(VType.VDIR)
    def open(self, path, flags): return Handle()
    def create(self, path, flags, mode):
        handle = Handle()
        handle.getattr = lambda: VAttr(VType.VREG, va_size=len(handle.data))
        return handle

class Plugin:
    @hookimpl
    def etfs_backend(self, source, options): return Storage()

ns = vfscore.Namespace(plugins=[Plugin()])
ns.etfs_register("/k", "any:", "dir")
file = ns.open("/k/x", "wb")
file.write(b"content")
"""


@pytest.mark.parametrize(
    ("close", "out", "err"),
    [
        ("print('stored', self.data)", "stored b'content'\n", ""),
        ("raise OSError(errno.EIO, 'not stored')", "", "not stored"),
    ],
)
def test_what_a_program_left_open_is_stored_at_its_end_or_said_not_to_be(close, out, err):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{close}", close)], capture_output=True, text=True, timeout=60
    )

    assert (done.stdout, err in done.stderr) == (out, True)
