"""A storage that stores a file when it is closed, as object stores do: the core's rules about that are tested on it."""

import errno

from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend, Handle, Node
from vfscore.plugin import OpenFlag, VAttr, VType, err, hookimpl


class Draft:
    """A file being written: what its handles share."""

    def __init__(self, backend, path, data, exclusive=False, dirty=True):
        self.backend = backend
        self.path = path
        self.before = bytes(data)
        self.data = bytearray(data)
        self.dirty = dirty
        self.exclusive = exclusive
        self.users = 0

    def getattr(self):
        return VAttr(VType.VREG, 0o644, va_size=len(self.data))

    def store(self):
        if self.dirty:
            self.backend.store(self.path, bytes(self.data), self.exclusive)
            self.dirty = self.exclusive = False
            self.before = bytes(self.data)


class StoringHandle:
    """An open file: nothing of it is stored before it is closed or synced."""

    def __init__(self, draft):
        self.draft = draft
        draft.users += 1

    def pread(self, offset, size):
        return bytes(self.draft.data[offset : offset + size])

    def pwrite(self, data, offset):
        held = self.draft.data
        held.extend(bytes(max(0, offset - len(held))))
        held[offset : offset + len(data)] = data
        self.draft.dirty = True
        return len(data)

    def truncate(self, size):
        held = self.draft.data
        del held[size:]
        held.extend(bytes(size - len(held)))
        self.draft.dirty = True

    def size(self):
        return len(self.draft.data)

    def getattr(self):
        return self.draft.getattr()

    def fsync(self):
        self.draft.store()

    def discard(self):
        self.draft.data[:] = self.draft.before
        self.draft.dirty = False
        return True

    def close(self):
        draft = self.draft
        draft.users -= 1
        if not draft.users:
            draft.backend.drafts.pop(draft.path, None)
            draft.store()


class StoringBackend(DictBackend):
    """A tree whose files are stored when they are closed.

    Attributes:
        stored: What was stored, in order: (path, data).
        created: The flags of each `create`.
        renamed: What was renamed in the storage itself.
        broken: The next storing fails with this.
    """

    place, put = ChangingDictBackend.place, ChangingDictBackend.put
    take, check = ChangingDictBackend.take, ChangingDictBackend.check
    mkdir, rmdir = ChangingDictBackend.mkdir, ChangingDictBackend.rmdir

    def __init__(self, tree=()):
        super().__init__(tree)
        self.drafts = {}
        self.stored = []
        self.created = []
        self.renamed = []
        self.broken = None

    def store(self, path, data, exclusive):
        failed, self.broken = self.broken, None
        if failed is not None:
            raise failed
        where, name = self.place(path)
        if exclusive and name in where.data:
            raise err(errno.EEXIST, hint=f"{len(data)} bytes were not stored")
        where.data[name] = Node(bytearray(data))
        self.stored.append((path, data))

    def getattr(self, path, follow=False):
        draft = self.drafts.get(path)
        va = super().getattr(path, follow) if draft is None else draft.getattr()
        va.va_fileid = None
        return va

    def readdir(self, path):
        entries = super().readdir(path)
        for entry in entries:
            entry.d_fileno = 0
        return entries

    def open(self, path, flags):
        draft = self.drafts.get(path)
        if draft is not None and flags & (OpenFlag.WRONLY | OpenFlag.RDWR):
            return StoringHandle(draft)
        node = self.node(path, True)
        if type(node.data) is dict:
            raise err(errno.EISDIR)
        if not flags & (OpenFlag.WRONLY | OpenFlag.RDWR):
            return _Reading(node)
        draft = self.drafts[path] = Draft(self, path, node.data, dirty=False)
        handle = StoringHandle(draft)
        if flags & OpenFlag.TRUNC:
            handle.truncate(0)
        return handle

    def create(self, path, flags, mode):
        where, name = self.place(path)
        if name in where.data or path in self.drafts:
            raise err(errno.EEXIST)
        self.created.append(flags)
        draft = self.drafts[path] = Draft(self, path, b"", exclusive=bool(flags & OpenFlag.CREAT))
        return StoringHandle(draft)

    def remove(self, path):
        draft = self.drafts.pop(path, None)
        if draft is not None:
            draft.dirty = False
        where, name = self.place(path)
        if draft is None or name in where.data:
            self.take(path, isdir=False)

    def rename(self, old, new):
        draft = self.drafts.pop(old, None)
        if draft is None:
            ChangingDictBackend.rename(self, old, new)
            self.renamed.append((old, new))
            return
        draft.path, draft.exclusive = new, False
        self.drafts[new] = draft

    def truncate(self, path, size):
        handle = self.open(path, OpenFlag.RDWR)
        handle.truncate(size)
        handle.close()


class _Reading(Handle):
    def getattr(self):
        va = super().getattr()
        va.va_fileid = None
        return va


class Storing:
    """The plugin: ``store:`` is its one storage."""

    def __init__(self, tree=()):
        self.backend = StoringBackend(tree)

    @hookimpl
    def etfs_backend(self, source, options):
        return self.backend if source == "store:" else None
