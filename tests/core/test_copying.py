"""Copying many files in one call: who does it, and what it may not slip past."""

import errno
import os

import pytest

from tests.core.conformance.dictbackend import ChangingDictBackend
from tests.core.conformance.test_etfs import BulkBackend
from vfscore.namespace import Namespace
from vfscore.plugin import err, hookimpl
from vfscore.testing import raises

FILES = {"a": b"A", "b": b"B", "d/c": b"C", "below/f": b"masked"}


class Copying(BulkBackend):
    """Notes what it is asked to copy."""

    def __init__(self, tree):
        super().__init__(tree)
        self.asked = []

    def copy_many(self, pairs, mode):
        self.asked.append((list(pairs), mode))
        return super().copy_many(pairs, mode)


class Unwilling(Copying):
    """Copies nothing by itself."""

    def copy_many(self, pairs, mode):
        self.asked.append((list(pairs), mode))
        return [err(errno.EOPNOTSUPP) for _ in pairs]


class Claims:
    """Gives backends by their names."""

    def __init__(self, **backends):
        self.backends = backends

    @hookimpl
    def etfs_backend(self, source):
        return self.backends.get(str(source).partition("://")[0])


@pytest.fixture
def backend():
    return Copying(FILES)


@pytest.fixture
def ns(backend):
    other, unwilling = Copying({"o": b"O"}), Unwilling({"u": b"U"})
    plain = ChangingDictBackend({"p": b"P"})
    with Namespace(plugins=[Claims(top=backend, other=other, unwilling=unwilling, plain=plain)]) as ns:
        ns.etfs_register("/t", "top://", "dir_subdirs")
        yield ns


def codes(faults):
    return [None if fault is None else fault.errno for fault in faults]


def read(ns, *paths):
    return [bytes(data) for data in ns.sys.read_many(paths)]


def test_files_of_one_storage_are_copied_in_one_call(ns, backend):
    assert ns.sys.copy_many([("/t/a", "/t/x"), ("/t/d/c", "/t/d/y")]) == [None, None]

    assert backend.asked == [([("a", "x"), ("d/c", "d/y")], 0o644)]
    assert read(ns, "/t/x", "/t/d/y") == [b"A", b"C"]


def test_mode_has_the_umask_taken_off(ns, backend):
    ns.sys.umask(0o027)

    ns.sys.copy_many([("/t/a", "/t/x")], 0o777)

    assert backend.asked[0][1] == 0o750


def test_copy_between_two_storages_is_read_and_written(ns, backend):
    ns.etfs_register("/other", "other://", "dir_subdirs")
    pairs = [("/t/a", "/other/x"), ("/other/o", "/t/x"), ("/t/b", "/rumpfs"), ("/t/b", "/t/y")]

    assert ns.sys.copy_many(pairs) == [None] * 4

    assert backend.asked == [([("b", "y")], 0o644)]
    assert read(ns, "/other/x", "/t/x", "/rumpfs", "/t/y") == [b"A", b"O", b"B", b"B"]


def test_copy_from_or_to_a_key_that_hangs_below_is_read_and_written(ns, backend):
    ns.etfs_register("/t/below", "other://", "dir_subdirs")
    ns.etfs_register("/t/d/deep/key", "plain://", "dir_subdirs")
    pairs = [("/t/below/o", "/t/x"), ("/t/a", "/t/below/y"), ("/t/d/deep/key/p", "/t/z"), ("/t/below/f", "/t/none")]

    assert codes(ns.sys.copy_many(pairs)) == [None, None, None, errno.ENOENT]

    assert backend.asked == []
    assert read(ns, "/t/x", "/t/below/y", "/t/z") == [b"O", b"A", b"P"]
    assert not ns.sys.path.exists("/t/none")


def test_synthetic_directory_as_source_or_target_is_eisdir(ns):
    ns.etfs_register("/t/made/up/key", "plain://", "dir_subdirs")
    pairs = [("/t/made", "/t/x"), ("/t/a", "/t/made/up"), ("/t/made/up/key", "/t/y")]

    assert codes(ns.sys.copy_many(pairs)) == [errno.EISDIR] * 3


def test_new_file_in_a_synthetic_directory_is_erofs(ns):
    ns.etfs_register("/synthetic/key", "plain://", "dir_subdirs")

    assert codes(ns.sys.copy_many([("/t/a", "/synthetic/x")])) == [errno.EROFS]


def test_faults_are_those_of_reading_and_writing_and_name_both_paths(ns):
    pairs = [
        ("/t/none", "/t/x"),
        ("/t/d", "/t/y"),
        ("/t/a", "/t/d"),
        ("/t/a", "/t/none/z"),
        ("/t/a", "/t/b/z"),
        ("/t/a/z", "/t/v"),
        ("/t/b", "/t/w"),
    ]
    got = ns.sys.copy_many(pairs)

    assert codes(got) == [
        errno.ENOENT,
        errno.EISDIR,
        errno.EISDIR,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENOTDIR,
        None,
    ]
    assert [(exc.filename, exc.filename2) for exc in got if exc is not None] == pairs[:-1]
    assert sorted(ns.sys.listdir("/t")) == ["a", "b", "below", "d", "w"]


