"""Plain data that every room shares: types, attributes, entries, credentials and flags.

Names are NetBSD's (`sys/vnode.h`, `sys/namei.h`, `sys/dirent.h`); numbers, where a number shows, are Linux's. Nothing
here has behaviour beyond its own conversion, takes a lock or imports another room.

One module, long as it is: it is read as one, like the headers that it comes from, and most of it is lists of fields.

Time stamps are integers of nanoseconds since the epoch. ``None`` in a :class:`VAttr` is VNOVAL: "not given".
"""

from __future__ import annotations

import enum
import os
import stat as _stat
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

__all__ = [
    "ACCESS_EXEC",
    "ACCESS_READ",
    "ACCESS_WRITE",
    "NAME_MAX",
    "PATH_MAX",
    "ROOT_CRED",
    "SIZE_ENDOFF",
    "SYMLOOP_MAX",
    "AccMode",
    "ComponentName",
    "Cred",
    "Dirent",
    "EtfsType",
    "IoFlag",
    "NameiOp",
    "OpenFlag",
    "Statvfs",
    "VAttr",
    "VType",
    "component",
    "makedev",
    "mode_of",
    "vtype_of_mode",
]

NAME_MAX: Final = 255
"""Bytes in one component (Linux, NetBSD)."""
PATH_MAX: Final = 4096
"""Bytes in a path, its terminating NUL counted (Linux)."""
SYMLOOP_MAX: Final = 40
"""Symbolic links that one resolution follows before ELOOP (Linux)."""
SIZE_ENDOFF: Final = (1 << 64) - 1
"""`RUMP_ETFS_SIZE_ENDOFF`: a window that reaches to the end of its file, and grows with it."""


class VType(enum.IntEnum):
    """What a vnode is (`enum vtype`)."""

    VNON = 0
    VREG = 1
    VDIR = 2
    VBLK = 3
    VCHR = 4
    VLNK = 5
    VSOCK = 6
    VFIFO = 7
    VBAD = 8


_IFMT: Final[dict[int, int]] = {
    VType.VNON: 0,
    VType.VREG: _stat.S_IFREG,
    VType.VDIR: _stat.S_IFDIR,
    VType.VBLK: _stat.S_IFBLK,
    VType.VCHR: _stat.S_IFCHR,
    VType.VLNK: _stat.S_IFLNK,
    VType.VSOCK: _stat.S_IFSOCK,
    VType.VFIFO: _stat.S_IFIFO,
    VType.VBAD: 0,
}
_VTYPE: Final[dict[int, VType]] = {fmt: VType(vt) for vt, fmt in _IFMT.items() if fmt}

_VTYPES: Final = tuple(_VTYPE.get(n << 12, VType.VNON) for n in range(16))
"""The vnode type by the bits above the permissions."""
_new = object.__new__

INO_WHITEOUT: Final = 1
"""d_fileno of a whiteout, as rumpfs has it."""


def mode_of(vtype: VType) -> int:
    """Return the `S_IFMT` bits of *vtype*; 0 for VNON and VBAD."""
    return _IFMT[vtype]


def vtype_of_mode(mode: int) -> VType:
    """Return the vnode type that the `S_IFMT` bits of *mode* name; VNON when they name none."""
    return _VTYPE.get(mode & 0o170000, VType.VNON)


def makedev(major: int, minor: int) -> int:
    """Return the device number of (*major*, *minor*), in Linux's encoding (`os.makedev`)."""
    return os.makedev(major, minor)


class EtfsType(enum.StrEnum):
    """What a host path is to be in the tree (`enum rump_etfs_type`)."""

    REG = "reg"
    BLK = "blk"
    CHR = "chr"
    DIR = "dir"
    DIR_SUBDIRS = "dir_subdirs"


class NameiOp(enum.IntEnum):
    """Why a name is looked up (`cn_nameiop`); OPEN is ours: the caller is about to open what it finds."""

    LOOKUP = 0
    CREATE = 1
    DELETE = 2
    RENAME = 3
    OPEN = 4


