"""The fsspec face: URL strings in, file objects out. The only room that imports fsspec's classes.

`filesystem` is what fsspec loads. Its methods stand in `lookup` (one file or directory), `trees` (walking and
patterns), `change` (names), `bulk` (whole contents) and `asynchronous` (coroutines). `file` has the file objects,
`pending` those of a transaction, `copying` the rules of copies; `names` strips URLs, `info` makes details.
"""

from __future__ import annotations

from vfscore.fsspecfs.file import VfsRandom, VfsReader, VfsWriter
from vfscore.fsspecfs.filesystem import VfsFileSystem

__all__ = ["VfsFileSystem", "VfsRandom", "VfsReader", "VfsWriter"]
