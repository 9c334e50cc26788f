"""A plugin held against the contract, beyond what the loader insists on: its layers are made, its classes looked at.

What the loader finds is an error here as there. A class that looks like a backend or a handle is compared with what
those are called with; a method whose name is nearly one of the contract is a hint, because it may be meant so.

No locks.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from vfscore.errors import PluginError
from vfscore.loader import Plugin
from vfscore.opv import DevVector, OpVector, VfsVector, check_hookimpls, spec_hooks
from vfscore.spec import Registration
from vfscore.spec.backend import FullBackend, FullHandle

__all__ = ["Problem", "check_plugin", "where_to_read"]

AUTHORS: Final = "docs/writing-a-plugin.md"
HOOKS: Final = "docs/hooks.md"

_HOOKS: Final = {*spec_hooks(Registration), *OpVector.hooks, *VfsVector.hooks, *DevVector.hooks}
_QUOTED: Final = re.compile(r"hook '(\w+)'|did you mean '(\w+)'")


class Problem(NamedTuple):
    """Something wrong."""

    what: str
    read: str
    """Where what is right is written."""
    test: str = ""
    """pytest's id of the test that found it."""


def where_to_read(text: str) -> str:
    """Return where to read about a fault that is described so."""
    named = [name for pair in _QUOTED.findall(text) for name in reversed(pair) if name in _HOOKS]
    return f"{HOOKS}#{named[-1]}" if named else AUTHORS


def check_plugin(plugin: Plugin) -> Iterator[Problem | str]:
    """Yield what is wrong with a *plugin* that was loaded, and hints (str)."""
    for layer in plugin.layers:
        who = f"layer {layer.name!r}"
        try:
            made = layer.make({})
        except OSError as exc:
            yield f"{who} cannot be made without options, so that only its suite can tell: {exc.strerror}"
            continue
        try:
            if not check_hookimpls(made, {**OpVector.hooks, **VfsVector.hooks}, who, wrappers=True):
                yield Problem(f"{who} is around no op: it has no method marked with @hookimpl(wrapper=True)", AUTHORS)
        except PluginError as exc:
            yield Problem(str(exc), where_to_read(str(exc)))
    for fs in plugin.filesystems:
        if not OpVector.compile(fs.vnodeops).served:
            yield Problem(f"file system {fs.name!r} has no vnode op", HOOKS)
        for op in sorted({"vfs_mount", "vfs_root"} - VfsVector.compile(fs.vfsops).served):
            yield Problem(f"file system {fs.name!r} lacks hook {op!r}, without which it cannot be mounted", _at(op))
    for device in plugin.devices:
        if not device.types:
            yield Problem(f"device {device.name!r} is in no switch: its types are empty", AUTHORS)
    yield from _check_classes(plugin)


def _at(hook: str) -> str:
    return f"{HOOKS}#{hook}"


def _check_classes(plugin: Plugin) -> Iterator[Problem | str]:
    name = getattr(plugin.object, "__name__", None) or type(plugin.object).__module__
    mine = [module for key, module in sorted(sys.modules.items()) if f"{key}.".startswith(f"{name}.")]
    found = {cls for module in mine for cls in vars(module).values() if isinstance(cls, type)}
    classes = [cls for cls in found if f"{cls.__module__}.".startswith(f"{name}.") and not inspect.isabstract(cls)]
    for cls in sorted(classes, key=lambda cls: (cls.__module__, cls.__qualname__)):
        if getattr(cls, "_is_protocol", False) or hasattr(cls, "__getattr__"):
            continue
        if any(other is not cls and issubclass(other, cls) for other in classes):
            continue  # a part of another, which is looked at
        if _has(cls, "open") and _has(cls, "getattr", "readdir"):
            yield from _check_class(cls, "backend", FullBackend, ("getattr", "open"))
        elif _has(cls, "pread", "preadinto") and hasattr(cls, "close"):  # what cannot be closed is something else
            yield from _check_class(cls, "handle", FullHandle, ("size",))


def _has(cls: type, *names: str) -> bool:
    return any(inspect.isfunction(inspect.getattr_static(cls, name, None)) for name in names)


def _check_class(cls: type, kind: str, contract: type, required: tuple[str, ...]) -> Iterator[Problem | str]:
    read = f"{HOOKS}#{kind}"
    ours = {
        name: func
        for base in reversed(contract.__mro__)
        for name, func in vars(base).items()
        if inspect.isfunction(func) and not name.startswith("_")
    }
    for name in required:
        if not hasattr(cls, name):
            yield Problem(f"{cls.__qualname__} looks like a {kind} and has no {name}, which every {kind} has", read)
    for name in dir(cls):
        if name.startswith("_"):
            continue
        body = inspect.getattr_static(cls, name)
        if name in ours:
            if inspect.isfunction(body):
                yield from _check_signature(f"{cls.__qualname__}.{name}", body, ours[name], read)
        elif inspect.isfunction(body):
            near = difflib.get_close_matches(name, [each for each in ours if not hasattr(cls, each)], 1, 0.85)
            if near:
                yield f"{cls.__qualname__}.{name} is not called by vfscore; is it meant to be {near[0]!r}? See {read}"


def _check_signature(who: str, body: Callable[..., Any], ours: Callable[..., Any], read: str) -> Iterator[Problem]:
    """Say what is wrong with a method that cannot be called as vfscore calls it: by position, defaults by name too."""
    wanted = list(inspect.signature(ours).parameters.values())
    needed = [param for param in wanted if param.default is param.empty]
    takes = inspect.signature(body)
    shown = ", ".join(str(param).partition(":")[0] for param in wanted)
    names = [param.name for param in wanted]
    if any(name in names and names[i : i + 1] != [name] for i, name in enumerate(takes.parameters)):
        yield Problem(f"{who}{takes} is called as ({shown}): its arguments are in another order", read)
        return
    try:
        takes.bind(*needed)
        takes.bind(*wanted)
        takes.bind(*needed, **{param.name: None for param in wanted[len(needed) :]})
    except TypeError as exc:
        yield Problem(f"{who}{takes} cannot be called as ({shown}): {exc}", read)
