"""What the plugins of one namespace bring, by name: nothing is there twice.

Locks: none; `Plugins` has one around every change.
"""

from __future__ import annotations

from vfscore.errors import PluginError
from vfscore.loader.environment import BLOCK
from vfscore.loader.found import Plugin
from vfscore.opv import DevVector
from vfscore.spec import Device, FileSystem, Layer
from vfscore.types import VType

__all__ = ["Known"]


class Known:
    """The plugins that were taken in, and whose each name is."""

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self.filesystems: dict[str, tuple[FileSystem, Plugin]] = {}
        self.layers: dict[str, tuple[Layer, Plugin]] = {}
        self.devices: dict[tuple[VType, int], tuple[Device, DevVector]] = {}
        self.owners: dict[tuple[VType, int], Plugin] = {}

    def add(self, plugin: Plugin) -> None:
        """Take in a plugin that is loaded, or nothing of it.

        Raises:
            PluginError: another has one of its names already; the message names both.
        """
        for other in self.plugins:
            if other.name == plugin.name:
                raise PluginError(
                    f"{plugin}: {other} has the same name; remove one, or block a distribution by {BLOCK}"
                )
        filesystems = {fs.name: (fs, plugin) for fs in plugin.filesystems}
        layers = {layer.name: (layer, plugin) for layer in plugin.layers}
        numbers = [(vtype, device.major) for device in plugin.devices for vtype in device.types]
        devices = {(vtype, device.major): device for device in plugin.devices for vtype in device.types}
        for kind, mine, count, known in (
            (
                "file system",
                list(filesystems),
                len(plugin.filesystems),
                {n: p for n, (_, p) in self.filesystems.items()},
            ),
            ("layer", list(layers), len(plugin.layers), {n: p for n, (_, p) in self.layers.items()}),
        ):
            if len(mine) < count:
                raise PluginError(f"{plugin}: brings a {kind} twice")
            for name in mine:
                if name in known:
                    raise PluginError(f"{plugin}: {kind} {name!r} is taken by {known[name]}")
        if len(devices) < len(numbers):
            raise PluginError(f"{plugin}: brings a major number twice")
        for number in numbers:
            if number in self.owners:
                raise PluginError(f"{plugin}: major number {number[1]} is taken by {self.owners[number]}")
        vectors = {
            number: (device, DevVector.compile(device.ops, (), f"{plugin}, device {device.name!r}"))
            for number, device in devices.items()
        }
        self.plugins.append(plugin)
        self.filesystems.update(filesystems)
        self.layers.update(layers)
        self.devices.update(vectors)
        self.owners.update(dict.fromkeys(devices, plugin))
