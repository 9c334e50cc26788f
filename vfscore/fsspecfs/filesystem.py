"""`VfsFileSystem`: the tree as an ordinary fsspec filesystem, protocol ``vfs``.

State never lives on an instance: fsspec makes them as it likes, and a pickled one is rebuilt from its options. An
instance means the namespace of its fstab, or else what is installed in the process at the moment of the call.

Locks: none; the registry of namespaces has its own.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from fsspec.asyn import get_loop
from fsspec.spec import AbstractFileSystem

from vfscore import namespace
from vfscore.errors import err
from vfscore.fsspecfs.blockcached import VfsCachedReader
from vfscore.fsspecfs.file import VfsReader, reader_of
from vfscore.fsspecfs.hostfiles import LocalFile, hostpath_of, opened
from vfscore.fsspecfs.names import strip_protocol
from vfscore.fsspecfs.pending import Pending, VfsTransaction
from vfscore.fsspecfs.progress import Shown
from vfscore.fsspecfs.writing import VfsRandom, VfsWriter, packed
from vfscore.fstab import redact
from vfscore.syscalls.buffers import TextIOWrapper
from vfscore.syscalls.rawio import mode_flags
from vfscore.types import VType

__all__ = ["VfsFileSystem"]

_VDIR = VType.VDIR
_READING = os.O_RDONLY
_NOT_SENT = ("fstab", "loop", "travelled")
_current = namespace.current


_sent: dict[str, weakref.ref[namespace.Namespace]] = {}
"""Digest → tree, of those that were pickled in this process, or before it was forked: here is what is in their memory.