class _Bits(int):
    """Flags as an int, because an enum's `&` costs more than a whole read."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __or__(self, other: int) -> Self: ...
        def __and__(self, other: int) -> Self: ...


class OpenFlag(_Bits):
    """Flags of `open(2)` that reach a backend, with Linux's numbers: an int."""

    __slots__ = ()
    RDONLY: ClassVar[OpenFlag]
    WRONLY: ClassVar[OpenFlag]
    RDWR: ClassVar[OpenFlag]
    CREAT: ClassVar[OpenFlag]
    EXCL: ClassVar[OpenFlag]
    TRUNC: ClassVar[OpenFlag]
    APPEND: ClassVar[OpenFlag]


OpenFlag.RDONLY = OpenFlag(os.O_RDONLY)
OpenFlag.WRONLY = OpenFlag(os.O_WRONLY)
OpenFlag.RDWR = OpenFlag(os.O_RDWR)
OpenFlag.CREAT = OpenFlag(os.O_CREAT)
OpenFlag.EXCL = OpenFlag(os.O_EXCL)
OpenFlag.TRUNC = OpenFlag(os.O_TRUNC)
OpenFlag.APPEND = OpenFlag(os.O_APPEND)


class IoFlag(_Bits):
    """Flags of one read or write (`ioflag`): an int."""

    __slots__ = ()
    NONE: ClassVar[IoFlag]
    APPEND: ClassVar[IoFlag]
    SYNC: ClassVar[IoFlag]
    NDELAY: ClassVar[IoFlag]
    DIRECT: ClassVar[IoFlag]


IoFlag.NONE = IoFlag(0)
IoFlag.APPEND = IoFlag(1)
IoFlag.SYNC = IoFlag(2)
IoFlag.NDELAY = IoFlag(4)
IoFlag.DIRECT = IoFlag(8)


ACCESS_EXEC: Final = 1
ACCESS_WRITE: Final = 2
ACCESS_READ: Final = 4
AccMode = int
"""An or of ACCESS_READ, ACCESS_WRITE and ACCESS_EXEC: the bits of `access(2)`."""


class Cred:
    """Who asks (`kauth_cred_t`). Immutable; uid 0 passes every check that root passes on Linux."""

    __slots__ = ("gid", "groups", "uid")

    def __init__(self, uid: int, gid: int, groups: Iterable[int] = ()) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = frozenset(groups) | {gid}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cred):
            return NotImplemented
        return (self.uid, self.gid, self.groups) == (other.uid, other.gid, other.groups)

    def __hash__(self) -> int:
        return hash((self.uid, self.gid, self.groups))

    def __repr__(self) -> str:
        return f"Cred(uid={self.uid}, gid={self.gid}, groups={sorted(self.groups)})"


ROOT_CRED: Final = Cred(0, 0)


