"""The layer `faults`: errors, delays and short reads, where and as often as asked, the same for the same seed.

Options, of one rule:
    errno: the error to raise, by name (``"EIO"``) or number.
    latency_ms: milliseconds to wait before the op.
    short_reads: a read of a regular file returns only a part of what it could, never nothing.
    op: glob or list of globs of ops (``"vop_read"``, ``"vop_*dir"``); ``"vop_*"`` by default.
    path: `fnmatch` pattern of paths below the mount (``"*.csv"``; ``*`` matches slashes too). What the layer has not
        seen looked up has no path and is met by ``"*"`` only, the default.
    rate: how many in 10,000 matching ops are met; 10,000, all, by default.
    count: how often at most.

Options, of the layer: ``seed`` (0 by default), and ``rules``, a list of such tables, instead of the one rule given
directly. Rules are tried in their order: delays add up, the first error ends it.

What is met is exactly an op of a file system: a bulk op is the loop over those under this layer, and a read into a
buffer or a view is a `vop_read`. An error is raised before the op inside has begun, so nothing has happened; only
`vop_close` happens first, because after it the file is closed whatever it says. Locks, reclaim and their like never
fail, and have no delay.

Each rule draws from a generator of its own, once per op that it matches: single-threaded use is reproducible to the op.

Locks: one per layer, around the draw and the counters; nothing sleeps or is called under it.
"""

from __future__ import annotations

import errno
import fnmatch
import random
import re
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from vfscore.errors import err
from vfscore.layers.names import NAMING_OPS, Names
from vfscore.layers.wrapper import Wrapper, dress, options_as
from vfscore.locks import new_lock
from vfscore.types import VType

__all__ = ["FAULTABLE", "FaultCount", "FaultRule", "Faults", "make"]

FAULTABLE: Final = (
    "vop_lookup",
    "vop_create",
    "vop_mknod",
    "vop_remove",
    "vop_link",
    "vop_rename",
    "vop_mkdir",
    "vop_rmdir",
    "vop_symlink",
    "vop_readlink",
    "vop_readdir",
    "vop_whiteout",
    "vop_open",
    "vop_close",
    "vop_access",
    "vop_getattr",
    "vop_setattr",
    "vop_read",
    "vop_write",
    "vop_fsync",
    "vop_fallocate",
    "vop_fdiscard",
    "vop_seek",
    "vop_ioctl",
    "vop_fcntl",
    "vop_poll",
    "vop_advlock",
    "vop_pathconf",
    "vop_getextattr",
    "vop_setextattr",
    "vop_listextattr",
    "vop_deleteextattr",
    "vfs_mount",
    "vfs_update",
    "vfs_root",
    "vfs_statvfs",
    "vfs_sync",
)
"""The ops that a rule can meet."""

_ALWAYS: Final = 10_000


class FaultRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What to do to which ops; the fields are the options of the module's header."""

    errno: str | int | None = None
    latency_ms: Annotated[float, msgspec.Meta(ge=0)] = 0
    short_reads: bool = False
    op: str | list[str] = "vop_*"
    path: str = "*"
    rate: Annotated[int, msgspec.Meta(ge=0, le=_ALWAYS)] = _ALWAYS
    count: Annotated[int, msgspec.Meta(ge=0)] | None = None


class _Options(FaultRule, forbid_unknown_fields=True, frozen=True, kw_only=True):
    seed: int = 0
    rules: list[FaultRule] | None = None


class FaultCount(msgspec.Struct):
    """How a rule fared: the ops that it matched, and those that it met."""

    matched: int = 0
    met: int = 0


def _bad(what: str) -> OSError:
    return err(errno.EINVAL, hint=f"layer 'faults': {what}")


def _errno_of(value: str | int | None) -> int | None:
    if isinstance(value, str):
        code = getattr(errno, value, None)
        if not (value.startswith("E") and isinstance(code, int)):
            raise _bad(f"errno: {value!r} is not the name of an error, such as 'EIO'")
        return code
    if value is not None and value not in errno.errorcode:
        raise _bad(f"errno: {value} is not the number of an error")
    return value


def _ops_of(op: str | list[str]) -> frozenset[str]:
    globs = [op] if isinstance(op, str) else op
    found: set[str] = set()
    for glob in globs:
        ops = fnmatch.filter(FAULTABLE, glob)
        if not ops:
            raise _bad(f"op: {glob!r} is none of those that can fail: {', '.join(FAULTABLE)}")
        found.update(ops)
    if not found:
        raise _bad("op: the list is empty")
    return frozenset(found)


