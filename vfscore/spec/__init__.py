"""The contract: what a file system, a device driver, a backend and a plugin are asked, and nothing of how.

`vnodeops` and `vfsops` are vnodeops(9) and vfsops(9) as pluggy hook specs on typed Protocols, `devsw` the device
switch, `backend` the Protocols of an etfs backend, `registration` the hooks by which a plugin makes itself known.

Every hook's ``Errors:`` list is a promise that `vfscore.testing` proves.
"""

from __future__ import annotations

from vfscore.spec.backend import Backend, Handle, Source
from vfscore.spec.devsw import DeviceOps
from vfscore.spec.found import FindEntry, Found
from vfscore.spec.markers import PROJECT, SPEC_VERSION, hookimpl, hookspec
from vfscore.spec.registration import Device, FileSystem, Layer, Partition, Registration
from vfscore.spec.vfsops import VfsOps
from vfscore.spec.vnodeops import VnodeOps

__all__ = [
    "PROJECT",
    "SPEC_VERSION",
    "Backend",
    "Device",
    "DeviceOps",
    "FileSystem",
    "FindEntry",
    "Found",
    "Handle",
    "Layer",
    "Partition",
    "Registration",
    "Source",
    "VfsOps",
    "VnodeOps",
    "hookimpl",
    "hookspec",
]
