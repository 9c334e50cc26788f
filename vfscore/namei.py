"""namei: from a path to a vnode.

Walks a path component by component: asks the file system (`vop_lookup`), the grafts for keys and mounts, and follows
symbolic links. A component off the graft tree may go to the file system together with all that follow it, so that it
can resolve them in one call.

Nothing here adds a path to an error; `syscalls` does. A name that is not there is ``None``, not an exception: only
callers know whether that is a fault.

One module, a little long as it is: a walk is one loop, and what it has to know of a path's text is a few lines each.

The path cache remembers absolute paths whose every step lay on mounts that allow it. An entry holds the generation that
was read *before* its walk; a change assigns a new one *after* it is done, so that an entry can only be too old, never
wrong. One `Namei` belongs to one credential. No locks: dictionaries only.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.types import (
    ACCESS_EXEC,
    NAME_MAX,
    PATH_MAX,
    SYMLOOP_MAX,
    ComponentName,
    Cred,
    NameiOp,
    VType,
    component,
)
from vfscore.vnode import VV_ROOT, Vnode

if TYPE_CHECKING:
    from vfscore.mount import Graft, Mount, MountTable

__all__ = ["O_DIRECTORY", "Namei", "check_path", "has_long_name", "not_a_directory", "split_last"]

O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
"""Of a lookup: a directory is wanted, and something in it will be asked for next."""
_CACHE_MAX = 16384
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_LOOKUP = NameiOp.LOOKUP
_NO_REST: tuple[str, ...] = ()
_NO_NAME = frozenset(("", ".", ".."))


def check_path(path: str) -> None:
    """Refuse a path that no file can have.

    Errors:
        ENOENT: it is empty.
        ENAMETOOLONG: a name of more than 255 bytes, or 4096 and more in all.

    Raises:
        ValueError: it holds a NUL.
    """
    if has_long_name(path):
        raise err(errno.ENAMETOOLONG)


def has_long_name(path: str) -> bool:
    """Check *path* as `check_path` does, but return whether a name is too long: that fault waits on the way to it."""
    if not path:
        raise err(errno.ENOENT)
    if "\0" in path:
        raise ValueError("embedded null byte")
    if len(path) > 63:
        if path.isascii():
            if len(path) <= NAME_MAX:
                return False
            size, names = len(path), max(map(len, path.split("/")))
        else:
            raw = os.fsencode(path)
            size, names = len(raw), max(map(len, raw.split(b"/")))
        if size >= PATH_MAX:
            raise err(errno.ENAMETOOLONG)
        return names > NAME_MAX
    if not path.isascii():
        os.fsencode(path)  # a lone surrogate is no file name: UnicodeEncodeError, as os has it
    return False


def _is_long(name: str) -> bool:
    return len(name) > 63 and len(os.fsencode(name)) > NAME_MAX


def _ends_in_dot(path: str) -> bool:
    """Return whether the last component is ``.``, for which its directory must be searchable."""
    bare = path.rstrip("/")
    return bare == "." or bare.endswith("/.")


def not_a_directory(vp: Vnode) -> OSError:
    """Return the error for *vp* where a directory is needed: EIO for one whose mount was torn away, else ENOTDIR."""
    return err(errno.EIO if vp.v_type is VType.VBAD else errno.ENOTDIR)


def split_last(path: str) -> tuple[str, str, bool]:
    """Split *path* into what leads to its last component, that component, and whether slashes follow it.

    The component is ``""`` for a path of slashes only, and may be ``"."`` or ``".."``.
    """
    if path[-1] != "/":
        i = path.rfind("/") + 1
        return path[:i], path[i:], False
    bare = path.rstrip("/")
    if not bare:
        return "/", "", True
    i = bare.rfind("/") + 1
    return bare[:i], bare[i:], True


def _has_grafts(mp: Mount) -> bool:
    graft = mp.mnt_graft
    return graft is not None and bool(graft.children)


class Namei:
    """Resolves paths for one credential in one namespace."""

    __slots__ = ("_direct", "cache", "cred", "dircache", "lcache", "table")

    def __init__(self, table: MountTable, cred: Cred) -> None:
        self.table = table
        self.cred = cred
        self._direct = cred.uid == 0
        self.cache: dict[str, tuple[object, Vnode]] = {}
        """Absolute path → (generation, vnode), last links followed."""
        self.lcache: dict[str, tuple[object, Vnode]] = {}
        """The same, last links not followed."""
        self.dircache: dict[str, tuple[object, Vnode]] = {}
        """What leads to a last component, without the slash before it → (generation of directories, directory)."""

    def lookup(
        self, path: str, start: Vnode | None, follow: bool = True, op: NameiOp = _LOOKUP, flags: int = 0
    ) -> Vnode | None:
        """Return what *path* leads to, or None.

        Args:
            path: Any path; a relative one begins at *start*.
            start: A directory; None is the root.
            follow: Whether a symbolic link as last component is followed.
            op: LOOKUP, or OPEN when the vnode is about to be opened with *flags*.
            flags: The flags of `open(2)` for OPEN; O_DIRECTORY says for LOOKUP that a directory will be listed.

        Errors:
            ENOTDIR: something on the way is not a directory.
            EACCES: a directory on the way may not be searched.
            ELOOP: more than 40 symbolic links.
            ENAMETOOLONG: see `check_path`.
        """
        table = self.table
        hit = (self.cache if follow else self.lcache).get(path)
        if hit is not None and hit[0] is table.generation:
            return hit[1]
        generation = table.generation
        head, slash, name = path.rpartition("/")
        above = self.dircache.get(head)
        if (
            above is not None
            and above[0] is table.dir_generation
            and slash
            and name not in _NO_NAME
            and len(path) < 64
            and path.isascii()
            and "\0" not in path
        ):
            # One step below a directory that was just walked to: `child`, without a call more, where that does it.
            dvp = above[1]
            cnp = component(name, op, self.cred, follow, flags)
            graft = dvp.v_graft
            if self._direct and dvp.v_mount.mnt_direct and (graft is None or not graft.children):
                found = dvp.v_op.vop_lookup(dvp, cnp)
            else:
                found = self.child(dvp, cnp)
            if found is None:
                return None
            if found.v_type is not _VLNK or not follow:
                if dvp.v_mount.mnt_cachenames:
                    self._remember(path, follow, generation, found)
                return found
        absolute = path[:1] == "/"
        vp = table.root.directory() if absolute or start is None else start
        long = has_long_name(path)
        mustdir = path[-1] == "/" or path.endswith(("/.", "/..")) or path in {".", ".."}
        names = (path[1:] if absolute else path).split("/")
        if "" in names or "." in names:
            names = [name for name in names if name and name != "."]
        if long:
            self._refuse_long(vp, names)
            return None
        if absolute and not mustdir and self._direct and table.find(names[:-1]) is not None:
            self._learn(head, vp, names[:-1])
        found, cachable = self._walk(vp, names, follow or mustdir, op, flags)
        if found is None:
            return None
        if mustdir:
            if found.v_type is not _VDIR:
                raise not_a_directory(found)
            if _ends_in_dot(path) and not (self._direct and found.v_mount.mnt_direct):
                found.v_op.vop_access(found, ACCESS_EXEC, self.cred)
        if absolute and cachable:
            self._remember(path, follow, generation, found)
        return found

    def _remember(self, path: str, follow: bool, generation: object, vp: Vnode) -> None:
        cache = self.cache if follow else self.lcache
        if len(cache) >= _CACHE_MAX:
            cache.clear()
        cache[path] = (generation, vp)

    def _learn(self, head: str, root: Vnode, names: list[str]) -> None:
        """Remember the directory that a key or a mount point is, for the next path below it."""
        generation = self.table.dir_generation
        found, cachable = self._walk(root, names, True, _LOOKUP, 0)
        if cachable and found is not None and found.v_type is _VDIR:
            if len(self.dircache) >= _CACHE_MAX:
                self.dircache.clear()
            self.dircache[head] = (generation, found)

    def parent(self, head: str, start: Vnode | None, long: bool = False) -> Vnode:
        """Return the directory that *head*, the first part of `split_last`, leads to; *long*: it may have a long name.

        Errors:
            ENOENT: it is not there.
            ENOTDIR: it is not a directory.
            EACCES: it may not be searched.

        Besides those of `lookup`.
        """
        table = self.table
        if head[:1] == "/":
            hit = self.dircache.get(head[:-1])
            if hit is not None and hit[0] is table.dir_generation:
                return hit[1]
            generation = table.dir_generation
            vp = table.root.directory()
        else:
            vp = start or table.root.directory()
        names = [name for name in head.split("/") if name and name != "."]
        if long and any(map(_is_long, names)):
            self._refuse_long(vp, names)
            raise err(errno.ENOENT)
        found, cachable = self._walk(vp, names, True, _LOOKUP, O_DIRECTORY)
        if found is None:
            raise err(errno.ENOENT)
        if found.v_type is not _VDIR:
            raise not_a_directory(found)
        if not self._direct:
            # Before anything is looked up in it: of two paths, the second's directory counts before the first's name.
            found.v_op.vop_access(found, ACCESS_EXEC, self.cred)
        if cachable and head[:1] == "/":
            if len(self.dircache) >= _CACHE_MAX:
                self.dircache.clear()
            self.dircache[head[:-1]] = (generation, found)
        return found

    def child(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Return the entry *cnp* of *dvp*, or None: one step, links not followed, grafts asked.

        Errors:
            EACCES: *dvp* may not be searched.
            ENAMETOOLONG: its name has more than 255 bytes.
        """
        if not (self._direct and dvp.v_mount.mnt_direct):
            dvp.v_op.vop_access(dvp, ACCESS_EXEC, self.cred)
        name = cnp.name
        if len(name) > 63 and _is_long(name):
            removed = dvp.v_op.vop_getattr(dvp, self.cred).va_nlink == 0
            raise err(errno.ENOENT if removed else errno.ENAMETOOLONG)
        graft = dvp.v_graft
        if graft is not None and graft.children:
            hanging = graft.children.get(name)
            if hanging is not None:
                return hanging.root or self._on_the_way(hanging, dvp, cnp)
        return dvp.v_op.vop_lookup(dvp, cnp)

    def dotdot(self, vp: Vnode) -> Vnode | None:
        """Return the parent of the directory *vp*, across mounts; the root's is itself.

        None: *vp* was removed and has no parent any more.
        """
        if vp.v_flag & VV_ROOT:
            graft = vp.v_mount.mnt_graft
            if graft is None or graft.parent is None:
                return vp
            return graft.parent.directory()
        return vp.v_op.vop_lookup(vp, ComponentName("..", _LOOKUP, self.cred))

    def target(self, vp: Vnode) -> str:
        """Return the target of the link *vp*, fit to be walked.

        Errors:
            ENOENT: it is empty.
        """
        target = vp.v_op.vop_readlink(vp, self.cred)
        if not target:
            raise err(errno.ENOENT)
        return target

    @staticmethod
    def _on_the_way(hanging: Graft, dvp: Vnode, cnp: ComponentName) -> Vnode:
        """Return the directory at *hanging*, below which a key lies: one of *dvp*'s, or a synthetic one."""
        try:
            found = dvp.v_op.vop_lookup(dvp, cnp)
        except FileNotFoundError:
            found = None  # *dvp* is of a binding whose source is not there: a key below it is
        return hanging.attach(found)

    def _refuse_long(self, vp: Vnode, names: list[str], links: int = 0) -> None:
        """Walk to the first name of more than 255 bytes and raise; return when the walk ends before it.

        Args:
            vp: Where *names* begin.
            names: Components; one of them is too long.
            links: Links followed before.

        Errors:
            ENAMETOOLONG, ENOTDIR, EACCES, ELOOP: as on the way there.
        """
        first = next(i for i, name in enumerate(names) if _is_long(name))
        found, _ = self._walk(vp, names[:first], True, _LOOKUP, 0, links)
        if found is not None:
            if found.v_type is not _VDIR:
                raise err(errno.ENOTDIR)
            self.child(found, ComponentName(names[first], _LOOKUP, self.cred))

    def _walk(
        self, vp: Vnode, names: list[str], follow: bool, op: NameiOp, flags: int, links: int = 0
    ) -> tuple[Vnode | None, bool]:
        """Walk *names* from *vp*; return what is there (or None), and whether it may be remembered."""
        cred = self.cred
        direct = self._direct
        cachable = True
        mustdir = mustsearch = False
        i, end = 0, len(names)
        while i < end:
            if vp.v_type is not _VDIR:
                raise not_a_directory(vp)
            mp = vp.v_mount
            if not (direct and mp.mnt_direct):
                vp.v_op.vop_access(vp, ACCESS_EXEC, cred)
            name = names[i]
            if name == "..":
                up = self.dotdot(vp)
                if up is None:
                    return None, False
                cachable = cachable and mp.mnt_cachenames
                vp = up
                i += 1
                continue
            graft = vp.v_graft
            hanging = None if graft is None else graft.children.get(name)
            if hanging is not None:
                i += 1
                root = hanging.root
                if root is None:
                    cachable = cachable and mp.mnt_cachenames
                    cnp = ComponentName(name, _LOOKUP, cred, _NO_REST, i == end)
                    root = self._on_the_way(hanging, vp, cnp)
                vp = root
                continue
            rest: tuple[str, ...] | list[str] = _NO_REST
            islast = i + 1 == end
            if not islast and mp.mnt_direct and (mp.mnt_cachenames or not _has_grafts(mp)):
                # A binding follows links itself: where keys hang below it, it takes one component at a time.
                rest = names[i + 1 :]
                islast = True
                if ".." in rest:
                    rest = rest[: rest.index("..")]
                    islast = False
            cnp = ComponentName(name, op if islast else _LOOKUP, cred, rest, islast, follow or not islast, flags)
            found = vp.v_op.vop_lookup(vp, cnp)
            if found is None:
                return None, False
            if not mp.mnt_cachenames:
                cachable = False
            consumed = cnp.consume
            i += 1 + consumed
            if found.v_type is _VLNK and (follow or i < end):
                links += 1
                if links > SYMLOOP_MAX:
                    raise err(errno.ELOOP)
                target = self.target(found)
                if target[0] == "/":
                    vp = self.table.root.directory()
                elif consumed:
                    # The link lies deeper than vp: find its directory, through names that were directories just now.
                    inner = ComponentName(name, _LOOKUP, cred, rest[: consumed - 1], islast=False)
                    above = vp.v_op.vop_lookup(vp, inner)
                    if above is None:
                        return None, False
                    vp = above
                more = [part for part in target.split("/") if part and part != "."]
                if has_long_name(target):
                    self._refuse_long(vp, more, links)
                    return None, False
                if i == end:
                    mustdir = mustdir or target.endswith(("/", "/."))
                    mustsearch = mustsearch or _ends_in_dot(target)
                names = more + names[i:]
                i, end = 0, len(names)
                continue
            vp = found
        if mustdir and vp.v_type is not _VDIR:
            raise err(errno.ENOTDIR)
        if mustsearch and not (direct and vp.v_mount.mnt_direct):
            vp.v_op.vop_access(vp, ACCESS_EXEC, cred)
        return vp, cachable
