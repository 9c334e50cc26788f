"""Makers: a mount without a namespace, an errno to expect, names that break things."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import reprlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import pytest

from vfscore.etfs import bind
from vfscore.mount import Mount, MountTable
from vfscore.opv import spec_hooks
from vfscore.rumpfs import RUMPFS
from vfscore.spec import Backend, Device, FileSystem, Registration
from vfscore.specfs import DeviceSwitch
from vfscore.syscalls import FileTable, Sys
from vfscore.types import ROOT_CRED, SIZE_ENDOFF, Cred, EtfsType

__all__ = [
    "AWKWARD_NAMES",
    "USER",
    "Link",
    "MakeMount",
    "TreeSpec",
    "ask",
    "bind_alone",
    "mount_alone",
    "not_served",
    "raises",
    "same",
    "sys_over",
    "text_only",
    "zip_of",
]

USER: Final = Cred(1000, 1000)
"""Somebody who is not root."""

AWKWARD_NAMES: Final = (
    "a b",
    " leading and trailing ",
    "new\nline",
    "tab\tand\rreturn",
    "-rf",
    "--help",
    ".hidden",
    "...",
    "a.",
    "~",
    "back\\slash",
    "C:",
    "*?[a-z]{x,y}$HOME",
    "100%25",
    "a#b?c=d&e",
    "'\"`",
    "caf\u00e9",
    "cafe\u0301",
    "\u6587\u5b57\u5316\u3051",
    "\u202eright to left",
    "\N{PILE OF POO}" * 63,
    os.fsdecode(b"\xff\xfe not utf-8"),
    "x" * 255,
)
"""Names of one component that are legal and unpleasant; two of them differ only in their Unicode normalisation."""


class Link(str):
    """In a tree: a symbolic link with this target."""

    __slots__ = ()


TreeSpec = Mapping[str, "bytes | Link | None"]
"""A tree to make: path → content of a file, `Link`, or None for a directory. Directories on the way are understood."""


def raises(code: int) -> contextlib.AbstractContextManager[pytest.ExceptionInfo[OSError], bool]:
    """Return a context that demands an OSError with errno *code* (shown by name when it is another)."""
    return _Raises(code)


class _Raises:
    def __init__(self, code: int) -> None:
        self._code = code
        self._raises = pytest.raises(OSError)

    def __enter__(self) -> pytest.ExceptionInfo[OSError]:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *exc: Any) -> bool:
        caught = self._raises.__exit__(*exc)
        if caught:
            got = self._info.value.errno or 0
            if got != self._code:
                want = errno.errorcode[self._code]
                raise AssertionError(f"{want} expected, not {errno.errorcode.get(got, got)}") from self._info.value
        return caught


def same(got: Any, want: Any, what: str = "") -> None:
    """Fail unless *got* equals *want*, two sequences of which one may be long, and name the first difference.

    ``assert got == want`` would have pytest print the whole of it where ``CI`` is set: hours for some 100 KB.

    Args:
        what: What *got* is, for the message.
    """
    __tracebackhide__ = True
    if got == want:
        return
    prefix = f"{what}: " if what else ""
    if not isinstance(got, Sequence):
        raise AssertionError(f"{prefix}{reprlib.repr(got)} is not {reprlib.repr(want)}")
    at = 0
    for have, need in zip(got, want, strict=False):
        if have != need:
            break
        at += 1
    have, need = (reprlib.repr(seq[at : at + 8]) for seq in (bytes(got) if isinstance(got, memoryview) else got, want))
    raise AssertionError(f"{prefix}from {at} on it is {have}, not {need}; the lengths are {len(got)} and {len(want)}")


def not_served(what: str, by: object, code: int | None = None) -> NoReturn:
    """Skip the test: *by* has an empty slot for *what*, or one that refuses with errno *code*."""
    if code is None:
        pytest.skip(f"{by} has no {what}")
    # Linux has two names for the first of these numbers, of which the spec uses the one that `errno` does not.
    name = "EOPNOTSUPP" if code == errno.EOPNOTSUPP else errno.errorcode[code]
    pytest.skip(f"{by} refuses {what} ({name})")


@contextlib.contextmanager
def text_only(name: str) -> Iterator[None]:
    """Skip if *name* is not text, and is refused for it."""
    try:
        yield
    except (UnicodeEncodeError, OSError) as exc:
        refused = isinstance(exc, UnicodeEncodeError) or exc.errno in (errno.EILSEQ, errno.EINVAL)
        if refused and any("\ud800" <= char <= "\udfff" for char in name):
            pytest.skip("names are text in this storage")
        raise


_REGISTRATION: Final = spec_hooks(Registration)


def ask(plugin: Any, hook: str, *args: Any) -> Any:
    """Call a *hook* of *plugin* as a namespace does: by the names of its arguments, without those that it leaves out.

    Args:
        args: All those of the spec, in its order.
    """
    body = getattr(plugin, hook)
    given = dict(zip(_REGISTRATION[hook], args, strict=True))
    return body(**{name: given[name] for name in inspect.signature(body).parameters})


class MakeMount(Protocol):
    """Makes an empty mount of the file system under test; *options* are those of the file system."""

    def __call__(self, *, readonly: bool = False, **options: Any) -> Mount: ...


def mount_alone(
    fs: FileSystem,
    source: object = None,
    *,
    options: Mapping[str, Any] | None = None,
    layers: Sequence[object] = (),
    readonly: bool = False,
    devices: Iterable[Device] | None = None,
) -> Mount:
    """Mount *fs* without a namespace: it hangs nowhere, and its root vnode is ``mnt_root``.

    Args:
        devices: The drivers of its device nodes; without any, these have no ops but those of *fs* itself.
    """
    devsw = None if devices is None else DeviceSwitch.of(devices)
    mp = Mount(fs, source, options, layers, readonly=readonly, devsw=devsw)
    mp.mnt_op.vfs_mount(mp, source, mp.mnt_options)
    mp.mnt_op.vfs_start(mp, 0)
    mp.mnt_root = mp.mnt_op.vfs_root(mp)
    return mp


def bind_alone(
    backend: Backend,
    type: EtfsType | str = EtfsType.DIR_SUBDIRS,
    *,
    begin: int = 0,
    size: int = SIZE_ENDOFF,
    layers: Sequence[object] = (),
    readonly: bool = False,
) -> Mount:
    """Bind *backend* as `etfs_register` does, without a namespace: it hangs nowhere, and its root is ``mnt_root``."""
    mp = bind("a test's backend", type, begin, size, layers=layers, find_backend=lambda source, options: backend)
    mp.mnt_rdonly = mp.mnt_rdonly or readonly
    mp.mnt_root = mp.mnt_op.vfs_root(mp)
    return mp


def sys_over(mp: Mount, at: str) -> Sys:
    """Return the calls of a tree that has *mp* at the path *at*, and above it an empty rumpfs."""
    table = MountTable()
    top = mount_alone(RUMPFS)
    for names, each in (((), top), (at.strip("/").split("/"), mp)):
        table.attach(names, each, each.mnt_root or each.mnt_op.vfs_root(each), stack=False)
    return Sys(table, FileTable(), ROOT_CRED)


def zip_of(path: Path, tree: Mapping[str, bytes]) -> Path:
    """Write *tree* (member → content) into the zip archive *path* and return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in tree.items():
            archive.writestr(member, content)
    return path
