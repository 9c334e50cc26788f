"""specfs: the ops of device nodes, after miscfs/specfs, and the device switch that they go through.

A VBLK or VCHR vnode may lie in any file system. That keeps what belongs to the node: permission, attributes, extended
attributes, locks, its life. What belongs to the device (open, read, write, ioctl, fsync…) goes by major and minor
number to a driver, so that all nodes of one number are one device. `switch` is the device switch of a namespace,
`vnops` the ops, `mem` the three devices that every namespace has: null, zero and full.

Differences from the real thing: a device may be open any number of times, and no mount is ``nodev``.

Locks: one in each switch, held around dictionary work only, never during a driver's op.
"""

from __future__ import annotations

from vfscore.specfs.mem import MEM
from vfscore.specfs.switch import DeviceSwitch, SpecDev
from vfscore.specfs.vnops import SpecOps

__all__ = ["MEM", "DeviceSwitch", "SpecDev", "SpecOps"]
