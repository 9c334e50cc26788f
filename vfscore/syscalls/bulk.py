"""Many files in one call: paths are grouped by what they lie on, and each group goes down as one vnode op.

A group is the files below one mount or binding: the paths are walked lexically down the graft tree, so that not one
lookup is made for them here. Everything else walks on its own: a path with ``..``, one that passes other keys, one
below a mount that has no such op or has a layer around it, and every path of a credential that is checked.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import bare, err
from vfscore.namei import check_path
from vfscore.opv import OpVector
from vfscore.syscalls.files import Files
from vfscore.syscalls.openfile import named
from vfscore.syscalls.removing import Removing
from vfscore.types import VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Bulk"]

_PAIRS: Final = frozenset({"vop_read_ranges_many", "vop_write_many"})
"""Ops whose items are a path and something."""
_PIECE: Final = 4 << 20
"""Bytes that are copied at a time."""


class Bulk(Files, Removing):
    """The part of `Sys` that works on many files at once."""

    __slots__ = ()

    def read_many(self, paths: Sequence[AnyPath]) -> list[bytes | OSError]:
        """Return for each path, in its order, the whole content or the error."""
        return self._many("vop_read_many", paths, lambda path: path, self.read_file)

    def read_file(self, path: AnyPath) -> bytes:
        """Return the whole content of *path*."""
        file = self.open_file(path, os.O_RDONLY)
        try:
            size = file.known_size() or 0
            data = file.pread(0, size)
            # The size may be unknown (0), stale or growing, and a layer may give less than there is: only an empty
            # read is the end.
            pieces, done = [data], len(data)
            while more := file.pread(done, 1 << 20):
                pieces.append(more)
                done += len(more)
            return data if len(pieces) == 1 else b"".join(pieces)
        finally:
            file.close()

    def read_ranges(self, path: AnyPath, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (offset, size) of *path*, opened once."""
        file = self.open_file(path, os.O_RDONLY)
        try:
            return file.read_ranges(ranges)
        finally:
            file.close()

    def read_ranges_many(
        self, items: Sequence[tuple[AnyPath, Sequence[tuple[int, int]]]]
    ) -> list[list[bytes] | OSError]:
        """Return for each (path, ranges), in its order, the bytes of its (offset, size) ranges or the error."""
        return self._many(
            "vop_read_ranges_many", items, lambda item: item[0], lambda item: self.read_ranges(item[0], item[1])
        )

    def write_many(self, items: Sequence[tuple[AnyPath, bytes]]) -> list[OSError | None]:
        """Write whole files, made or replaced, and return for each, in its order, None or the error."""
        return self._many("vop_write_many", items, lambda item: item[0], lambda item: self.write_file(*item))

    def write_file(self, path: AnyPath, data: bytes) -> None:
        """Write *data* as the whole content of *path*."""
        file = self.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            done = file.pwrite(data, 0) if data else 0
            while done < len(data):
                done += file.pwrite(memoryview(data)[done:], done)
        except BaseException:
            file.discard()
            raise
        finally:
            file.close()

    def copy_many(
        self,
        pairs: Sequence[tuple[AnyPath, AnyPath]],
        mode: int = 0o666,
        one: Callable[[int], None] | None = None,
    ) -> list[OSError | None]:
        """Copy the contents of files, each (source, target), by the storage itself where both are on one that can.

        Args:
            pairs: A target that is there is cut and written; one that is not is made, with *mode* less the umask.
            one: Called with the index of a pair that has to be read and written, to do that; `copy_file` if None.

        Returns:
            For each pair, in its order, None or the error. When one name is in several pairs, these are done in order.
        """
        sources, targets = ({self._spelled(pair[end]) for pair in pairs} for end in (0, 1))
        if len(pairs) > 1 and (len(targets) != len(pairs) or not sources.isdisjoint(targets)):
            return [
                self.copy_many([pair], mode, None if one is None else lambda _, i=i: one(i))[0]  # type: ignore[misc]
                for i, pair in enumerate(pairs)
            ]
        out: list[OSError | None] = [None] * len(pairs)
        alone = set(range(len(pairs)))
        groups, _ = self._group([path for pair in pairs for path in pair], "vop_copy_many")
        for vp, members in groups:
            below = dict(members)
            mine = [i for i in range(len(pairs)) if 2 * i in below and 2 * i + 1 in below]
            alone.difference_update(mine)
            asked = [(below[2 * i], below[2 * i + 1]) for i in mine]
            answers = vp.v_op.vop_copy_many(vp, asked, mode & 0o7777 & ~self.mask, self.cred) if asked else []
            for i, answer in zip(mine, answers, strict=True):
                out[i] = answer
                if answer is not None:
                    named(bare(answer), *pairs[i])
        for i in sorted(alone):
            try:
                if one is None:
                    self.copy_file(*pairs[i], mode)
                else:
                    one(i)
            except OSError as exc:
                out[i] = bare(exc)  # its frame would hold this list, and so itself
        return out

    def _spelled(self, path: AnyPath) -> str:
        """Return *path* as all its spellings are, to compare; links are not looked at."""
        name = self._str(path)
        return posixpath.normpath(f"/{name.lstrip('/')}" if name[:1] == "/" else name)

    def copy_file(self, source: AnyPath, target: AnyPath, mode: int = 0o666) -> None:
        """Read *source* and write it as the whole content of *target*, which is made with *mode* if it is not there.

        Errors:
            EISDIR: one of them is a directory.
            EINVAL: both are the same file.
        """
        file = self.open_file(source, os.O_RDONLY)
        try:
            if file.vp.v_type is VType.VDIR:
                raise err(errno.EISDIR, source)
            if self._is_file(target, file.vp):
                raise err(errno.EINVAL, source, target, hint="they are the same file")
            out = self.open_file(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            try:
                if not file.known_size():
                    file.confirm()  # what only a look took for empty would be copied as nothing
                done = 0
                while piece := file.pread(done, _PIECE):
                    end = done + len(piece)
                    while done < end:
                        done += out.pwrite(memoryview(piece)[done - end :], done)
            except BaseException:
                out.discard()
                raise
            finally:
                out.close()
        finally:
            file.close()

    def _is_file(self, path: AnyPath, vp: Vnode) -> bool:
        """Return whether *path* is another way to *vp*."""
        try:
            other = self._vnode(path, None, True)
        except OSError:
            return False
        if other is vp:
            return True
        there, va = other.v_op.vop_getattr(other, self.cred), vp.v_op.vop_getattr(vp, self.cred)
        return (there.va_fsid, there.va_fileid) == (va.va_fsid, va.va_fileid)

    def remove_many(self, paths: Sequence[AnyPath]) -> list[OSError | None]:
        """Remove files, and return for each, in its order, None or the error."""
        out = self._many("vop_remove_many", paths, lambda path: path, self.unlink)
        self.table.bump()
        return out

    def _many(
        self, op: str, items: Sequence[Any], path_of: Callable[[Any], AnyPath], one: Callable[[Any], Any]
    ) -> list[Any]:
        """Do *op* for each group of *items* that has it, and *one* for every other item."""
        out: list[Any] = [None] * len(items)
        groups, alone = self._group([path_of(item) for item in items], op)
        for vp, members in groups:
            asked: list[Any] = [rel for _, rel in members]
            if op in _PAIRS:
                asked = [(rel, items[i][1]) for i, rel in members]
            answers = getattr(vp.v_op, op)(vp, asked, self.cred)
            for (i, _), answer in zip(members, answers, strict=True):
                out[i] = answer
                if isinstance(answer, OSError):
                    named(bare(answer), path_of(items[i]))
        for i in alone:
            try:
                out[i] = one(items[i])
            except OSError as exc:
                out[i] = bare(exc)  # its frame would hold this list, and so itself
        return out

    def _group(self, paths: Sequence[AnyPath], op: str) -> tuple[list[tuple[Vnode, list[tuple[int, str]]]], list[int]]:
        """Return groups (root vnode, [(index, path below it)]), and the indexes that want a walk of their own."""
        top = self.table.root
        # Where the root's own file system has no such op, only what hangs below the root can be in a group.
        hanging = top.root is None or op not in top.root.v_op.served
        groups: dict[int, tuple[Vnode, list[tuple[int, str]]]] = {}
        alone: list[int] = []
        for i, path in enumerate(paths):
            name = path if type(path) is str else self._str(path)
            if hanging and name[:1] == "/" and name.split("/", 2)[1] not in top.children:
                alone.append(i)
                continue
            parts = [part for part in name.split("/") if part and part != "."]
            under, vp = self._base(parts) if name[:1] == "/" and not name.endswith(("/", "/.")) else (0, None)
            if (
                vp is None
                or self.cred.uid
                or op not in vp.v_op.served
                or op in vp.v_op.wrapped
                or getattr(vp.v_op, op) is OpVector.defaults.get(op)
                or not _fits(name)
            ):
                alone.append(i)
            else:
                groups.setdefault(id(vp), (vp, []))[1].append((i, "/".join(parts[under:])))
        return list(groups.values()), alone

    def _base(self, parts: list[str]) -> tuple[int, Vnode | None]:
        """Return how many of *parts* lead to the mount below which nothing else hangs on the way, and its root."""
        graft, base, under = self.table.root, self.table.root, 0
        for depth, part in enumerate(parts, 1):
            below = graft.children.get(part)
            if below is None:
                break
            graft = below
            if graft.root is not None:
                base, under = graft, depth
        else:
            return 0, None  # a key or mount point itself, or a directory above one
        vp = base.root
        if graft is not base or vp is None or vp.v_type is not VType.VDIR or ".." in parts:
            return 0, None
        return under, vp


def _fits(name: str) -> bool:
    """Return whether *name* may be a path at all; the walk says what is wrong with one that may not."""
    try:
        check_path(name)
    except (OSError, ValueError):
        return False
    return True
