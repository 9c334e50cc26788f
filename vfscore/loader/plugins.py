"""`Plugins`: what the plugins of one namespace bring, and the asking of them.

Locks: one per `Plugins`, around loading; none during a hook of a loaded plugin.
"""

from __future__ import annotations

import difflib
import errno
import inspect
import logging
import os
import sys
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vfscore.errors import PluginError, err
from vfscore.fstab import is_path, redact
from vfscore.loader import tracing
from vfscore.loader.asking import Asking
from vfscore.loader.environment import ALLOW, BLOCK, names_in, normal
from vfscore.loader.found import Plugin, PluginStatus, core, entry_points, handed_over, thing
from vfscore.loader.known import Known
from vfscore.locks import new_lock
from vfscore.mount import Mount
from vfscore.opv import DevVector, OpVector, VfsVector, check_hookimpls
from vfscore.spec import Backend, Device, FileSystem, Layer, Partition, Source
from vfscore.types import EtfsType, VType

__all__ = ["Plugins"]

_log: Final = logging.getLogger("vfscore.loader")
_LAYER_HOOKS: Final = {**OpVector.hooks, **VfsVector.hooks}


class Plugins:
    """The plugins of one namespace.

    Args:
        plugins: Objects with hooks, beside what entry points name.
        builtins: What comes with the core.
        strict: Load all at once, and raise for the first that is broken.

    Raises:
        PluginError: an object of *plugins* does not fit; with *strict*, an entry point does not.
    """

    def __init__(
        self,
        plugins: Iterable[object] = (),
        builtins: Iterable[FileSystem | Device | Layer] = (),
        *,
        strict: bool = False,
    ) -> None:
        self.strict = strict
        self._lock = new_lock()
        self._known = Known()
        self._put_aside: list[PluginStatus] = []
        self._asking: Asking | None = None
        self._unheard: list[weakref.ref[Mount]] = []
        self._allow = names_in(ALLOW)
        self._block = names_in(BLOCK) or frozenset()
        self._traced = tracing.ops()
        self._complete = False
        self._known.add(core(tuple(builtins)))
        self._given = handed_over(plugins)
        for plugin in self._given:
            plugin.load()
            self._known.add(plugin)
        if strict:
            self._load()

    # -- what namespaces ask -------------------------------------------------------------------------------------------

    def filesystem(self, name: str) -> FileSystem:
        """Return the file system called *name*.

        Errors:
            ENODEV: nobody brings it, as mount(2) says it.
        """
        if name not in self._known.filesystems:
            self._load()
        if name not in self._known.filesystems:
            raise err(errno.ENODEV, hint=self._unknown("file system", name, self._known.filesystems))
        return self._known.filesystems[name][0]

    def layer(self, spec: object) -> object:
        """Return the layer that *spec* is: a name, a table ``{"type": name, option: value…}``, or an object already.

        Errors:
            EINVAL: nobody brings it, or it has no such option.

        Raises:
            PluginError: an object that is no layer.
        """
        if isinstance(spec, Layer):
            return _made(spec, {}, f"layer {spec.name!r}", checked=False)
        if isinstance(spec, str):
            name: object = spec
            options: Mapping[str, Any] = {}
        elif isinstance(spec, Mapping):
            name = spec.get("type")
            options = {key: value for key, value in spec.items() if key != "type"}
            if not isinstance(name, str):
                raise err(errno.EINVAL, hint="the table of a layer needs a 'type', its name")
        else:
            return _is_layer(spec, f"layer {thing(spec)}")
        if name not in self._known.layers:
            self._load()
        if name not in self._known.layers:
            raise err(errno.EINVAL, hint=self._unknown("layer", name, self._known.layers))
        layer, plugin = self._known.layers[name]
        return _made(layer, options, f"{plugin}, layer {name!r}", checked=plugin is self._known.plugins[0])

    def tracing(self) -> list[object]:
        """Return the layer to put around the ops of every mount, outermost, because VFSCORE_TRACE asks for it."""
        return [self.layer({"type": "trace", "op": self._traced})] if self._traced else []

    def backend(self, source: Source, options: Mapping[str, Any] | None = None) -> Backend:
        """Return the backend of the first plugin that claims *source*.

        Errors:
            ENODEV: nobody does; the message says what to install.
            EINVAL: the backend does not know an option.

        Raises:
            PluginError: a plugin failed at it, and no other claims it either.
        """
        found = self._first("etfs_backend", source=source, options=dict(options or {}))
        if found is None:
            raise err(errno.ENODEV, hint=self._missing(source))
        if not isinstance(found, Backend):
            raise PluginError(f"hook 'etfs_backend' returned {thing(found)}, which lacks 'getattr' or 'open'")
        return found

    def attach_device(
        self, backend: Backend, path: str, type: EtfsType, begin: int, size: int, options: Mapping[str, Any]
    ) -> int:
        """Return the number of a new device: a range of *path* of *backend*.

        Errors:
            ENODEV: no plugin makes devices; the message says what to install.
        """
        rdev = self._first(
            "device_attach", backend=backend, path=path, type=type, begin=begin, size=size, options=dict(options)
        )
        if rdev is None:
            raise err(errno.ENODEV, hint=f"no plugin makes block devices; {self._advice('vfscore-blockdev')}")
        return int(rdev)

    def detach_device(self, rdev: int) -> bool:
        """End the device *rdev*, and return whether a plugin knew it."""
        return bool(self._first("device_detach", rdev=rdev))

    def partitions(
        self, backend: Backend, path: str, begin: int, size: int, options: Mapping[str, Any]
    ) -> list[Partition] | None:
        """Return what the partition table in a range of *path* of *backend* says; None if there is none.

        Errors:
            EINVAL: it is damaged, or lies.
            ENODEV: no plugin reads any; the message says what to install.
        """
        self._load()
        if not any("device_partitions" in plugin.hooks for plugin in self._known.plugins):
            raise err(errno.ENODEV, hint=f"no plugin reads partition tables; {self._advice('vfscore-blockdev')}")
        found: list[Partition] | None = self._first(
            "device_partitions", backend=backend, path=path, begin=begin, size=size, options=dict(options)
        )
        return found

    def device_options(self) -> frozenset[str] | None:
        """Return the options of a ``blk`` or ``chr`` binding that are for drivers; None: nobody makes such devices."""
        self._load()
        if not any("device_attach" in plugin.hooks for plugin in self._known.plugins):
            return None
        return frozenset().union(*(device.options for device, _ in self._known.devices.values()))

    def device(self, vtype: VType, major: int) -> tuple[Device, DevVector] | None:
        """Return the driver of *major*, as a block or a character device, and its compiled ops; None: there is none."""
        found = self._known.devices.get((vtype, major))
        if found is None and not self._complete:
            self._load()
            found = self._known.devices.get((vtype, major))
        return found

    def devices(self) -> dict[tuple[VType, int], tuple[Device, DevVector]]:
        """Return all drivers: (VBLK or VCHR, major number) → driver and its compiled ops."""
        self._load()
        return dict(self._known.devices)

    def mounted(self, mp: Mount) -> None:
        """Tell observers of *mp*. Those in plugins that are not loaded yet hear of it when they are."""
        with self._lock:
            if not self._complete:
                self._unheard.append(weakref.ref(mp))
        self._tell("vfs_mounted", mp, self._known.plugins)

    def unmounted(self, mp: Mount) -> None:
        """Tell observers that *mp* is gone."""
        with self._lock:
            self._unheard = [ref for ref in self._unheard if ref() not in (None, mp)]
        self._tell("vfs_unmounted", mp, self._known.plugins)

    def status(self) -> list[PluginStatus]:
        """Return what became of each plugin, loading those that are allowed; by name."""
        self._load()
        found = [
            PluginStatus(p.name, p.distribution, p.version, "loaded", "", tuple(sorted(p.hooks)), p.kinds(), p.serves())
            for p in self._known.plugins
        ]
        return sorted(found + self._put_aside, key=lambda each: (each.name, each.distribution))

    def whose(self, filesystem: str, module: str) -> PluginStatus | None:
        """Return the plugin that answers for a path, as `explain` tells of it; None if it is nobody's known.

        Args:
            filesystem: The type of its mount.
            module: The module of what answers: of a binding, that of its backend's class.
        """
        if filesystem != "etfs" and filesystem in self._known.filesystems:
            found: Plugin | None = self._known.filesystems[filesystem][1]
        else:
            package = module.partition(".")[0]
            found = next((plugin for plugin in self._known.plugins if plugin.package() == package), None)
        return next((each for each in self.status() if found is not None and each.name == found.name), None)

    # -- loading -------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Load the entry points that are allowed, the first time."""
        with self._lock:
            if self._complete:
                return
            self._put_aside.clear()  # a thread that was here when the process forked may have begun
            found = entry_points(tuple(sys.path))
            self._check_allowed(found)
            for plugin in found:
                if plugin in self._known.plugins:
                    continue
                status, reason = self._admit(plugin)
                if status == "loaded":
                    try:
                        plugin.load()
                        if any(plugin.object is given.object for given in self._given):
                            continue
                        self._known.add(plugin)
                        continue
                    except PluginError as exc:
                        if self.strict:
                            raise
                        status, reason = "broken", str(exc).removeprefix(f"{plugin}: ")
                self._put_aside.append(
                    PluginStatus(plugin.name, plugin.distribution, plugin.version, status, reason, (), ())
                )
            late = self._known.plugins[1 + len(self._given) :]  # after the core's, and those handed over
            self._asking = Asking(late, self._given)
            self._complete = True
            unheard, self._unheard = self._unheard, []
        for ref in unheard:
            mp = ref()
            if mp is not None:
                self._tell("vfs_mounted", mp, late)

    def _check_allowed(self, found: Sequence[Plugin]) -> None:
        names = {normal(name) for plugin in found for name in (plugin.name, plugin.distribution)}
        if unknown := (self._allow or frozenset()) - names:
            what = f"{ALLOW} names {', '.join(sorted(unknown))}, which is not installed"
            if self.strict:
                raise PluginError(what)
            _log.warning("%s", what)

    def _admit(self, plugin: Plugin) -> tuple[str, str]:
        names = {normal(plugin.name), normal(plugin.distribution)}
        if names & self._block:
            return "blocked", f"named in {BLOCK}"
        if self._allow is not None and not names & self._allow:
            return "not-allowed", f"not named in {ALLOW}"
        return "loaded", ""

    # -- asking --------------------------------------------------------------------------------------------------------

    def _first(self, hook: str, **kwargs: Any) -> Any:
        """Return the first answer to *hook* that is not None."""
        self._load()
        assert self._asking is not None
        return self._asking.first(hook, **kwargs)

    def _tell(self, hook: str, mp: Mount, plugins: Sequence[Plugin]) -> None:
        """Call the observers among *plugins*; what one raises is logged, because what it observes has happened."""
        for plugin in tuple(plugins):
            method = plugin.hooks.get(hook)
            if method is not None:
                try:
                    method(*[mp for _ in inspect.signature(method).parameters])
                except Exception:  # noqa: BLE001 -- an observer must not undo what it observes
                    _log.exception("%s: hook %r failed", plugin, hook)

    def _unknown(self, kind: str, name: object, known: Iterable[str]) -> str:
        near = difflib.get_close_matches(str(name), known := sorted(known), 1)
        mean = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known) or 'none'}"
        aside = ", ".join(f"{each.name} ({each.status})" for each in self._put_aside)
        return f"no {kind} is called {name!r}{mean}{f'; plugins not loaded: {aside}' if aside else ''}"

    def _missing(self, source: Source) -> str:
        """Return what to do so that somebody claims *source*."""
        if not isinstance(source, str | os.PathLike):
            return f"no plugin claims {thing(source)}; {self._advice('vfscore-etfs-fsspec')}"
        text = os.fspath(source)
        shown = redact(text)
        if not isinstance(text, str) or is_path(text):
            return f"no plugin claims host paths such as {shown!r}; {self._advice('vfscore-etfs-local')}"
        if "://" in text or "::" in text:
            return f"no plugin claims URLs such as {shown!r}; {self._advice('vfscore-etfs-fsspec')}"
        return f"no plugin claims {shown!r}"

    def _advice(self, distribution: str) -> str:
        for each in self._put_aside:
            if normal(each.distribution) == distribution:
                return f"{distribution} is {each.status}: {each.reason}"
        return f"install {distribution}"


def _made(layer: Layer, options: Mapping[str, Any], who: str, *, checked: bool) -> object:
    made = layer.make(options)
    return made if checked else _is_layer(made, who)


def _is_layer(obj: object, who: str) -> object:
    """Return *obj* if it is a layer.

    Raises:
        PluginError: it has no wrapper, or one that does not fit the spec.
    """
    if inspect.isclass(obj):
        raise PluginError(f"{who}: {obj.__name__} is a class; pass an instance")
    if not check_hookimpls(obj, _LAYER_HOOKS, who, wrappers=True):
        raise PluginError(f"{who} has no op; a layer has methods marked with @hookimpl(wrapper=True)")
    return obj
