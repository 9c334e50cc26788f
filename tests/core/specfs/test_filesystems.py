"""Device nodes in file systems of strangers, and what these keep of them."""

import errno
import os

import vfscore
from tests.core.specfs.ramdisk import MAJOR, Plugin, Ram, put
from vfscore.plugin import Device, FileSystem, VAttr, Vnode, VType, err, hookimpl
from vfscore.testing import mount_alone, raises
from vfscore.types import ROOT_CRED


class OneNode:
    """A file system that is one directory with a device in it, and has no ops for that."""

    def __init__(self, rdev):
        self.rdev = rdev

    @hookimpl
    def vfs_mount(self, mp, source, options):
        mp.mnt_data = Vnode(VType.VDIR, mp.v_op, "/", mp)

    @hookimpl
    def vfs_root(self, mp):
        return mp.mnt_data

    @hookimpl
    def vop_lookup(self, dvp, cnp):
        return Vnode(VType.VBLK, dvp.v_mount.v_specop, "node", dvp.v_mount) if cnp.name == "node" else None

    @hookimpl
    def vop_getattr(self, vp, cred):
        return VAttr(vp.v_type, 0o755, va_size=0, va_rdev=self.rdev if vp.v_type is VType.VBLK else 0)

    @hookimpl
    def vop_read(self, vp, offset, size, ioflag, cred):
        raise err(errno.EISDIR)


def vops(obj):
    """Return the vnode ops of *obj*, without its vfs ops."""
    return type("Ops", (), {n: getattr(type(obj), n) for n in dir(obj) if n.startswith("vop_")} | vars(obj))()


def vfsops(obj):
    return type("VfsOps", (), {n: getattr(type(obj), n) for n in dir(obj) if n.startswith("vfs_")} | vars(obj))()


def test_file_system_that_knows_nothing_of_devices_can_hold_them(ram):
    fs = OneNode(os.makedev(MAJOR, 1))
    kind = FileSystem("onefs", vfsops(fs), vops(fs))

    class Bringing(Plugin):
        @hookimpl
        def vfs_filesystems(self):
            return [kind]

    with vfscore.Namespace(plugins=[Bringing()]) as ns:
        ns.mount("onefs", "/m")
        assert ns.open("/m/node", "rb").read(3) == b"BBB"
        assert put(ns, "/m/node", b"x") == 1
        assert ns.open("/m/node", "rb").read(3) == b"xBB"


def test_file_system_may_keep_more_than_specfs_leaves_it():
    class Kept:
        @hookimpl
        def vop_getattr(self, vp, cred):
            return VAttr(VType.VBLK, 0o600, va_rdev=os.makedev(MAJOR, 0))

        @hookimpl
        def vop_read(self, vp, offset, size, ioflag, cred):
            return b"mine"

    fs = OneNode(0)
    mp = mount_alone(FileSystem("f", vfsops(fs), vops(fs), Kept()), devices=[Device("ram", MAJOR, Ram())])
    vp = Vnode(VType.VBLK, mp.v_specop, None, mp)
    vp.v_op.vop_open(vp, os.O_RDWR, ROOT_CRED)
    buf = bytearray(4)

    assert vp.v_op.vop_read(vp, 0, 4, 0, ROOT_CRED) == b"mine"
    assert vp.v_op.vop_readinto(vp, memoryview(buf), 0, 0, ROOT_CRED) == 4
    assert vp.v_op.vop_read_ranges(vp, [(0, 4)], ROOT_CRED) == [b"mine"]
    assert vp.v_op.vop_write(vp, b"x", 0, 0, ROOT_CRED) == 1


def test_device_node_of_a_mount_without_a_switch_has_no_ops():
    fs = OneNode(0)
    assert mount_alone(FileSystem("f", vfsops(fs), vops(fs))).v_specop is None


def test_reading_what_nobody_opened_is_enxio():
    fs = OneNode(os.makedev(MAJOR, 0))
    mp = mount_alone(FileSystem("f", vfsops(fs), vops(fs)), devices=[Device("ram", MAJOR, Ram())])
    vp = Vnode(VType.VBLK, mp.v_specop, None, mp)

    with raises(errno.ENXIO):
        vp.v_op.vop_read(vp, 0, 1, 0, ROOT_CRED)