class VAttr:
    """Attributes of a vnode (`struct vattr`).

    As an answer of `vop_getattr` it is a snapshot that nobody changes afterwards: a file system may hand out the same
    object until the file changes, and `stat` keeps its result in it. As an argument of `vop_setattr`, `vop_create` and
    their kin, a field that is ``None`` (VNOVAL) is left alone.
    """

    __slots__ = (
        "_stat",
        "va_atime",
        "va_birthtime",
        "va_blocksize",
        "va_bytes",
        "va_ctime",
        "va_etag",
        "va_fileid",
        "va_flags",
        "va_fsid",
        "va_gen",
        "va_gid",
        "va_mode",
        "va_mtime",
        "va_nlink",
        "va_rdev",
        "va_size",
        "va_type",
        "va_uid",
        "va_version",
    )

    def __init__(
        self,
        va_type: VType = VType.VNON,
        va_mode: int | None = None,
        va_nlink: int | None = None,
        va_uid: int | None = None,
        va_gid: int | None = None,
        va_fsid: int | None = None,
        va_fileid: int | None = None,
        va_size: int | None = None,
        va_blocksize: int | None = None,
        va_atime: int | None = None,
        va_mtime: int | None = None,
        va_ctime: int | None = None,
        va_birthtime: int | None = None,
        va_bytes: int | None = None,
        va_rdev: int | None = None,
        va_flags: int | None = None,
        va_gen: int | None = None,
        va_etag: str | None = None,
        va_version: str | None = None,
    ) -> None:
        self.va_type = va_type
        self.va_mode = va_mode
        """Permission bits, without the type's."""
        self.va_nlink = va_nlink
        self.va_uid = va_uid
        self.va_gid = va_gid
        self.va_fsid = va_fsid
        self.va_fileid = va_fileid
        self.va_size = va_size
        self.va_blocksize = va_blocksize
        self.va_atime = va_atime
        self.va_mtime = va_mtime
        self.va_ctime = va_ctime
        self.va_birthtime = va_birthtime
        self.va_bytes = va_bytes
        """Bytes that the data occupies, holes not counted."""
        self.va_rdev = va_rdev
        self.va_flags = va_flags
        self.va_gen = va_gen
        self.va_etag = va_etag
        self.va_version = va_version
        self._stat: os.stat_result | None = None

    def stat(self) -> os.stat_result:
        """Return this as an `os.stat_result`, made once; what is not known is 0 (1 for the link count)."""
        st = self._stat
        if st is None:
            atime, mtime, ctime = self.va_atime or 0, self.va_mtime or 0, self.va_ctime or 0
            size = self.va_size or 0
            used = self.va_bytes if self.va_bytes is not None else size
            st = self._stat = os.stat_result(
                (
                    (self.va_mode or 0) | _IFMT[self.va_type],
                    self.va_fileid or 0,
                    self.va_fsid or 0,
                    1 if self.va_nlink is None else self.va_nlink,
                    self.va_uid or 0,
                    self.va_gid or 0,
                    size,
                    atime // 1_000_000_000,
                    mtime // 1_000_000_000,
                    ctime // 1_000_000_000,
                    atime / 1e9,
                    mtime / 1e9,
                    ctime / 1e9,
                    atime,
                    mtime,
                    ctime,
                    self.va_blocksize or 4096,
                    (used + 511) // 512,
                    self.va_rdev or 0,
                )
            )
        return st

    @classmethod
    def of_stat(cls, st: os.stat_result) -> VAttr:
        """Return the attributes that a host's *st* tells."""
        # Slot by slot, and the first seven as the tuple that they are: each stat on the host comes by here, and the
        # initialiser with its twenty arguments takes a third more.
        mode, ino, dev, nlink, uid, gid, size = st[:7]
        va = _new(cls)
        va.va_type = _VTYPES[mode >> 12]
        va.va_mode = mode & 0o7777
        va.va_nlink = nlink
        va.va_uid = uid
        va.va_gid = gid
        va.va_fsid = dev
        va.va_fileid = ino
        va.va_size = size
        va.va_blocksize = st.st_blksize
        va.va_atime = st.st_atime_ns
        va.va_mtime = st.st_mtime_ns
        va.va_ctime = st.st_ctime_ns
        va.va_bytes = st.st_blocks * 512
        va.va_rdev = st.st_rdev
        va.va_birthtime = va.va_flags = va.va_gen = va.va_etag = va.va_version = va._stat = None
        return va

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name in self.__slots__[1:] if (value := getattr(self, name)) is not None)
        return f"VAttr({', '.join(given)})"


class Dirent:
    """One entry of a directory (`struct dirent`).

    `d_cookie` is where a listing goes on after this entry: it stays valid when other entries come and go. `d_attr` is
    there when the listing knew it at no cost.
    """

    __slots__ = ("d_attr", "d_cookie", "d_fileno", "d_name", "d_type", "d_whiteout")

    def __init__(
        self,
        d_name: str,
        d_type: VType,
        d_fileno: int = 0,
        d_cookie: int = 0,
        d_attr: VAttr | None = None,
        d_whiteout: bool = False,
    ) -> None:
        self.d_name = d_name
        self.d_type = d_type
        self.d_fileno = d_fileno
        self.d_cookie = d_cookie
        self.d_attr = d_attr
        self.d_whiteout = d_whiteout
        """A whiteout (DT_WHT): the name is deliberately absent. `d_type` is VNON then."""

    def __repr__(self) -> str:
        return f"Dirent({self.d_name!r}, {self.d_type.name}, {self.d_fileno})"


