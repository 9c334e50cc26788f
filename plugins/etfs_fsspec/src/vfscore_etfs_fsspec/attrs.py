"""Attributes: the dict that an fsspec class calls info, as a VAttr, with one meaning for each.

A time has the same value whether a listing, a HEAD or a GET told it: it is taken as it was told, and where one of them
is finer than another, the store cuts it (`whole_seconds`). What a storage does not have stays None: no invented modes,
no change time called a birth time.
"""

from __future__ import annotations

import calendar
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from vfscore.plugin import VAttr, VType, vtype_of_mode

__all__ = ["attr_of", "directory", "etag_of", "overlay", "time_of"]

_MTIME: Final = (
    "mtime", "LastModified", "last_modified", "modified", "updated", "modify", "last_write_time", "modificationTime",
    "client_modified", "commit_date",
)  # fmt: skip
_BIRTH: Final = ("creation_time", "timeCreated", "created", "create", "birthtime")
_ETAG: Final = ("ETag", "etag", "e_tag")
_DIGEST: Final = ("md5Hash", "md5", "content_md5", "crc32c", "sha256", "sha")
_MODE: Final = re.compile(r"^[-dlbcps][-rwxsStTx]{9}")
_KIND: Final = {"file": VType.VREG, "directory": VType.VDIR, "link": VType.VLNK}
_BILLION: Final = 1_000_000_000


def time_of(value: Any) -> int | None:
    """Return a time, however it is told, in nanoseconds since the epoch."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return calendar.timegm(moment.utctimetuple()) * _BILLION + moment.microsecond * 1000
    if isinstance(value, int | float):
        # WebHDFS counts milliseconds.
        seconds = value / 1000 if value > 1e11 else value
        whole = int(seconds // 1)
        # A float of today has no more than microseconds; what follows them differs between two ways to get there.
        return whole * _BILLION + round((seconds - whole) * 1_000_000) * 1000
    if isinstance(value, tuple) and len(value) >= 6:
        # A zip's date_time.
        try:
            year, month, day, hour, minute, second = value[:6]
            return time_of(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
        except ValueError:
            return None
    if isinstance(value, str):
        return _of_text(value.strip())
    return None


def _of_text(text: str) -> int | None:
    if re.fullmatch(r"\d{14}(\.\d+)?", text):
        # FTP's MDTM and MLSD (RFC 3659).
        whole, _, fraction = text.partition(".")
        try:
            moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None
        return calendar.timegm(moment.timetuple()) * _BILLION + int(fraction.ljust(9, "0")[:9] or 0)
    try:
        return time_of(datetime.fromisoformat(text))
    except ValueError:
        pass
    try:
        return time_of(parsedate_to_datetime(text))
    except (TypeError, ValueError):
        return None


def etag_of(value: Any) -> str | None:
    """Return an entity tag without its quotes; None for a weak one, which does not tell equal bytes."""
    if not isinstance(value, str) or not value or value.startswith("W/"):
        return None
    return value.strip('"') or None


def directory(mtime: int | None = None) -> VAttr:
    """Return the attributes of a directory of which nothing else is known."""
    return VAttr(VType.VDIR, va_mtime=mtime)


def _first(info: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = info.get(name)
        if value is not None and value != "":
            return value
    return None


def _mode(info: Mapping[str, Any]) -> int | None:
    mode = info.get("mode", info.get("unix.mode", info.get("st_mode")))
    if isinstance(mode, int) and not isinstance(mode, bool):
        return mode
    if isinstance(mode, str):
        if re.fullmatch(r"0?[0-7]{3,4}", mode):
            return int(mode, 8)
        if _MODE.match(mode):
            return _mode_of_letters(mode)
    return None


def _mode_of_letters(letters: str) -> int:
    bits = 0
    for i, letter in enumerate(letters[1:10]):
        if letter not in "-ST":
            bits |= 1 << (8 - i)
    special = ((3, "sS", stat.S_ISUID), (6, "sS", stat.S_ISGID), (9, "tT", stat.S_ISVTX))
    for place, marks, bit in special:
        if letters[place] in marks:
            bits |= bit
    return bits


def _number(info: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = info.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return None


def attr_of(info: Mapping[str, Any], born: bool = True) -> VAttr:
    """Return the attributes that *info* tells.

    Args:
        info: What `AbstractFileSystem.info` returned, or one entry of a listing.
        born: What it calls created is when the file came to be, not when its inode last changed.
    """
    mode = _mode(info)
    vtype = VType.VLNK if info.get("islink") else _KIND.get(str(info.get("type")), VType.VNON)
    if vtype is VType.VNON:
        # fsspec's "other": a device, a fifo, or what a wrapper of no opinion has.
        vtype = vtype_of_mode(mode) if mode is not None else VType.VREG
    size: int | None = None
    if vtype is not VType.VDIR:
        size = _number(info, "size", "Size", "file_size")
    mtime = time_of(_first(info, _MTIME))
    if mtime is None and "date_time" in info:
        mtime = time_of(info["date_time"])
    etag = etag_of(_first(info, _ETAG))
    if etag is None and vtype is VType.VREG and (digest := _first(info, _DIGEST)) is not None:
        etag = digest.hex() if isinstance(digest, bytes | bytearray) else str(digest)
    if etag is None and isinstance(checksum := info.get("CRC"), int) and vtype is VType.VREG:
        etag = f"{checksum:08x}"
    version = _first(info, ("VersionId", "version_id", "generation"))
    return VAttr(
        vtype,
        va_mode=None if mode is None else mode & 0o7777,
        va_nlink=_number(info, "nlink"),
        va_uid=_number(info, "uid", "unix.uid"),
        va_gid=_number(info, "gid", "unix.gid"),
        va_fileid=_number(info, "ino"),
        va_size=size,
        va_mtime=mtime,
        va_birthtime=time_of(_first(info, _BIRTH)) if born else None,
        va_etag=etag if vtype is VType.VREG else None,
        va_version=None if version in (None, "null") or vtype is VType.VDIR else str(version),
    )


def overlay(va: VAttr, given: VAttr) -> None:
    """Put what is *given*, of what can be set, into *va*."""
    for name in ("va_mode", "va_uid", "va_gid", "va_atime", "va_mtime"):
        value = getattr(given, name)
        if value is not None:
            setattr(va, name, value)
