"""A random campaign: programs of operations with faults at random points, against a model of what each object may be.

Each seed is one program. ``VFSCORE_FAULT_SEEDS=n`` has the seeds below n instead of the usual ones.
"""

import dataclasses
import errno
import os
import random

import fsspec
import pytest

from wire.catalogue import ANSWERING, READING, UPLOADING
from wire.tally import TALLY
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

MIB = 1 << 20
STEPS = 30
SEEDS = range(int(os.environ.get("VFSCORE_FAULT_SEEDS", "4")))
NAMES = [f"{top}/f{n}" for top in ("d", "e") for n in range(4)]
CODES = {
    errno.EIO, errno.ECONNRESET, errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EACCES, errno.ENOENT, errno.ESTALE,
    errno.EEXIST, errno.ERANGE, errno.EINVAL, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR,
}  # fmt: skip
KINDS = {
    "write": ["PUT", "PUT", "CREATE", "PART", "COMPLETE", "HEAD", "LIST"],
    "append": ["GET", "PUT", "CREATE", "PART", "COMPLETE"],
    "write_many": ["PUT", "HEAD", "LIST"],
    "read": ["GET"],
    "read_many": ["GET"],
    "list": ["LIST"],
    "remove": ["DELETE", "HEAD"],
    "remove_many": ["DELETE-MANY", "HEAD"],
    "rename": ["COPY", "DELETE", "DELETE-MANY", "HEAD"],
    "rename_all": ["COPY", "DELETE", "DELETE-MANY", "LIST"],
    "copy": ["COPY", "GET", "PUT", "HEAD"],
}
"""What an operation may ask of the server."""
FAULTS = {"GET": READING, "HEAD": ANSWERING, "LIST": ANSWERING}
"""What may go wrong with it. That nothing is there (404) is no fault but an answer, where names are asked for."""


