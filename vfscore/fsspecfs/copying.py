"""Where copies go: the rules of fsspec's "copying files and directories", and the bytes on their way.

No state, no locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fsspec.utils import other_paths, stringify_path

from vfscore.fsspecfs.names import ends_in_slash, strip_protocol

if TYPE_CHECKING:
    from vfscore.syscalls import OpenFile

__all__ = [
    "as_bytes",
    "as_target",
    "check_contained",
    "chunks_of",
    "destinations",
    "is_many",
    "pour",
    "span",
    "write_all",
]

CHUNK: Final = 4 << 20
"""Bytes that are copied at a time."""


def is_many(path: Any) -> bool:
    """Return whether *path* is several paths."""
    return isinstance(path, list | tuple | set)


def as_target(path: Any) -> Any:
    """Return the stripped *path*, with a slash at its end if the user wrote one; of a list, a list."""
    if is_many(path):
        return [strip_protocol(p) for p in path]
    name = strip_protocol(path)
    return name + "/" if ends_in_slash(path) and name != "/" else name


def destinations(
    source: Any, expanded: list[str], target: Any, *, magic: bool, is_dir: Callable[[str], bool]
) -> list[str]:
    """Return where each of *expanded* goes.

    Args:
        source: What the user wrote, which *expanded* stands for.
        target: A stripped path, with a slash at its end if the user wrote one, or a list as long as *expanded*.
        magic: *source* is a pattern.
        is_dir: Whether a target is a directory.
    """
    single = not is_many(source)
    exists = False
    if single and not is_many(target):
        if magic:
            exists = len(expanded) == 1
        else:
            exists = not ends_in_slash(stringify_path(source)) and (target.endswith("/") or is_dir(target))
    paths: list[str] = other_paths(expanded, target, exists=exists, flatten=not single)
    return paths


def check_contained(root: str, targets: list[str]) -> None:
    """Raise ValueError if one of *targets* on the host leaves *root*, as a ``..`` in the source could make it."""
    top = os.path.abspath(root)
    for target in targets:
        path = os.path.abspath(target)
        if path != top and not path.startswith(top.rstrip("/") + "/"):
            raise ValueError(f"{target!r} would be copied to {path!r}, outside of {root!r}")


def span(start: int | None, end: int | None, size: Callable[[], int]) -> tuple[int, int]:
    """Return (offset, length) of the slice from *start* to *end* of *size()* bytes, asked for only if needed."""
    start = start or 0
    if start < 0 or end is None or end < 0:
        total = size()
        start = max(total + start, 0) if start < 0 else start
        end = total if end is None else total + end if end < 0 else end
    return start, max(end - start, 0)


def as_bytes(value: Any) -> bytes | memoryview:
    """Return what a user gives as contents as bytes: by reference if it is bytes, else as a view of it."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        raise TypeError("contents are bytes, not str; encode it, or open the file in text mode")
    view = memoryview(value)
    return view.cast("B") if view.contiguous else view.tobytes()


def chunks_of(file: OpenFile, position: int = 0) -> Iterator[bytes | memoryview]:
    """Yield the contents of *file* in pieces, without a copy where it lies in memory."""
    if not file.known_size():
        file.confirm()  # what only a look took for empty would be copied as nothing
    while True:
        size = min((file.known_size() or 0) - position, CHUNK)
        piece: bytes | memoryview | None = file.view(position, size) if size > 0 else None
        if not piece:
            piece = file.pread(position, CHUNK)
        if not piece:
            return
        yield piece
        position += len(piece)


def write_all(file: OpenFile, piece: bytes | memoryview, position: int = 0) -> int:
    """Write *piece* at *position* and return where it ends.

    Errors:
        ENOSPC: the file cannot hold all of it; what fits is written.
    """
    done = file.pwrite(piece, position) if piece else 0
    while done < len(piece):
        done += file.pwrite(memoryview(piece)[done:], position + done)
    return position + done


def copy_all(file: OpenFile, out: OpenFile) -> None:
    """Write the contents of *file* into *out*, from its start."""
    position = 0
    for piece in chunks_of(file):
        position = write_all(out, piece, position)


def pour(file: OpenFile, out: Any, callback: Any) -> None:
    """Write the contents of *file* into the file object *out*, and tell *callback*."""
    for piece in chunks_of(file):
        done = 0
        while done < len(piece):
            n = out.write(memoryview(piece)[done:] if done else piece)
            done += len(piece) - done if n is None else n
        callback.relative_update(len(piece))