@pytest.mark.parametrize("path", ["/t/a", "/rumpfs", "/plain/p"])
def test_copy_onto_itself_is_einval_and_keeps_the_file(ns, path):
    ns.etfs_register("/plain", "plain://", "dir_subdirs")
    ns.sys.write_file("/rumpfs", b"R")
    before = read(ns, path)

    assert codes(ns.sys.copy_many([(path, path)])) == [errno.EINVAL]

    assert read(ns, path) == before


def test_pairs_that_need_one_another_are_done_in_their_order(ns, backend):
    assert ns.sys.copy_many([("/t/a", "/t/b"), ("/t/b", "/t/x"), ("/t/d/c", "/t/b")]) == [None] * 3

    assert [len(pairs) for pairs, _ in backend.asked] == [1, 1, 1]
    assert read(ns, "/t/b", "/t/x") == [b"C", b"A"]


@pytest.mark.parametrize("again", [b"/t/b", "/t//b", "//t/./b", "/t/d/../b"])
def test_name_that_is_spelled_in_two_ways_is_one_name(ns, backend, again):
    assert ns.sys.copy_many([("/t/a", "/t/b"), (again, "/t/x")]) == [None] * 2

    assert read(ns, "/t/b", "/t/x") == [b"A", b"A"]
    assert all(len(pairs) == 1 for pairs, _ in backend.asked)


def test_what_the_storage_does_not_copy_is_read_and_written(ns):
    ns.etfs_register("/u", "unwilling://", "dir_subdirs")

    assert ns.sys.copy_many([("/u/u", "/u/x")]) == [None]

    assert read(ns, "/u/x") == [b"U"]


def test_storage_without_the_call_is_copied_all_the_same(ns):
    ns.etfs_register("/plain", "plain://", "dir_subdirs")

    assert codes(ns.sys.copy_many([("/plain/p", "/plain/x"), ("/plain/none", "/plain/y")])) == [None, errno.ENOENT]

    assert read(ns, "/plain/x") == [b"P"]


def test_file_that_is_being_written_is_copied_as_readers_see_it(ns, backend):
    with ns.open("/t/a", "r+b", buffering=0) as file:
        file.write(b"newer")
        assert ns.sys.copy_many([("/t/a", "/t/x"), ("/t/b", "/t/y")]) == [None, None]

    assert backend.asked == [([("b", "y")], 0o644)]
    assert read(ns, "/t/x", "/t/y") == [b"newer", b"B"]


def test_attributes_of_a_file_that_was_copied_over_are_new(ns):
    ns.sys.write_file("/t/longer", b"longer than that")
    fd = ns.sys.open("/t/a", os.O_RDONLY)
    assert ns.sys.fstat(fd).st_size == 1

    assert ns.sys.copy_many([("/t/longer", "/t/a")]) == [None]

    assert ns.sys.fstat(fd).st_size == ns.sys.stat("/t/a").st_size == 16
    ns.sys.close(fd)


@pytest.mark.parametrize("how", ["layer", "mount"])
def test_read_only_binding_is_erofs_and_its_storage_is_not_asked(ns, backend, how):
    ns.etfs_remove("/t")
    ns.etfs_register("/t", "top://", "dir_subdirs", layers=["readonly"] if how == "layer" else [])
    if how == "mount":
        ns.sys.stat("/t")
        next(mount for mount in ns.sys.table.mounts() if mount.mnt_type == "etfs").mnt_rdonly = True

    assert codes(ns.sys.copy_many([("/t/a", "/t/x"), ("/t/a", "/t/b"), ("/t/none", "/t/y")])) == [
        errno.EROFS,
        errno.EROFS,
        errno.ENOENT,
    ]

    assert backend.asked == []


def test_layer_around_writing_sees_the_copy(ns, backend):
    ns.etfs_remove("/t")
    faults = {"type": "faults", "rules": [{"op": "vop_write", "errno": "EIO"}]}
    ns.etfs_register("/t", "top://", "dir_subdirs", layers=[faults])

    assert codes(ns.sys.copy_many([("/t/a", "/t/x")])) == [errno.EIO]

    assert backend.asked == []


def test_somebody_elses_rights_are_checked(ns, backend):
    ns.sys.chmod("/t", 0o755)
    ns.sys.chmod("/t/a", 0o600)
    user = ns.as_user(1000, 1000)

    assert codes(user.sys.copy_many([("/t/a", "/t/x"), ("/t/b", "/t/y")])) == [errno.EACCES] * 2

    assert backend.asked == []
    assert sorted(ns.sys.listdir("/t")) == ["a", "b", "below", "d"]


def test_copy_in_memory_without_room_leaves_no_part_of_a_new_file():
    with Namespace() as ns:
        ns.mount("rumpfs", "/m", options={"size": 1 << 20})
        ns.sys.write_file("/m/f", bytes(700_000))
        mount = ns.sys.table.root.children["m"].root

        got = mount.v_op.vop_copy_many(mount, [("f", "g")], 0o644, ns.sys.cred)

        assert codes(got) == [errno.ENOSPC]
        assert ns.sys.listdir("/m") == ["f"]


def test_copy_is_given_to_who_reads_and_writes_by_its_index(ns):
    asked = []

    def one(i):
        asked.append(i)
        raise err(errno.EXDEV)

    ns.sys.write_file("/rumpfs", b"R")
    pairs = [("/t/a", "/t/x"), ("/rumpfs", "/t/y"), ("/t/b", "/r")]

    with raises(errno.EXDEV):
        raise ns.sys.copy_many(pairs, one=one)[1]

    assert asked == [1, 2]
    assert read(ns, "/t/x") == [b"A"]