class Statvfs:
    """A file system's sizes (`struct statvfs`), blocks counted in `f_frsize` bytes."""

    __slots__ = (
        "f_bavail",
        "f_bfree",
        "f_blocks",
        "f_bsize",
        "f_favail",
        "f_ffree",
        "f_files",
        "f_flag",
        "f_frsize",
        "f_fsid",
        "f_namemax",
    )

    def __init__(
        self,
        f_bsize: int = 4096,
        f_frsize: int = 4096,
        f_blocks: int = 0,
        f_bfree: int = 0,
        f_bavail: int = 0,
        f_files: int = 0,
        f_ffree: int = 0,
        f_favail: int = 0,
        f_flag: int = 0,
        f_namemax: int = NAME_MAX,
        f_fsid: int = 0,
    ) -> None:
        self.f_bsize = f_bsize
        self.f_frsize = f_frsize
        self.f_blocks = f_blocks
        self.f_bfree = f_bfree
        self.f_bavail = f_bavail
        self.f_files = f_files
        self.f_ffree = f_ffree
        self.f_favail = f_favail
        self.f_flag = f_flag
        self.f_namemax = f_namemax
        self.f_fsid = f_fsid

    def result(self) -> os.statvfs_result:
        """Return this as an `os.statvfs_result`."""
        fields: tuple[Any, ...] = (
            self.f_bsize,
            self.f_frsize,
            self.f_blocks,
            self.f_bfree,
            self.f_bavail,
            self.f_files,
            self.f_ffree,
            self.f_favail,
            self.f_flag,
            self.f_namemax,
            self.f_fsid,
        )
        return os.statvfs_result(fields)


class ComponentName:
    """The name of one lookup step, and what it is for (`struct componentname`).

    `rest` holds the components that follow (never ``.`` or ``..``, never one that a graft or a mount answers): a file
    system may resolve some of them in the same call and say how many in `consume`. It stops before a component it
    cannot decide alone: a symbolic link is returned as it stands, with `consume` counted up to and including it.

    `nameiop` speaks of the last component of the path; `islast` says that `name` followed by `rest` reaches it.
    """

    __slots__ = ("consume", "cred", "flags", "follow", "islast", "iswhiteout", "name", "nameiop", "rest")

    def __init__(
        self,
        name: str,
        nameiop: NameiOp = NameiOp.LOOKUP,
        cred: Cred = ROOT_CRED,
        rest: tuple[str, ...] | list[str] = (),
        islast: bool = True,
        follow: bool = True,
        flags: int = 0,
    ) -> None:
        self.name = name
        self.nameiop = nameiop
        self.cred = cred
        self.rest = rest
        self.islast = islast
        self.follow = follow
        """A symbolic link as last component is to be followed; only a backend that follows links itself asks."""
        self.flags = flags
        """`open(2)` flags of an OPEN; O_DIRECTORY with LOOKUP: a directory is expected, and used next."""
        self.consume = 0
        """Out: how many components of `rest` were resolved too."""
        self.iswhiteout = False
        """Out: the name is a whiteout (`ISWHITEOUT`)."""

    def __repr__(self) -> str:
        return f"ComponentName({self.name!r}, {self.nameiop.name})"


def component(name: str, nameiop: NameiOp, cred: Cred, follow: bool = False, flags: int = 0) -> ComponentName:
    """Return the component that a path ends with; slot by slot, because each call on a path makes one."""
    cnp = _new(ComponentName)
    cnp.name = name
    cnp.nameiop = nameiop
    cnp.cred = cred
    cnp.rest = ()
    cnp.islast = True
    cnp.follow = follow
    cnp.flags = flags
    cnp.consume = 0
    cnp.iswhiteout = False
    return cnp
