"""Finding a path in a backend: what `vop_lookup` does, in as few requests as there can be.

The backend follows links beneath its root; a vnode is kept under the path without links (`Binding.vnode`).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.types import ComponentName, NameiOp, OpenFlag, VAttr, VType

if TYPE_CHECKING:
    from vfscore.etfs.binding import Binding
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["find", "missing", "open_first", "parent"]

_O_RDONLY: Final = os.O_RDONLY
_RDONLY = OpenFlag.RDONLY
_CREATE = NameiOp.CREATE
_VLNK = VType.VLNK


def find(binding: Binding, backend: Any, path: str, follow: bool, enter: bool = False) -> Vnode | None:
    """Return the vnode of *path*; None if it is of a kind that is not shown.

    Args:
        enter: It is likely to be a directory, and what is in it is asked for next.

    Errors:
        ENOENT: there is nothing.
        EACCES: a link leads to where the binding does not show.
    """
    resolve = binding.resolve
    unresolved = False
    if resolve is not None:
        real, va = resolve(path, follow)
    else:
        ask = getattr(backend, "enter", None) if enter else None
        real, va = path, backend.getattr(path, False) if ask is None else ask(path)
        realpath = getattr(backend, "realpath", None)
        if follow and va.va_type is _VLNK:
            va = backend.getattr(path, True)
            if realpath is not None:
                real = realpath(path)
            else:
                unresolved = True
        elif realpath is not None and "/" in path:
            head, _, name = path.rpartition("/")
            head = realpath(head)
            real = f"{head}/{name}" if head else name
    if binding.flat and (unresolved or "/" in real):
        raise err(errno.EACCES, hint=f"{path!r} is a link to what this binding does not show")
    return binding.vnode(real, va, unresolved)


def open_first(binding: Binding, backend: Any, path: str) -> Vnode | None:
    """Open *path* for reading and return its vnode with the handle waiting in it; None: look it up instead.

    Errors:
        ENOENT: there is nothing.
    """
    known = binding.recent.get(path)
    if known is not None:
        io = known.v_data.io
        if io is not None and (io.pread is not None or io.pending is not None) and io.grants_read():
            return None
    try:
        handle = backend.open(path, _RDONLY)
    except IsADirectoryError:
        return None
    node: EtNode
    if known is not None:
        node = known.v_data
        fileid = node.fileid
        if fileid is not None and not node.gone and getattr(handle, "fileid", None) == fileid and handle.path == path:
            (node.io or node.file_io()).offer(handle, _O_RDONLY)
            return known
    try:
        ask = getattr(handle, "getattr", None)
        va = VAttr(VType.VREG, va_size=handle.size()) if ask is None else ask()
        real = getattr(handle, "path", None)
        unresolved = False
        if real is None:
            real = path
            if hasattr(backend, "readlink"):
                if hasattr(backend, "realpath"):
                    real = backend.realpath(path)
                else:
                    unresolved = backend.getattr(path, False).va_type is _VLNK
        if binding.flat and (unresolved or "/" in real):
            raise err(errno.EACCES, hint=f"{path!r} is a link to what this binding does not show")
        vp = binding.vnode(real, va, unresolved)
        if vp is None or vp.v_type is not VType.VREG:
            handle.close()
            return None
    except BaseException:
        handle.close()
        raise
    node = vp.v_data
    if ask is None:
        node.changed()
    (node.io or node.file_io()).offer(handle, _O_RDONLY)
    return vp


def missing(
    binding: Binding, backend: Any, path: str, cnp: ComponentName, rest: Sequence[str], follow: bool
) -> Vnode | None:
    """Answer for a path that is not there: how far it goes, when something is to be made at its end.

    A link that leads nowhere is itself the answer to whoever creates through it.
    """
    making = cnp.nameiop in (_CREATE, NameiOp.RENAME) or bool(cnp.flags & os.O_CREAT)
    if not making:
        return None
    if follow and hasattr(backend, "readlink"):  # without links, there is nothing that following could have hidden
        try:
            vp = find(binding, backend, path, False)
        except FileNotFoundError:
            vp = None
        if vp is not None and vp.v_type is _VLNK:
            cnp.consume = len(rest)
            return vp
    if rest:
        try:
            backend.getattr(path.rpartition("/")[0], True)
        except FileNotFoundError:
            return None
        cnp.consume = len(rest) - 1
    return None


def parent(binding: Binding, node: EtNode) -> Vnode | None:
    """Return the directory above *node*; None when one of them is gone."""
    if node.gone:
        return None
    above = node.path.rpartition("/")[0]
    if not above:
        return binding.root
    try:
        return find(binding, binding.backend or binding.ready(), above, True)
    except FileNotFoundError:
        return None
