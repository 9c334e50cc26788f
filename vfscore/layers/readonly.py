"""The layer `readonly`: nothing below it changes.

Every mutator is EROFS before it reaches the file system, and the mount counts as read-only (`mnt_rdonly`), so that
access and open for writing are EROFS as on any read-only mount. What reads is not wrapped and costs nothing. As on
Linux, a device node on such a mount can still be written to: it is a door to something else. A device that is itself
the root of the binding cannot.

Options: none. Stateless; no locks.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, NoReturn

import msgspec

from vfscore.errors import err
from vfscore.layers.wrapper import Wrapper, dress, options_as
from vfscore.mount import Mount
from vfscore.spec import hookimpl
from vfscore.types import Statvfs, VType
from vfscore.vnode import VV_ROOT, Vnode

__all__ = ["READONLY", "ReadOnly", "make"]

_NAMES: Final = (
    "vop_create",
    "vop_mknod",
    "vop_remove",
    "vop_link",
    "vop_rename",
    "vop_mkdir",
    "vop_rmdir",
    "vop_symlink",
    "vop_whiteout",
    "vop_setattr",
    "vop_setextattr",
    "vop_deleteextattr",
)
"""What changes names and attributes: these belong to the mount whatever the vnode is."""
_DATA: Final = ("vop_write", "vop_fallocate", "vop_fdiscard")
"""What changes data: that of a device node belongs to the device."""
_OURS: Final = frozenset({VType.VREG, VType.VDIR, VType.VLNK})


def _erofs() -> NoReturn:
    raise err(errno.EROFS)


def _refuse(op: str) -> Wrapper:
    def refuse(*_args: Any) -> Generator[None, Any, Any]:
        yield _erofs()

    return dress(op, refuse)


def _refuse_data(op: str) -> Wrapper:
    def refuse_data(*args: Any) -> Generator[None, Any, Any]:
        vp: Vnode = args[0]
        if vp.v_type in _OURS or vp.v_flag & VV_ROOT:
            _erofs()
        return (yield)

    return dress(op, refuse_data)


class ReadOnly:
    """The layer; one object serves all mounts.

    The bulk forms of the mutators are not here: under this layer they are the loop, which says EROFS for each item.
    """

    name = "readonly"
    rdonly = True
    """The mount counts as read-only (see `Mount.mnt_rdonly`)."""

    def __init__(self) -> None:
        made: dict[str, Callable[..., Any]] = {op: _refuse(op) for op in _NAMES}
        made |= {op: _refuse_data(op) for op in _DATA}
        vars(self).update(made)

    @hookimpl(wrapper=True)
    def vfs_update(self, mp: Mount, options: Mapping[str, Any], readonly: bool) -> Generator[None, None, None]:
        """Refuse to become writable, as a write-protected medium does."""
        if not readonly:
            raise err(errno.EROFS, hint="the layer 'readonly' is around it")
        return (yield)

    @hookimpl(wrapper=True)
    def vfs_statvfs(self, mp: Mount) -> Generator[None, Statvfs, Statvfs]:
        """Add ST_RDONLY to the flags."""
        sizes = yield
        sizes.f_flag |= os.ST_RDONLY
        return sizes

    def __repr__(self) -> str:
        return "readonly"


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    """It has none."""


READONLY: Final = ReadOnly()


def make(options: Mapping[str, Any]) -> ReadOnly:
    """Return the layer.

    Errors:
        EINVAL: there are options; it has none.
    """
    options_as("readonly", options, _Options)
    return READONLY
