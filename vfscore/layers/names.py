"""Where a vnode is, as far as the ops that went by have told.

An op is handed vnodes, and a vnode knows no path. `Names` watches the ops that connect the two (lookup, create, mkdir,
mknod, symlink, link, rename) and remembers for each vnode the directory and the name under which it was last seen. It
asks nothing: what was never looked up through the layer has no path.

Life: weak in the vnode, strong in its directory, for as long as the vnode lives. No locks: each step is one operation
on a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final
from weakref import WeakKeyDictionary

from vfscore.layers.wrapper import ALL_OPS, Wrapper, dress
from vfscore.types import ComponentName
from vfscore.vnode import VV_ROOT, Vnode

__all__ = ["NAMING_OPS", "Names"]

NAMING_OPS: Final = frozenset(
    {"vop_lookup", "vop_create", "vop_mkdir", "vop_mknod", "vop_symlink", "vop_link", "vop_rename"}
)
"""The ops that `Names.saw` learns from."""

_PAIRS: Final = (("dvp", "cnp"), ("fdvp", "fcnp"), ("tdvp", "tcnp"))


class Names:
    """Vnode → the directory and the name it was last seen under."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: WeakKeyDictionary[Vnode, tuple[Vnode, str]] = WeakKeyDictionary()

    def saw(self, op: str, args: tuple[Any, ...], result: Any) -> None:
        """Learn from the naming op *op* that went well."""
        if op == "vop_rename":
            _, vp, _, dvp, _, cnp = args
            self._seen[vp] = (dvp, cnp.name)
        elif op == "vop_link":
            dvp, vp, cnp = args
            self._seen[vp] = (dvp, cnp.name)
        elif result is not None:
            dvp, cnp = args[:2]
            if cnp.name != ".." and result is not dvp:
                self._seen[result] = (dvp, _found(cnp))

    def path(self, vp: Vnode) -> str | None:
        """Return the path of *vp* below its mount: ``""`` for the root, None when it was never seen."""
        names: list[str] = []
        while not vp.v_flag & VV_ROOT:
            seen = self._seen.get(vp)
            if seen is None:
                return None
            vp = seen[0]
            names.append(seen[1])
        return "/".join(reversed(names))

    def below(self, dvp: Vnode, name: str) -> str | None:
        """Return the path of the entry *name* of *dvp*."""
        top = self.path(dvp)
        if top is None:
            return None
        return f"{top}/{name}" if top else name

    def watcher(self, op: str) -> Wrapper:
        """Return a wrapper of the naming op *op* that does nothing but learn."""

        def watch(*args: Any) -> Generator[None, Any, Any]:
            result = yield
            self.saw(op, args, result)
            return result

        return dress(op, watch)

    def subjects(self, op: str) -> Callable[[tuple[Any, ...]], list[str | None]]:
        """Return what tells, of the arguments of *op*, the paths it is about.

        An op on an entry is about the entry, not its directory; a rename and a link are about two.
        """
        args = ALL_OPS[op]
        pairs = [(args.index(d), args.index(c)) for d, c in _PAIRS if c in args]
        alone = [i for i, name in enumerate(args) if name in ("vp", "dvp")] if not pairs else []
        if op == "vop_link":
            alone = [args.index("vp")]

        def of(values: tuple[Any, ...]) -> list[str | None]:
            paths = [self.below(values[d], values[c].name) for d, c in pairs]
            paths.extend(self.path(values[i]) for i in alone if values[i] is not None)
            return paths

        return of


def _found(cnp: ComponentName) -> str:
    """Return the names that a lookup went through to what it found."""
    return "/".join((cnp.name, *cnp.rest[: cnp.consume])) if cnp.consume else cnp.name
