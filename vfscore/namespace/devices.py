"""The devices of a namespace: its switch, and the hooks of its plugins that make devices and end them.

A device belongs to the namespace that it was made for. When it goes, whatever vnode it is open by dies first, what goes
on there ends, then its driver forgets it: its number may become another device's, and nobody is left who means the old
one. Drivers outlive namespaces: the devices of one that was dropped without being closed end when it is collected.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from vfscore.specfs import DeviceSwitch

if TYPE_CHECKING:
    from vfscore.loader import Plugins
    from vfscore.mount import MountTable
    from vfscore.spec import Backend
    from vfscore.types import EtfsType

__all__ = ["Devices"]


class Devices:
    """What bindings need for devices: `attach` and `detach`, and the switch that mounts are made with."""

    def __init__(self, plugins: Plugins, table: MountTable) -> None:
        self.switch = DeviceSwitch(plugins.device)
        self._plugins = plugins
        self._table = table
        self._live: set[int] = set()
        weakref.finalize(self, _end, plugins, self._live).atexit = False

    def attach(
        self, backend: Backend, path: str, type: EtfsType, begin: int, size: int, options: Mapping[str, Any]
    ) -> int:
        """Make a device of a range, and return its number; see `Plugins.attach_device`."""
        rdev = self._plugins.attach_device(backend, path, type, begin, size, options)
        self._live.add(rdev)
        self.switch.attached(rdev)
        return rdev

    def detach(self, rdev: int) -> None:
        """End a device: whoever has it open gets ENXIO from then on. It does not wait for a write that goes on."""
        try:
            self.switch.revoke(rdev, partial(self._ended, rdev))
        finally:
            self._table.bump()  # a remembered path may lead to a node that has just died

    def _ended(self, rdev: int) -> None:
        self._live.discard(rdev)
        self._plugins.detach_device(rdev)


def _end(plugins: Plugins, live: set[int]) -> None:
    """End what a namespace has left behind that nobody closed."""
    for rdev in live:
        plugins.detach_device(rdev)