class _Rule:
    """A rule with its generator and its counters."""

    def __init__(self, rule: FaultRule, seed: int, number: int) -> None:
        self.errno = _errno_of(rule.errno)
        self.latency = rule.latency_ms / 1000
        self.short = rule.short_reads
        if self.errno is None and not self.latency and not self.short:
            raise _bad("a rule has nothing to do: give it errno, latency_ms or short_reads")
        self.ops = _ops_of(rule.op)
        if self.errno is None and not self.latency:
            self.ops &= {"vop_read"}
            if not self.ops:
                raise _bad(f"op: short_reads needs vop_read to be among {rule.op!r}")
        self.path = None if rule.path == "*" else re.compile(fnmatch.translate(rule.path))
        self.rate = rule.rate
        self.left = rule.count
        self.count = FaultCount()
        self.draw = random.Random(f"{seed}/{number}")

    def meets(self, paths: Sequence[str | None]) -> bool:
        """Say whether this op is met, and count it. The layer's lock is held."""
        if self.path is not None and not any(path is not None and self.path.match(path) for path in paths):
            return False
        self.count.matched += 1
        if self.rate < _ALWAYS and self.draw.randrange(_ALWAYS) >= self.rate:
            return False
        if self.left is not None:
            if not self.left:
                return False
            self.left -= 1
        self.count.met += 1
        return True


class Faults:
    """The layer of one mount or binding.

    Args:
        rules: What to do; see the header.
        seed: What the generators of the rules start from.

    Errors:
        EINVAL: a rule makes no sense; the message says which option.
    """

    name = "faults"

    def __init__(self, *rules: FaultRule, seed: int = 0) -> None:
        self._rules = [_Rule(rule, seed, number) for number, rule in enumerate(rules)]
        self._lock = new_lock()
        self._names = Names()
        paths = any(rule.path is not None for rule in self._rules)
        for op in FAULTABLE:
            mine = tuple(rule for rule in self._rules if op in rule.ops)
            if mine:
                vars(self)[op] = self._around(op, mine, paths and op in NAMING_OPS)
            elif paths and op in NAMING_OPS:
                vars(self)[op] = self._names.watcher(op)

    @property
    def counts(self) -> list[FaultCount]:
        """How each rule fared, in their order; copies."""
        with self._lock:
            return [FaultCount(rule.count.matched, rule.count.met) for rule in self._rules]

    def _around(self, op: str, rules: tuple[_Rule, ...], naming: bool) -> Wrapper:
        paths_of = self._names.subjects(op) if any(rule.path is not None for rule in rules) else None
        saw = self._names.saw if naming else None
        late = op == "vop_close"

        def faults(*args: Any) -> Generator[None, Any, Any]:
            wait, code, short = self._decide(rules, () if paths_of is None else paths_of(args))
            if wait:
                time.sleep(wait)
            if code is not None and not late:
                raise err(code)
            result = yield
            if code is not None:
                raise err(code)
            if saw is not None:
                saw(op, args, result)
            if short is not None and op == "vop_read" and len(result) > 1 and args[0].v_type is VType.VREG:
                return result[: 1 + int(short * (len(result) - 1))]
            return result

        return dress(op, faults)

    def _decide(self, rules: tuple[_Rule, ...], paths: Sequence[str | None]) -> tuple[float, int | None, float | None]:
        """Return how long to wait, what to raise, and what part to return."""
        wait = 0.0
        short: float | None = None
        with self._lock:
            for rule in rules:
                if not rule.meets(paths):
                    continue
                wait += rule.latency
                if rule.short:
                    short = rule.draw.random()
                if rule.errno is not None:
                    return wait, rule.errno, None
        return wait, None, short

    def __repr__(self) -> str:
        return f"faults({len(self._rules)} rules)"


def make(options: Mapping[str, Any]) -> Faults:
    """Return the layer that *options* describe, with counters of its own.

    Errors:
        EINVAL: an option is unknown or has a bad value.
    """
    given = options_as("faults", options, _Options)
    names = FaultRule.__struct_fields__
    if given.rules is None:
        return Faults(FaultRule(**{name: getattr(given, name) for name in names}), seed=given.seed)
    direct = sorted(set(options) & set(names))
    if direct:
        raise _bad(f"{direct[0]}: belongs into one of the rules, because there are 'rules'")
    return Faults(*given.rules, seed=given.seed)
