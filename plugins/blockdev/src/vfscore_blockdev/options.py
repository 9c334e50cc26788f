"""The options of a device: what of a binding's `options` is the driver's.

Whether they are right is checked here, once; an option that stands among these and has a bad value is EINVAL.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from vfscore.plugin import err
from vfscore_blockdev.faults import FAIL_MAX

__all__ = ["OPTIONS", "Options"]

OPTIONS: Final = frozenset({"sector_size", "readonly", "fail", "seed", "label"})
_SECTOR: Final = 512


class Options(NamedTuple):
    """What a user may say of a device."""

    sector_size: int = _SECTOR
    """Bytes in a sector: 512 or a greater power of two (`RUMP_BLKSECTSHIFT`)."""
    readonly: bool = False
    """It cannot be opened for writing, whatever its backing can."""
    fail: int = 0
    """How many of 10,000 I/Os fail with EIO (`RUMP_BLKFAIL`)."""
    seed: int | None = None
    """What the choice of those begins with (`RUMP_BLKFAIL_SEED`); without it, another choice each time."""
    label: str = "fictitious"
    """The name that its disk label has (`d_packname`)."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Return the options that *given* are.

        Errors:
            EINVAL: one is unknown, or has a bad value.
        """
        unknown = sorted(str(name) for name in given if name not in OPTIONS)
        if unknown:
            known = ", ".join(sorted(OPTIONS))
            raise err(errno.EINVAL, hint=f"a device has no option {unknown[0]!r}; it has {known}")
        options = cls(**given)
        size = options.sector_size
        if not _is_int(size) or size < _SECTOR or size & (size - 1):
            raise _bad("sector_size", size, f"a power of two, {_SECTOR} or more")
        if not isinstance(options.readonly, bool):
            raise _bad("readonly", options.readonly, "true or false")
        if not _is_int(options.fail) or not 0 <= options.fail <= FAIL_MAX:
            raise _bad("fail", options.fail, f"a number from 0 to {FAIL_MAX}")
        if options.seed is not None and (not _is_int(options.seed) or not 0 <= options.seed < 1 << 32):
            raise _bad("seed", options.seed, "a number of 32 bits")
        if not isinstance(options.label, str):
            raise _bad("label", options.label, "text")
        return options


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bad(name: str, value: object, wants: str) -> OSError:
    return err(errno.EINVAL, hint=f"option {name!r} of a device is {value!r}; it wants {wants}")
