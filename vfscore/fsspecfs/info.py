"""What `info` and `ls` tell of a file, and what `ukey` and `checksum` are made of.

The keys are LocalFileSystem's, with the truth in `vtype` and `rdev` where `type` cannot say it: through fsspec a device
is a "file", because its consumers read nothing else.

State: a bounded memory of the details of attributes that were asked for lately, by the snapshot, which never changes.
Locks: none but `lru_cache`'s own.
"""

from __future__ import annotations

import datetime
import hashlib
from functools import lru_cache
from typing import Any, Final

from vfscore.types import VAttr, VType, mode_of

__all__ = ["TYPE_OF", "Info", "etag_key", "info_of", "kept_info", "moment"]

Info = dict[str, Any]

TYPE_OF: Final = ("other", "file", "directory", "file", "file", "link", "other", "other", "other")
"""fsspec's word for each vnode type; "link" is only ever seen of one that leads nowhere."""
_IFMT: Final = tuple(mode_of(vtype) for vtype in VType)
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_VREG: Final = VType.VREG
_VDIR: Final = VType.VDIR


def info_of(name: str, va: VAttr, destination: str | None = None) -> Info:
    """Return the details of *name*, whose attributes are *va*.

    Args:
        destination: Where the symbolic link *name* points; *va* is its target's then.
    """
    vtype = va.va_type
    mtime = va.va_mtime or 0
    info: Info = {
        "name": name,
        "size": va.va_size,
        "type": TYPE_OF[vtype],
        "created": (va.va_birthtime or va.va_ctime or mtime) / 1e9,
        "mtime": mtime / 1e9,
        "islink": destination is not None,
        "mode": (va.va_mode or 0) | _IFMT[vtype],
        "uid": va.va_uid or 0,
        "gid": va.va_gid or 0,
        "ino": va.va_fileid or 0,
        "nlink": 1 if va.va_nlink is None else va.va_nlink,
    }
    if vtype is not _VREG and vtype is not _VDIR:
        info["vtype"] = vtype.name
        if va.va_rdev:
            info["rdev"] = va.va_rdev
    if va.va_etag is not None:
        info["etag"] = va.va_etag
    if destination is not None:
        info["destination"] = destination
    return info


@lru_cache(maxsize=1 << 14)
def kept_info(va: VAttr) -> Info:
    """Return the details of a file with the attributes *va*, without its name, to be copied and not changed.

    For the snapshots of a store that hands out the same one until the file changes; of any other it would only fill up.
    """
    return info_of("", va)


def etag_key(va: VAttr) -> str:
    """Return 64 hexadecimal digits that change when the contents do: of size, mtime in nanoseconds and etag only."""
    return hashlib.sha256(f"{va.va_size} {va.va_mtime} {va.va_etag}".encode()).hexdigest()


def moment(ns: int | None) -> datetime.datetime:
    """Return *ns* nanoseconds since the epoch as a time in UTC, exact to the microsecond."""
    return _EPOCH + datetime.timedelta(microseconds=(ns or 0) // 1000)
