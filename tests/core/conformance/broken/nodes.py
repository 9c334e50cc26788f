"""What the reference of file systems is made of: nodes, and the volume that numbers them and has the room."""

import errno
import threading
import time

from vfscore.plugin import VAttr, Vnode, VType, err


class Node:
    def __init__(self, volume, vtype, vap, parent=None):
        with volume.lock:
            if volume.files and len(volume.nodes) >= volume.files:
                raise err(errno.ENOSPC)
            volume.last += 1
            self.number = volume.last
            volume.nodes[self.number] = self
        self.vtype = vtype
        self.nlink = 2 if vtype is VType.VDIR else 1
        self.parent = parent
        self.entries = {}
        self.cookies = 0
        self.data = bytearray()
        self.target = ""
        self.rdev = vap.va_rdev
        self.xattrs = {}
        self.set = {"va_mode": vap.va_mode, "va_uid": vap.va_uid or 0, "va_gid": vap.va_gid or 0, "va_flags": 0}
        self.set["va_atime"] = self.set["va_birthtime"] = time.time_ns()
        self.touch()

    def touch(self):
        self.set["va_mtime"] = self.set["va_ctime"] = time.time_ns()


class Volume:
    """What a mount has: room for `size` bytes and `files` files, both without a limit when 0."""

    def __init__(self, size=0, files=0):
        self.lock = threading.Lock()
        self.size = size
        self.files = files
        self.used = 0
        self.last = 1
        self.nodes = {}
        self.root = Node(self, VType.VDIR, VAttr(va_mode=0o755))
        self.root.parent = self.root

    def take(self, size):
        """Take as much of *size* bytes as there are and return how many."""
        with self.lock:
            size = min(size, self.size - self.used) if self.size else size
            self.used += size
        return size

    def give(self, size):
        with self.lock:
            self.used -= size

    def free(self, node):
        """Give back what *node* has."""
        self.give(len(node.data))
        node.data = bytearray()
        with self.lock:
            self.nodes.pop(node.number, None)


def vnode_of(node, mp):
    return mp.mnt_vcache.add(node.number, lambda: Vnode(node.vtype, mp.v_op, node, mp))
