"""What users call: `os`, spelled over vnodes.

`Sys` has the names, arguments, results and errors of the `os` module. It is one view of a namespace: a credential, a
working directory and a umask, over the mounts and open files that all views share. This room is the only one that adds
the path to an error, as the user wrote it, and the only one that checks permissions other than those of a search.

`openfile` has open files and `filetable` their table, `opening` and `files` make and use descriptors, `paths`,
`removing` and `renaming` have the calls on names, `attrs` those on attributes, `walking` listing and everything
recursive, `direntry` what `scandir` yields, `bulk` many files at once, `explain` what hangs where, `rawio` the objects
behind the builtin `open`, `view` what they all share and `sys` the whole.
"""

from __future__ import annotations

from vfscore.syscalls.filetable import FileTable
from vfscore.syscalls.openfile import OpenFile
from vfscore.syscalls.rawio import VfsRawIO, open_io
from vfscore.syscalls.sys import Sys

__all__ = ["FileTable", "OpenFile", "Sys", "VfsRawIO", "open_io"]
