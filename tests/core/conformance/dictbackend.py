"""A storage of one's own: an etfs backend over dictionaries, as an example to read and as one to test the core with.

What makes something a backend is `getattr` and `open`, and on what `open` returns `pread`, `size` and `close`; with
`readdir` it can be listed, with `readlink` it has links. That is `DictBackend`, and all that a read-only storage needs.
Each further method is one more thing that can be done in the tree: `ChangingDictBackend` has those. Leave out what your
storage cannot; nothing has to be declared.

A path comes without dots and without slashes at its ends; ``""`` is the root. A backend follows its own links, but
never to outside of its root. Its errors are OSErrors with the errno of the fault, without the path.
"""

import errno
import itertools
import time

from vfscore.plugin import Dirent, OpenFlag, VAttr, VType, err, hookimpl

_numbers = itertools.count(2)
LINK_MAX = 100
_TYPES = {dict: VType.VDIR, bytearray: VType.VREG, str: VType.VLNK}


class Node:
    """A directory (its data a dict of nodes), a file (a bytearray) or a symbolic link (a str)."""

    def __init__(self, data, mode=0o644):
        self.data = data
        self.number = next(_numbers)
        self.set = {"va_mode": mode, "va_uid": 0, "va_gid": 0, "va_atime": time.time_ns()}
        self.names = 1
        self.xattrs = {}
        self.touch()

    def touch(self):
        self.set["va_mtime"] = self.set["va_ctime"] = time.time_ns()

    def getattr(self):
        subdirs = sum(type(node.data) is dict for node in self.data.values()) if type(self.data) is dict else 0
        names = 2 + subdirs if type(self.data) is dict and self.names else self.names
        return VAttr(_TYPES[type(self.data)], va_fileid=self.number, va_size=len(self.data), va_nlink=names, **self.set)


class Handle:
    """An open file. It holds the node, so that the file lives as long as somebody has it open."""

    def __init__(self, node):
        self.node = node

    def pread(self, offset, size):
        return bytes(self.node.data[offset : offset + size])

    def size(self):
        return len(self.node.data)

    def getattr(self):
        return self.node.getattr()

    def close(self):
        pass


class DictBackend:
    """A tree of nodes that can be read."""

    def __init__(self, tree=()):
        self.root = Node({}, 0o755)
        for path, what in dict(tree).items():
            here = self.root
            *dirs, name = path.split("/")
            for part in dirs:
                here = here.data.setdefault(part, Node({}, 0o755))
            data, mode = ({}, 0o755) if what is None else (str(what), 0o777) if isinstance(what, str) else (what, 0o644)
            here.data[name] = Node(bytearray(data) if isinstance(data, bytes) else data, mode)

    def walk(self, path, follow=False):
        """Return the names and nodes on the way to *path*, links resolved; those beneath the root, and no others."""
        trail, todo, links = [("", self.root)], path.split("/")[::-1], 0
        while todo:
            name, here = todo.pop(), trail[-1][1]
            if name == "..":
                if len(trail) == 1:
                    raise err(errno.EACCES, hint="a link leads out of what was registered")
                trail.pop()
            elif name not in ("", "."):
                if type(here.data) is not dict:
                    raise err(errno.ENOTDIR)
                node = here.data.get(name)
                if node is None:
                    raise err(errno.ENOENT)
                if type(node.data) is str and (follow or todo):
                    links += 1
                    if links > 40:
                        raise err(errno.ELOOP)
                    if node.data.startswith("/"):
                        raise err(errno.EACCES, hint=f"the link to {node.data} leads out of what was registered")
                    todo += node.data.split("/")[::-1]
                else:
                    trail.append((name, node))
        return trail

    def node(self, path, follow=False):
        return self.walk(path, follow)[-1][1]

    def getattr(self, path, follow=False):
        return self.node(path, follow).getattr()

    def open(self, path, flags):
        node = self.node(path, True)
        if type(node.data) is dict:
            raise err(errno.EISDIR)
        if flags & (OpenFlag.WRONLY | OpenFlag.RDWR):
            raise err(errno.EROFS)
        return Handle(node)

    def directory(self, path):
        node = self.node(path, True)
        if type(node.data) is not dict:
            raise err(errno.ENOTDIR)
        return node

    def readdir(self, path):
        return [Dirent(name, _TYPES[type(n.data)], n.number) for name, n in self.directory(path).data.items()]

    def readlink(self, path):
        node = self.node(path)
        if type(node.data) is not str:
            raise err(errno.EINVAL)
        return node.data

    def realpath(self, path):
        return "/".join(name for name, _ in self.walk(path, True)[1:])