A pickle itself may not say where it was made: dask takes its bytes for the identity of what is in it. So the
description is in it as one text: of a dict, the bytes would differ with which of its equal strings are one object.
"""


def _rebuild(
    cls: type[VfsFileSystem], text: str | None, why: str, digest: str, options: dict[str, Any]
) -> VfsFileSystem:
    """Return an instance that means what a pickled one meant.

    In the process that it came from that is the same tree, with what lies in its memory, whatever has been hung into it
    meanwhile; elsewhere one made from the fstab, in which memory is known to be missing.

    Args:
        text: The fstab as JSON, or None: it cannot be made again elsewhere, and *why* not.
    """
    sent = _sent.get(digest)
    fstab = None if text is None else json.loads(text)
    if sent is None and fstab is not None:
        return cls(fstab=fstab, travelled=True, **options)
    here = namespace.installed()
    if here is None and not os.environ.get(namespace.FSTAB_VARIABLE):
        here = namespace.current()
    home = None if sent is None else sent()
    if here is not None and (here is home or _digest_of(here) == digest):
        return cls(**options)
    if home is not None and not home.closed:
        fs = cls(**options, skip_instance_cache=True)
        fs._pinned = home
        fs._fstab = fstab
        return fs
    if fstab is None:
        raise ValueError(f"this tree cannot be made again in another process: {why}")
    return cls(fstab=fstab, **options)


def _digest_of(ns: namespace.Namespace) -> str:
    """Return a digest of what *ns* describes; where that is not only data, one of this process."""
    return ns.digest() or hashlib.sha256(f"{os.getpid()} {id(ns)}".encode()).hexdigest()


class VfsFileSystem(Shown):
    """The tree of a namespace, by fsspec's names.

    Args:
        fstab: What to rebuild the namespace from: a path or URL of an fstab, or the same as a dict. None: what is
            installed in this process (`Namespace.install`), or named by VFSCORE_FSTAB, or an empty tree.
        auto_mkdir: Make the directories that are missing above what is written.
        progress: Copies (`get`, `put`, `cp`) show how far they are, in a notebook or a terminal (`Progress`).
        travelled: It was pickled in another process, so that what lay in memory there is not here.
        options: fsspec's own (asynchronous, loop, batch_size, listings options) and any others are accepted, because
            callers add some for filesystems in general.
    """

    transaction_type = VfsTransaction

    def __init__(
        self,
        fstab: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        auto_mkdir: bool = True,
        asynchronous: bool = False,
        loop: Any = None,
        batch_size: int | None = None,
        progress: bool = False,
        travelled: bool = False,
        **options: Any,
    ) -> None:
        # Not AsyncFileSystem's: it would start fsspec's loop thread, which nothing here needs.
        AbstractFileSystem.__init__(self, **options)
        self.asynchronous = asynchronous
        self.batch_size = batch_size
        self._loop = loop
        self._pid = os.getpid()
        self.auto_mkdir = auto_mkdir
        self.progress = progress
        self._fstab = fstab
        self._travelled = travelled
        self._pinned = None if fstab is None else namespace.for_fstab(fstab, self._travelled)

    @property
    def loop(self) -> Any:
        """The event loop that fsspec's tools run coroutines of this filesystem on."""
        if self._pid != os.getpid():
            raise RuntimeError("This class is not fork-safe")
        if self._loop is None and not self.asynchronous:
            self._loop = get_loop()
        return self._loop

    # -- identity ------------------------------------------------------------------------------------------------------

    @property
    def _fs_token(self) -> str:
        return hashlib.sha256(f"vfs {_digest_of(self.ns)} {self.auto_mkdir}".encode()).hexdigest()

    @property
    def fsid(self) -> str:
        """A name of this tree that is the same in every process which has it."""
        return "vfs-" + self._fs_token

    def __dask_tokenize__(self) -> str:
        return self._fs_token

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, VfsFileSystem) and self._fs_token == other._fs_token)

    def __hash__(self) -> int:
        return int(self._fs_token, 16)

    def __reduce__(self) -> Any:
        ns = self.ns
        options = {name: value for name, value in self.storage_options.items() if name not in _NOT_SENT}
        text, why = None, ""
        try:
            text = json.dumps(ns.fstab(), sort_keys=True, separators=(",", ":"))
        except ValueError as exc:
            # Something of it is an object of this process: threads may share it, another process is told why not.
            why = str(exc)
        digest = _digest_of(ns)
        if not self._travelled:
            _sent[digest] = weakref.ref(ns)
        return _rebuild, (type(self), text, why, digest, options)

    def __repr__(self) -> str:
        """Return one line: which tree it is, and what hangs there."""
        try:
            ns = self.ns
        except (OSError, ValueError) as exc:
            return f"<{type(self).__name__} of a namespace that cannot be made: {redact(str(exc))}>"
        if self._fstab is None:
            whence = "the installed namespace" if namespace.installed() is ns else "this process's namespace"
        else:
            whence = "a dict" if isinstance(self._fstab, Mapping) else str(redact(os.fspath(self._fstab)))
        return f"<{type(self).__name__} vfs:// of {whence}: {ns!r}>"

    def _isfilestore(self) -> bool:
        return True

    # -- the host ------------------------------------------------------------------------------------------------------

    local_file = LocalFile()

    def local_path(self, path: Any) -> str:
        """Return the path on the host of a file that is a file there, whole and as it is.

        Raises:
            ValueError: it is none: in memory, at a URL, a window, a device, behind a layer.
        """
        return hostpath_of(self._sys, strip_protocol(path))

    def open_many(self, open_files: Iterable[Any], **kwargs: Any) -> list[Any]:
        """Return what the context of several `fsspec.core.OpenFile` gives; `fsspec.open_local` gets host paths."""
        return opened(self, open_files, sys._getframe(1).f_back)

    def commit_many(self, open_files: Iterable[Any], **kwargs: Any) -> None:
        """Do nothing: each file is stored by its own close."""

    # -- opening -------------------------------------------------------------------------------------------------------

    def open(
        self,
        path: Any,
        mode: str = "rb",
        block_size: Any = None,
        cache_options: Any = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a file: ``rb wb ab xb r+b w+b a+b x+b``, or the same as text.

        Args:
            block_size: How many bytes to buffer.
            compression: A codec, or "infer" it from the name.
            kwargs: encoding, errors and newline of a text mode; autocommit. Others, for filesystems with a cache, are
                accepted.

        Errors:
            ENOENT: there is nothing to read, or with auto_mkdir off no directory to write in.
            EISDIR: it is a directory.
            EEXIST: ``x`` and there is something.
        """
        if mode == "rb" and compression is None:
            name = strip_protocol(path)
            file = (_current() if self._pinned is None else self.ns).sys.open_file(name, _READING)
            if file.vp.v_type is _VDIR:
                file.close()
                raise err(errno.EISDIR, name)
            return reader_of(VfsReader, self, name, file, block_size)
        if "b" not in mode and ("+" in mode or "r" not in mode):
            return self._open_to_write_text(path, mode, block_size, cache_options, compression, **kwargs)
        if compression is not None and "b" in mode and ("+" in mode or "r" not in mode):
            file = super().open(path, mode, block_size, cache_options, **kwargs)
            return packed(file, file.path, mode, compression)
        return super().open(path, mode, block_size, cache_options, compression, **kwargs)

    def _open_to_write_text(self, path: Any, mode: str, *args: Any, **kwargs: Any) -> TextIOWrapper:
        text = {name: kwargs.pop(name) for name in ("encoding", "errors", "newline") if name in kwargs}
        file = self.open(path, mode.replace("t", "") + "b", *args, **kwargs)
        try:
            outer = TextIOWrapper(file, **text)
        except BaseException:
            with file:
                raise
        file.written_by(outer)
        return outer

    def _open(
        self, path: str, mode: str = "rb", block_size: Any = None, autocommit: bool = True, **kwargs: Any
    ) -> VfsReader | VfsWriter | VfsRandom:
        """Open the stripped *path* in a binary *mode*."""
        mode, flags = mode_flags(mode)
        if mode == "rb":
            reader: VfsReader = self.open(path, "rb", block_size)
            if kwargs.get("cache_type") != "none":
                return reader
            with reader:  # its place takes one that fsspec's block cache can give its cache to
                return reader_of(VfsCachedReader, self, path, self._sys.open_file(path, flags), block_size)
        calls = self._sys
        pending = None
        needs = None if flags & os.O_CREAT else path
        if autocommit:
            file = self._with_parents(path, lambda: calls.open_file(path, flags, 0o666), needs)
        else:
            pending = self._with_parents(path, lambda: Pending(calls, path, flags), needs)
            file = pending.file
        kind = VfsRandom if "+" in mode else VfsWriter
        handle = kind(self, path, mode, file, block_size, pending)
        if pending is not None and self._intrans and "r" in mode:
            self.transaction.files.append(handle)  # fsspec's open does that for all other modes
        return handle

    def sign(self, path: Any, expiration: int = 100, **kwargs: Any) -> str:
        """Refuse: a tree has no web server."""
        raise NotImplementedError("vfs:// has no signed URLs")
