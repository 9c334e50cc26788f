"""The coroutines: each runs its sync twin in a thread, so that no event loop ever waits for a file.

fsspec's name for a coroutine is the sync name with an underscore. Locks: none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from vfscore.fsspecfs.bulk import Bulk
from vfscore.fsspecfs.threads import in_thread

__all__ = ["Asynchronous", "VfsAsyncFile"]


def _twin(name: str) -> Callable[..., Awaitable[Any]]:
    """Return the coroutine function of the sync method *name*."""

    async def twin(self: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("batch_size", None)
        return await in_thread(getattr(self, name), *args, **kwargs)

    twin.__name__ = twin.__qualname__ = "_" + name
    twin.__doc__ = f"Await `{name}`."
    return twin


class Asynchronous(Bulk):
    """A filesystem with coroutines."""

    _info = _twin("info")
    _ls = _twin("ls")
    _exists = _twin("exists")
    _isfile = _twin("isfile")
    _isdir = _twin("isdir")
    _size = _twin("size")
    _sizes = _twin("sizes")
    _find = _twin("find")
    _glob = _twin("glob")
    _du = _twin("du")
    _expand_path = _twin("expand_path")
    _cat = _twin("cat")
    _cat_file = _twin("cat_file")
    _cat_ranges = _twin("cat_ranges")
    _pipe = _twin("pipe")
    _pipe_file = _twin("pipe_file")
    _get = _twin("get")
    _get_file = _twin("get_file")
    _put = _twin("put")
    _put_file = _twin("put_file")
    _copy = _twin("copy")
    _cp_file = _twin("cp_file")
    _mv = _twin("mv")
    _mv_file = _twin("mv")
    _rm = _twin("rm")
    _rm_file = _twin("rm_file")
    _rmdir = _twin("rmdir")
    _mkdir = _twin("mkdir")
    _makedirs = _twin("makedirs")
    _touch = _twin("touch")
    _created = _twin("created")
    _modified = _twin("modified")

    async def _walk(self, path: Any, *args: Any, **kwargs: Any) -> AsyncIterator[tuple[str, Any, Any]]:
        """Yield what `walk` does."""
        steps = self.walk(path, *args, **kwargs)
        end = object()
        while (step := await in_thread(next, steps, end)) is not end:
            yield step

    async def open_async(self, path: Any, mode: str = "rb", **kwargs: Any) -> VfsAsyncFile:
        """Open a file in a binary *mode* for an async caller."""
        if "b" not in mode or kwargs.get("compression"):
            raise ValueError("open_async is for binary modes without compression")
        return VfsAsyncFile(await in_thread(self.open, path, mode, **kwargs))


class VfsAsyncFile:
    """A file whose calls are awaited; each runs in a thread."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.path = file.path
        self.mode = file.mode

    @property
    def size(self) -> int:
        """How many bytes the file has now."""
        size: int = self._file.size
        return size

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        closed: bool = self._file.closed
        return closed

    async def read(self, length: int = -1) -> bytes:
        """Return at most *length* bytes."""
        data: bytes = await in_thread(self._file.read, length)
        return data

    async def write(self, data: Any) -> int:
        """Write *data* and return how many bytes that were."""
        n: int = await in_thread(self._file.write, data)
        return n

    def seek(self, loc: int, whence: int = 0) -> int:
        """Move to another position."""
        position: int = self._file.seek(loc, whence)
        return position

    def tell(self) -> int:
        """Return the position."""
        position: int = self._file.tell()
        return position

    async def flush(self, force: bool = False) -> None:
        """Write what is buffered."""
        await in_thread(self._file.flush)

    async def close(self) -> None:
        """Close."""
        await in_thread(self._file.close)

    async def __aenter__(self) -> VfsAsyncFile:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await in_thread(self._file.__exit__, *exc)