class ChangingHandle(Handle):
    """An open file that can be written as well."""

    def pwrite(self, data, offset):
        if len(data):
            buf = self.node.data
            buf += bytes(max(0, offset - len(buf)))
            buf[offset : offset + len(data)] = data
            self.node.touch()
        return len(data)

    def append(self, data):
        return self.pwrite(data, len(self.node.data))

    def truncate(self, size):
        del self.node.data[size:]
        self.node.data += bytes(size - len(self.node.data))
        self.node.touch()

    def setattr(self, vap):
        for name in self.node.set:
            value = getattr(vap, name)
            if value is not None:
                self.node.set[name] = value
        self.node.set["va_ctime"] = time.time_ns()


class ChangingDictBackend(DictBackend):
    """A tree of nodes that can be changed in every way there is."""

    def open(self, path, flags):
        node = self.node(path, True)
        if type(node.data) is dict:
            raise err(errno.EISDIR)
        handle = ChangingHandle(node)
        if flags & (OpenFlag.WRONLY | OpenFlag.RDWR) and not node.set["va_mode"] & 0o222:
            raise err(errno.EACCES)
        if flags & OpenFlag.TRUNC:
            handle.truncate(0)
        return handle

    def place(self, path):
        """Return the directory in which *path* is or will be, and the name there."""
        head, _, name = path.rpartition("/")
        return self.directory(head), name

    def put(self, path, node):
        where, name = self.place(path)
        if where.data.setdefault(name, node) is not node:
            raise err(errno.EEXIST)
        where.touch()
        return node

    def check(self, node, isdir):
        """Raise unless *node* can be taken away as a directory, or as something else."""
        if (type(node.data) is dict) != isdir:
            raise err(errno.ENOTDIR if isdir else errno.EISDIR)
        if isdir and node.data:
            raise err(errno.ENOTEMPTY)

    def take(self, path, isdir):
        node = self.node(path)
        self.check(node, isdir)
        where, name = self.place(path)
        del where.data[name]
        where.touch()
        node.names -= 1

    def create(self, path, flags, mode):
        try:
            return ChangingHandle(self.put(path, Node(bytearray(), mode)))
        except FileExistsError:
            if flags & OpenFlag.EXCL:
                raise
            return self.open(path, flags)

    def mkdir(self, path, mode):
        self.put(path, Node({}, mode))

    def symlink(self, target, path):
        self.put(path, Node(target, 0o777))

    def link(self, old, new):
        node = self.node(old)
        if node.names == LINK_MAX:
            raise err(errno.EMLINK)
        self.put(new, node).names += 1

    def remove(self, path):
        self.take(path, isdir=False)

    def rmdir(self, path):
        self.take(path, isdir=True)

    def rename(self, old, new):
        node, (where, name), (to, new_name) = self.node(old), self.place(old), self.place(new)
        if to.data.get(new_name) is node:
            return
        if any(above is node for _, above in self.walk(new.rpartition("/")[0], True)):
            raise err(errno.EINVAL)
        over = to.data.get(new_name)
        if over is not None:
            self.check(over, isdir=type(node.data) is dict)
            over.names -= 1
        to.data[new_name] = node  # in one step: whoever looks sees the old one or the new
        del where.data[name]
        where.touch()
        to.touch()

    def setattr(self, path, vap, follow=True):
        ChangingHandle(self.node(path, follow)).setattr(vap)

    def truncate(self, path, size):
        ChangingHandle(self.node(path, True)).truncate(size)

    def getxattr(self, path, name, follow=True):
        value = self.node(path, follow).xattrs.get(name)
        if value is None:
            raise err(errno.ENODATA)
        return value

    def setxattr(self, path, name, value, flags, follow=True):
        xattrs = self.node(path, follow).xattrs
        if flags == 1 and name in xattrs:
            raise err(errno.EEXIST)
        if flags == 2 and name not in xattrs:
            raise err(errno.ENODATA)
        xattrs[name] = value

    def listxattr(self, path, follow=True):
        return list(self.node(path, follow).xattrs)

    def removexattr(self, path, name, follow=True):
        if self.node(path, follow).xattrs.pop(name, None) is None:
            raise err(errno.ENODATA)


STORED = {}
"""What is stored, by name: ``dict:NAME`` is a source."""


@hookimpl
def etfs_backend(source, options):
    """Claim ``dict:NAME``; the option ``fixed`` makes it one that can only be read."""
    if not (isinstance(source, str) and source.startswith("dict:")):
        return None
    if options.keys() - {"fixed"}:
        raise err(errno.EINVAL, hint=f"dict: knows the option 'fixed', not {', '.join(options)}")
    kind = DictBackend if options.get("fixed") else ChangingDictBackend
    return STORED.setdefault(source.removeprefix("dict:"), kind())