class Program:
    """One program, and for each key the contents that it may have by now (None: no object)."""

    def __init__(self, seed, ns, proxy, world):
        self.random = random.Random(seed)
        self.ns, self.proxy, self.world = ns, proxy, world
        self.fs = fsspec.filesystem("vfs")
        self.may = {name: {None} for name in NAMES}
        self.doing = ""

    def content(self):
        size = self.random.choice([0, 1, 1000, 100_000, 6 * MIB])
        return self.random.randbytes(size)

    def run(self):
        for _ in range(STEPS):
            operation = self.random.choice(
                [self.write, self.write, self.append, self.read, self.list, self.remove, self.rename, self.rename_all,
                 self.copy, self.write_many, self.read_many, self.remove_many]
            )  # fmt: skip
            self.doing = operation.__name__
            operation()
            there = set(self.world.keys())
            for name in NAMES:
                found = self.world.read(name) if name in there else None
                TALLY["checked"] += 1
                assert found in self.may[name], f"{operation.__name__}: {name} is what it never was"
                TALLY["new" if found is not None else "old"] += 1
                self.may[name] = {found}
            self.fs.invalidate_cache("/b")

    def broken(self):
        """Arm up to two random faults."""
        faults = []
        for _ in range(self.random.choice([0, 1, 1, 2])):
            kind = self.random.choice(KINDS[self.doing])
            entry = self.random.choice(FAULTS.get(kind, UPLOADING))
            if self.doing == "read_many" and entry.name == "short":
                continue  # a whole file of unknown size that says it is as short as it is
            if kind == "CREATE" and entry.fault.what in ("lost", "status-after"):
                continue  # nobody but the server knows of that upload
            if entry.name in ("hang", "delay") and self.random.random() < 0.8:
                continue  # they take their time
            fault = entry.at(kind, self.random.choice([1, 1, 1, 2, 3]), stays=self.random.random() < 0.5)
            if fault.at:
                fault = dataclasses.replace(fault, at=self.random.choice([0, 1, 100, 5000, 100_000]))
            faults.append(fault)
        return self.proxy.broken(*faults)

    def change(self, call, **outcomes):
        """Do what makes each key one of its old contents or the new one, and exactly the new one if it succeeds."""
        for key, new in outcomes.items():
            self.may[key].add(new)
        with self.broken():
            _, failed = attempt(call, CODES)
        if failed is None:
            for key, new in outcomes.items():
                self.may[key] = {new}

    def there(self, *, old=True):
        """Return a key that is there, or (not *old*) any."""
        names = [name for name in NAMES if self.may[name] != {None}] if old else NAMES
        return self.random.choice(names) if names else None

    def only(self, name):
        (content,) = self.may[name]
        return content

    def write(self):
        name, content = self.there(old=False), self.content()
        piece = self.random.choice([1000, MIB]) if len(content) < MIB else MIB

        def call():
            with self.ns.open(f"/b/{name}", "wb") as file:
                for at in range(0, len(content), piece):
                    file.write(content[at : at + piece])

        self.change(call, **{name: content})

    def append(self):
        name = self.there()
        if name is None:
            return
        more = self.random.randbytes(100)

        def call():
            with self.ns.open(f"/b/{name}", "ab") as file:
                file.write(more)

        self.change(call, **{name: self.only(name) + more})

    def read(self):
        name = self.there()
        if name is None:
            return

        def call():
            with self.ns.open(f"/b/{name}", "rb", buffering=self.random.choice([-1, 0])) as file:
                return b"".join(iter(lambda: file.read(300_000), b""))

        with self.broken():
            got, failed = attempt(call, CODES)
        assert failed is not None or got == self.only(name)

    def read_many(self):
        names = [name for name in NAMES if self.may[name] != {None}]
        if not names:
            return
        with self.broken():
            got, failed = attempt(lambda: self.fs.cat([f"/b/{name}" for name in names]), CODES)
        assert failed is not None or sorted(got.values()) == sorted(map(self.only, names))

    def list(self):
        with self.broken():
            got, failed = attempt(lambda: self.fs.find("/b"), CODES)
        names = {path.partition("b/")[2] for path in got or ()}
        assert failed is not None or names == {name for name in NAMES if self.may[name] != {None}}

    def remove(self):
        name = self.there()
        if name is not None:
            self.change(lambda: self.ns.sys.unlink(f"/b/{name}"), **{name: None})

    def remove_many(self):
        names = [name for name in NAMES if self.may[name] != {None} and self.random.random() < 0.5]
        if names:
            self.change(lambda: self.fs.rm([f"/b/{name}" for name in names]), **dict.fromkeys(names))

    def write_many(self):
        objects = {name: self.random.randbytes(500) for name in NAMES if self.random.random() < 0.4}
        if objects:
            self.change(lambda: self.fs.pipe({f"/b/{name}": data for name, data in objects.items()}), **objects)

    def rename(self):
        old, new = self.there(), self.there(old=False)
        if old is None or old == new:
            return
        content = self.only(old)
        self.change(lambda: self.ns.sys.rename(f"/b/{old}", f"/b/{new}"), **{new: content, old: None})
        assert content in (self.world.read(old), self.world.read(new)), "a file was lost"

    def copy(self):
        old, new = self.there(), self.there(old=False)
        if old is not None and old != new:
            self.change(lambda: self.fs.cp_file(f"/b/{old}", f"/b/{new}"), **{new: self.only(old)})

    def rename_all(self):
        """Rename the directory d to a new name and, without faults, back."""
        had = {name: self.only(name) for name in NAMES if name.startswith("d/") and self.may[name] != {None}}
        if not had:
            return
        with self.broken():
            _, failed = attempt(lambda: self.ns.sys.rename("/b/d", "/b/moved"), CODES)
        for name, content in had.items():
            here, there = self.world.read(name), self.world.read(name.replace("d/", "moved/"))
            assert content in (here, there), "a file of a directory was lost"
            assert {here, there} <= {content, None}
            assert failed is not None or there == content
            self.world.plant({name: content})
        for key in self.world.keys("moved/"):
            self.world.server.client.delete_object(Bucket=self.world.bucket, Key=key)


@pytest.mark.parametrize("seed", SEEDS)
def test_program_with_random_faults_leaves_old_or_new(bind, proxy, world, seed):
    ns = bind(block_size=5 * MIB)
    ns.install()
    proxy.page = 3

    Program(seed, ns, proxy, world).run()

    assert world.uploads() == []


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_many_programs_with_random_faults_leave_old_or_new(bind, proxy, world, seed):
    test_program_with_random_faults_leaves_old_or_new(bind, proxy, world, seed)
