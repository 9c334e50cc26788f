"""One plugin: where it was found, and what it brings once it was loaded and checked.

Entry points are scanned once for each ``sys.path`` and loaded once per process, by whoever needs one first. What an
import or a hook raises belongs to the plugin: it is kept as the reason, and told to everybody who asks again.

Locks: one per plugin, around its import and its checks.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import logging
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from vfscore._version import __version__
from vfscore.errors import PluginError
from vfscore.loader.tracing import watched
from vfscore.locks import new_lock
from vfscore.opv import DevVector, OpVector, VfsVector, check_hookimpls, hookimpls_of, spec_hooks
from vfscore.spec import PROJECT, SPEC_VERSION, Device, FileSystem, Layer, Registration

__all__ = ["Plugin", "PluginStatus", "core", "entry_points", "handed_over", "thing"]

_log: Final = logging.getLogger("vfscore.loader")
_HOOKS: Final = spec_hooks(Registration)
_CALLED_ONE_BY_ONE: Final = ("vfs_filesystems", "vfs_devices", "vfs_layers", "vfs_mounted", "vfs_unmounted")
"""Hooks that are asked of each plugin by itself, so that a wrapper around the others has no place."""

_T = TypeVar("_T", FileSystem, Device, Layer)


class PluginStatus(NamedTuple):
    """What became of a plugin."""

    name: str
    distribution: str
    """``vfscore`` for what comes with the core, ``""`` for an object that was handed over."""
    version: str
    status: str
    """``loaded``, ``broken``, ``blocked`` (by VFSCORE_DISABLE_PLUGINS) or ``not-allowed`` (by VFSCORE_PLUGINS)."""
    reason: str
    """Why it is not loaded."""
    hooks: tuple[str, ...]
    kinds: tuple[str, ...]
    """What it brings: ``backend``, ``filesystem rumpfs``, ``layer trace``, ``device zero (1)``…"""
    serves: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """File system or device of `kinds` → the ops that it serves itself. What a backend or a layer has shows only on one
    that was made."""

    def brings(self) -> tuple[str, ...]:
        """Return the names of its file systems, layers and devices."""
        named = ("filesystem ", "layer ", "device ")
        return tuple(kind.split()[1] for kind in self.kinds if kind.startswith(named) and kind != "device ranges")


class _NoHookError(PluginError):
    """A plugin that brings nothing: an error to whoever looks, but nobody misses anything."""


class Plugin:
    """A plugin with what it brings, once `load` went well."""

    def __init__(
        self, name: str, distribution: str, version: str, find: Callable[[], object], reference: str = ""
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.version = version
        self.reference = reference
        """What its entry point names: ``module`` or ``module:object``."""
        self.object: object = None
        self.hooks: dict[str, Callable[..., Any]] = {}
        self.filesystems: tuple[FileSystem, ...] = ()
        self.devices: tuple[Device, ...] = ()
        self.layers: tuple[Layer, ...] = ()
        self._find: Callable[[], object] | None = find
        self._error: PluginError | None = None
        self._lock = new_lock()

    def __str__(self) -> str:
        if not self.distribution:
            return f"plugin {self.name!r} (handed over)"
        return f"plugin {self.name!r} ({f'{self.distribution} {self.version}'.strip()})"

    def load(self) -> None:
        """Import and check it, the first time; afterwards only tell again how that went.

        Raises:
            PluginError: it does not fit; the message names plugin, distribution and what to change.
        """
        with self._lock:
            if self._find is not None:
                find, self._find = self._find, None
                self._error = PluginError(f"{self}: needed while it is being imported")
                try:
                    self._take(find())
                    self._error = None
                except PluginError as exc:
                    self._error = exc
                    _log.log(logging.INFO if isinstance(exc, _NoHookError) else logging.WARNING, "%s", exc)
                except (Exception, SystemExit) as exc:  # noqa: BLE001 -- whatever a stranger's code does is its own fault
                    self._error = PluginError(f"{self}: {type(exc).__name__}: {exc}")
                    self._error.__cause__ = exc
                    _log.warning("%s", self._error)
                except BaseException:
                    self._find, self._error = find, None
                    raise
        if self._error is not None:
            raise self._error

    def _take(self, obj: object) -> None:
        who = str(self)
        if inspect.isclass(obj):
            raise PluginError(f"{who}: {obj.__name__} is a class; pass an instance")
        api = getattr(obj, "vfs_api", SPEC_VERSION)
        if api != SPEC_VERSION:
            raise PluginError(f"{who}: written for version {api!r} of the contract; this vfscore has {SPEC_VERSION}")
        hooks = check_hookimpls(obj, _HOOKS, who)
        if not hooks:
            raise _NoHookError(f"{who}: {thing(obj)} has no hook; mark one of {', '.join(_HOOKS)} with @hookimpl")
        for name, _, opts in hookimpls_of(obj):
            if opts.get("wrapper") and name in _CALLED_ONE_BY_ONE:
                raise PluginError(f"{who}: hook {name!r} cannot be a wrapper")
        self.object = obj
        hooks = watched(hooks, who)
        self.filesystems = self._described(hooks, "vfs_filesystems", FileSystem)
        self.devices = self._described(hooks, "vfs_devices", Device)
        self.layers = self._described(hooks, "vfs_layers", Layer)
        for fs in self.filesystems:
            mine = f"{who}, file system {fs.name!r}"
            check_hookimpls(fs.vfsops, VfsVector.hooks, mine, wrappers=False)
            check_hookimpls(fs.vnodeops, OpVector.hooks, mine, wrappers=False)
            check_hookimpls(fs.specops, OpVector.hooks, mine, wrappers=False)
        for device in self.devices:
            check_hookimpls(device.ops, DevVector.hooks, f"{who}, device {device.name!r}", wrappers=False)
        self.hooks = hooks

    def _described(self, hooks: Mapping[str, Callable[..., Any]], hook: str, kind: type[_T]) -> tuple[_T, ...]:
        answer = hooks[hook]() if hook in hooks else ()
        if isinstance(answer, kind) or not isinstance(answer, Iterable):
            raise PluginError(
                f"{self}: hook {hook!r} returned {thing(answer)}; return a list of {kind.__name__} objects"
            )
        found = tuple(answer)
        for each in found:
            if not isinstance(each, kind):
                raise PluginError(f"{self}: hook {hook!r} returned {thing(each)} where a {kind.__name__} belongs")
        return found

    def kinds(self) -> tuple[str, ...]:
        """Return what it brings, in words."""
        found = [f"filesystem {fs.name}" for fs in self.filesystems]
        found += [f"layer {layer.name}" for layer in self.layers]
        found += [f"device {device.name} ({device.major})" for device in self.devices]
        if "etfs_backend" in self.hooks:
            found.append("backend")
        if "device_attach" in self.hooks:
            found.append("device ranges")
        if "device_partitions" in self.hooks:
            found.append("partition tables")
        return tuple(found)

    def package(self) -> str:
        """Return the top-level package that it is from."""
        if self.object is None:
            return self.distribution
        name: str = getattr(self.object, "__name__", None) or type(self.object).__module__
        return name.partition(".")[0]

    def serves(self) -> dict[str, tuple[str, ...]]:
        """Return the ops that each of its file systems and devices serves itself."""
        ops: dict[str, tuple[str, ...]] = {}
        for fs in self.filesystems:
            vectors = (VfsVector.compile(fs.vfsops), OpVector.compile(fs.vnodeops))
            ops[f"filesystem {fs.name}"] = tuple(op for vector in vectors for op in vector.hooks if op in vector.served)
        for device in self.devices:
            served = DevVector.compile(device.ops).served
            ops[f"device {device.name} ({device.major})"] = tuple(op for op in DevVector.hooks if op in served)
        return ops


def core(parts: Sequence[FileSystem | Device | Layer]) -> Plugin:
    """Return what comes with the core as a plugin. It has passed its checks: they are in the test suite."""
    core = Plugin("vfscore", "vfscore", __version__, lambda: None)
    core.filesystems = tuple(part for part in parts if isinstance(part, FileSystem))
    core.devices = tuple(part for part in parts if isinstance(part, Device))
    core.layers = tuple(part for part in parts if isinstance(part, Layer))
    return core


def handed_over(objects: Iterable[object]) -> list[Plugin]:
    """Return the plugins that were handed over, those without a name of their own numbered apart."""
    found: list[Plugin] = []
    seen: list[object] = []
    for obj in objects:
        if any(obj is other for other in seen):
            raise PluginError(f"{thing(obj)} was handed over twice")
        seen.append(obj)
        name = getattr(obj, "name", None)
        if not isinstance(name, str):
            name = obj.__name__ if isinstance(obj, types.ModuleType) else type(obj).__name__
            taken = sum(1 for other in found if other.name.partition("#")[0] == name)
            name = f"{name}#{taken + 1}" if taken else name
        found.append(Plugin(name, "", "", functools.partial(_itself, obj)))
    return found


def _itself(obj: object) -> object:
    return obj


@functools.lru_cache(maxsize=8)
def entry_points(_path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Return what the group ``vfscore`` names, by name and distribution; scanned once for each ``sys.path``."""
    found = []
    for point in importlib.metadata.entry_points(group=PROJECT):
        name, version = ("", "") if point.dist is None else (point.dist.name, point.dist.version)
        found.append(Plugin(point.name, name, version, point.load, point.value))
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def thing(obj: object) -> str:
    """Return what to call *obj* in an error."""
    if isinstance(obj, types.ModuleType):
        return f"the module {obj.__name__!r}"
    if inspect.isclass(obj):
        return f"the class {obj.__name__}"
    return f"an object of type {type(obj).__name__}"
