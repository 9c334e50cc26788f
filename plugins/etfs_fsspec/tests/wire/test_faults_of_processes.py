"""Processes that are killed, forked, spawned; filesystems that travel: an object is old or new, and all work on."""

import errno
import json
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time

import fsspec
import pytest

from vfscore.testing import raises
from wire.proxy import ALWAYS, Fault
from wire.tally import TALLY

pytestmark = pytest.mark.xdist_group("s3")

MIB = 1 << 20
OLD = random.Random(1).randbytes(2 * MIB)

WRITER = """
import json, sys
from vfscore import Namespace
source, options, size = json.loads(sys.argv[1])
ns = Namespace()
ns.etfs_register("/b", source, "dir_subdirs", options=options)
file = ns.open("/b/f", "wb")
for _ in range(size):
    file.write(bytes(1 << 20))
print("written", flush=True)
sys.stdin.read()
file.close()
print("closed", flush=True)
"""


def program(text, arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text), arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(proxy, kind):
    until = time.monotonic() + 30
    while proxy.passed[-1:] == [] or proxy.passed[-1].kind != kind:
        assert time.monotonic() < until
        os.sched_yield()


@pytest.mark.parametrize("size", [1, 12], ids=["staged", "sent in parts"])
def test_killed_writer_leaves_the_old_object(world, options, bucket, proxy, size):
    world.plant({"f": OLD})
    arguments = json.dumps([f"s3://{bucket}", {**options, "block_size": 5 * MIB}, size])

    with proxy.counting() as log, program(WRITER, arguments) as writer:
        assert writer.stdout.readline() == "written\n"
        if size > 1:
            wait_for(proxy, "PART")
        writer.send_signal(signal.SIGKILL)

    assert (log.of("PART") > 0) == (size > 1)
    world.check("f", OLD, OLD, None)


def test_writer_killed_while_it_completes_leaves_old_or_new(world, options, bucket, proxy):
    world.plant({"f": OLD})
    arguments = json.dumps([f"s3://{bucket}", {**options, "block_size": 5 * MIB}, 12])

    with proxy.broken(Fault("hang", "COMPLETE", times=ALWAYS)) as log, program(WRITER, arguments) as writer:
        assert writer.stdout.readline() == "written\n"
        writer.stdin.close()
        wait_for(proxy, "COMPLETE")
        writer.kill()

    assert log.of("COMPLETE")
    found = world.read("f")
    assert found in (OLD, bytes(12 * MIB))
    TALLY["checked"] += 1
    TALLY["old"] += 1


def test_namespace_that_is_used_after_a_fork_works_in_both(ns, world):
    world.plant({"f": OLD, "g": OLD})
    with ns.open("/b/f", "rb") as file:
        assert file.read(100) == OLD[:100]
        child = os.fork()
        if not child:
            status = 1
            try:
                file.seek(MIB)
                with ns.open("/b/g", "rb") as other, ns.open("/b/h", "wb") as made:
                    right = file.read() == OLD[MIB:] and other.read() == OLD
                    made.write(b"made in the child")
                status = 0 if right else 2
            finally:
                os._exit(status)
        file.seek(100)
        assert file.read() == OLD[100:]
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert world.read("h") == b"made in the child"
    with ns.open("/b/g", "rb") as file:
        assert file.read() == OLD


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_filesystem_travels_to_a_new_process(bucket, options, world, quick, method):
    world.plant({"f": OLD})
    fstab = {"etfs": [{"key": "/b", "source": f"s3://{bucket}", "type": "dir_subdirs", "options": options}]}
    fs = fsspec.filesystem("vfs", fstab=fstab)
    assert fs.cat_file("/b/f") == OLD

    with multiprocessing.get_context(method).Pool(1) as pool:
        got = pool.apply(fs.cat_file, ("/b/f",))
        pool.close()
        pool.join()

    assert got == OLD


def test_filesystem_survives_pickling(bucket, options, world, quick):
    world.plant({"f": OLD})
    fstab = {"etfs": [{"key": "/b", "source": f"s3://{bucket}", "type": "dir_subdirs", "options": options}]}
    fs = fsspec.filesystem("vfs", fstab=fstab)
    with fs.open("/b/f", "rb") as file:
        file.seek(10)
        again, opened = pickle.loads(pickle.dumps((fs, file)))

        with opened:
            assert opened.read() == OLD[10:]
    assert again.cat_file("/b/f", start=5, end=10) == OLD[5:10]


def test_closing_the_namespace_stores_what_is_open(ns, world):
    world.plant({"f": OLD})
    file = ns.open("/b/f", "wb")
    file.write(b"new")

    ns.close()

    assert file.closed

    world.check("f", OLD, b"new", None)


def test_closing_the_namespace_reports_what_could_not_be_stored(bind, proxy, world):
    world.plant({"f": OLD})
    ns = bind()
    file = ns.open("/b/f", "wb")
    file.write(b"new")

    with proxy.broken(Fault("status", "PUT", times=ALWAYS)), raises(errno.EIO):
        ns.close()

    assert file.closed
    world.check("f", OLD, OLD, None)


def test_file_that_the_program_forgot_is_stored_or_the_program_says_that_it_is_not(world, options, bucket):
    world.plant({"f": OLD})
    text = WRITER[: WRITER.index("for _")] + "file.write(b'new')\nprint('written', flush=True)\n"

    done = subprocess.run(
        [sys.executable, "-c", text, json.dumps([f"s3://{bucket}", options, 1])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "written\n"
    assert world.read("f") == b"new" or "OSError" in done.stderr
    world.check("f", OLD, b"new", OSError() if done.stderr else None)
