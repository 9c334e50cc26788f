"""A store in memory that logs what it is asked and fails where it is told: for tests of what is above one."""

import errno
import itertools
import time

from vfscore_etfs_fsspec.stores.store import Peek

from vfscore.plugin import VAttr, VType, err

_versions = itertools.count(1)


class Object:
    """What is stored under a name."""

    def __init__(self, data):
        self.data = bytes(data)
        self.etag = f"v{next(_versions)}"
        self.mtime = time.time_ns()

    def attr(self):
        return VAttr(VType.VREG, va_size=len(self.data), va_mtime=self.mtime, va_etag=self.etag)


class RecordingStore:
    """A store of whole objects.

    Attributes:
        log: Every call that would be a request: (name, path, number of bytes).
        fail: Name of a call → the errors that its next calls raise, None for one that goes well.
        given: The very objects that `put` was given.
        pending: Uploads that were begun and neither committed nor aborted.
    """

    url = "recording://"
    flat = True
    writable = True
    exclusive = True
    moves = False
    ranged = tagged = True
    part_size = 1 << 16
    links = False

    def __init__(self, objects=(), atomic="put"):
        self.atomic = atomic
        self.identity = object()
        self.objects = {path: Object(data) for path, data in dict(objects).items()}
        self.log = []
        self.fail = {}
        self.given = []
        self.pending = set()
        self.before = {}
        """Name of a call → what is done before its next one."""

    def full(self, path):
        return path

    def asked(self, name, path, size=0):
        self.log.append((name, path, size))
        before = self.before.pop(name, None)
        if before is not None:
            before()
        errors = self.fail.get(name)
        if errors:
            error = errors.pop(0)
            if error is not None:
                raise error

    def names(self):
        """Return the names of the calls in the log."""
        return [name for name, _, _ in self.log]

    def data(self, path):
        return self.objects[path].data

    def info(self, path):
        self.asked("info", path)
        return self.find(path).attr()

    def find(self, path, etag=None):
        found = self.objects.get(path)
        if found is None:
            raise err(errno.ENOENT)
        if etag is not None and found.etag != etag:
            raise err(errno.ESTALE)
        return found

    def peek(self, path, size):
        self.asked("peek", path, size)
        found = self.find(path)
        return Peek(found.data[:size], found.attr(), len(found.data))

    def fetch(self, path, offset, size, etag=None):
        self.asked("fetch", path, size)
        return self.find(path, etag).data[offset : offset + size]

    def fetch_soon(self, path, offset, size, etag=None):
        return None

    def sync(self, path):
        return None

    def put(self, path, data, exclusive=False):
        self.asked("put", path, len(data))
        self.given.append(data)
        return self.place(path, data, exclusive)

    def place(self, path, data, exclusive):
        if exclusive and path in self.objects:
            raise err(errno.EEXIST)
        made = self.objects[path] = Object(data)
        return made.attr()

    def upload(self, path, exclusive=False):
        self.asked("upload", path)
        return RecordingUpload(self, path, exclusive)


class RecordingUpload:
    """An upload into a `RecordingStore`."""

    def __init__(self, store, path, exclusive):
        self.store = store
        self.path = path
        self.exclusive = exclusive
        self.data = bytearray()
        store.pending.add(self)

    def write(self, data):
        self.store.asked("write", self.path, len(data))
        assert self in self.store.pending
        self.data += data

    def commit(self):
        self.store.asked("commit", self.path, len(self.data))
        assert self in self.store.pending
        va = self.store.place(self.path, self.data, self.exclusive)
        self.store.pending.discard(self)
        return va

    def abort(self):
        if self in self.store.pending:
            self.store.log.append(("abort", self.path, len(self.data)))
            self.store.pending.discard(self)
