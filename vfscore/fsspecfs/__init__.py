"""The fsspec face: URL strings in, file objects out. The only room that imports fsspec's classes.

`filesystem` is what fsspec loads. Its methods stand in `lookup` (one file or directory), `trees` (walking and
patterns), `change` (names), `bulk` (whole contents) and `asynchronous` (coroutines). `file` has the file objects,
`pending` those of a transaction, `copying` the rules of copies; `progress` shows how far one is. `names` strips URLs,
`info` makes details, `hostfiles` knows which files are the host's, `blockcached` serves fsspec's block cache.
"""

from __future__ import annotations

from vfscore.fsspecfs.file import VfsReader
from vfscore.fsspecfs.filesystem import VfsFileSystem
from vfscore.fsspecfs.progress import Progress
from vfscore.fsspecfs.writing import VfsRandom, VfsWriter

__all__ = ["Progress", "VfsFileSystem", "VfsRandom", "VfsReader", "VfsWriter"]
