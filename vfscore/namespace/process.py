"""Which namespace ``vfs://`` means in this process, and which are still in use at its end.

The installed one, or the one that ``VFSCORE_FSTAB`` names, or an empty one. Namespaces made from a description live as
long as the process, one for each description. At the end of the program those that have files open are closed, so that
what was written and not closed is stored, or said not to be: the interpreter's own finalizer would come when no storage
can be reached any more, and would say nothing. A forked child leaves that to who opened the files.

Locks: the registry's guards what stands here.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vfscore import fstab as fstabs
from vfscore.loader import Plugins
from vfscore.locks import new_lock
from vfscore.namespace.reading import read_fstab

if TYPE_CHECKING:
    from vfscore.namespace.tree import Namespace

__all__ = ["current", "for_fstab", "forget", "install", "installed", "remember", "uninstall"]

FSTAB_VARIABLE = "VFSCORE_FSTAB"

_registry_lock = new_lock()
_installed: Namespace | None = None
_default: Namespace | None = None
_described: dict[tuple[str, bool], Namespace] = {}
_by_variable: dict[str, Namespace] = {}
_alive: weakref.WeakSet[Namespace] = weakref.WeakSet()


def _new(description: Mapping[str, Any] | None = None, travelled: bool = False) -> Namespace:
    from vfscore.namespace.tree import Namespace  # above this module: it installs itself here

    return Namespace(description, _travelled=travelled)


def remember(ns: Namespace) -> None:
    """Close *ns* at the end of the program, if one of its files is still open then."""
    with _registry_lock:
        _alive.add(ns)
        # The last one registered is the first one called: before the clients of storages close their connections.
        atexit.unregister(_close_all)
        atexit.register(_close_all)


def _close_all() -> None:
    faults: list[BaseException] = []
    for ns in list(_alive):
        if ns._files.opened:
            try:
                ns.close()
            except OSError as exc:
                faults.append(exc)
    if faults:
        raise faults[0] if len(faults) == 1 else BaseExceptionGroup("files were not stored", faults)


os.register_at_fork(after_in_child=_alive.clear)


def install(ns: Namespace) -> None:
    """Let *ns* be what ``vfs://`` means in this process."""
    global _installed
    with _registry_lock:
        _installed = ns


def forget(ns: Namespace) -> None:
    """Let ``vfs://`` no longer mean *ns*, which is being closed."""
    global _installed
    with _registry_lock:
        _alive.discard(ns)
        if _installed is ns:
            _installed = None


def installed() -> Namespace | None:
    """Return the namespace that was installed in this process, if one was."""
    return _installed


def uninstall() -> None:
    """Let ``vfs://`` mean again what it means without `Namespace.install`."""
    global _installed
    with _registry_lock:
        _installed = None


def current() -> Namespace:
    """Return what ``vfs://`` means: the installed namespace, or that of VFSCORE_FSTAB, or an empty one."""
    global _default
    if _installed is not None:
        return _installed
    variable = os.environ.get(FSTAB_VARIABLE)
    if variable:
        return _of_variable(variable)
    with _registry_lock:
        if _default is None or _default.closed:
            _default = _new()
        return _default


def _of_variable(variable: str) -> Namespace:
    """Return the namespace of the fstab that VFSCORE_FSTAB names, read once."""
    ns = _by_variable.get(variable)
    if ns is None or ns.closed:
        ns = _by_variable[variable] = for_fstab(variable)
    return ns


def for_fstab(fstab: str | os.PathLike[str] | Mapping[str, Any], travelled: bool = False) -> Namespace:
    """Return the namespace of a description: one in this process for equal ones, made when first asked for.

    Args:
        travelled: The description came from another process, which has something in memory there: what lies there is
            EREMOTE, and not missing.
    """
    description = read_fstab(fstab, Plugins())
    # By what its variables say here and now: a namespace is of one environment.
    key = fstabs.digest(fstabs.expanded(description, os.environ)), travelled
    with _registry_lock:
        ns = _described.get(key)
        if ns is None or ns.closed:
            ns = _described[key] = _new(fstabs.canonical(description), travelled)
        return ns
