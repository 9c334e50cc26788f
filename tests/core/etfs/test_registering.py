"""What is checked when a source is registered, in the seed's order and with its errno; and what is checked later."""

import errno

import pytest

import vfscore
from tests.core.etfs.conftest import Storage
from vfscore.plugin import SIZE_ENDOFF, VAttr, VType
from vfscore.testing import raises


@pytest.fixture
def tree(storages):
    storages.backends["d"] = Storage({"f": b"0123456789", "sub/g": b""})
    one = storages.backends["f"] = Storage()
    one.root.data = bytearray(b"0123456789")


@pytest.mark.parametrize("kind", ["reg", "blk", "chr"])
def test_directory_as_a_file_is_eisdir(ns, tree, kind):
    with raises(errno.EISDIR):
        ns.etfs_register("/k", "dict:d", kind)


@pytest.mark.parametrize("kind", ["dir", "dir_subdirs"])
def test_file_as_a_directory_is_enotdir(ns, tree, kind):
    with raises(errno.ENOTDIR):
        ns.etfs_register("/k", "dict:f", kind)


@pytest.mark.parametrize("window", [{"begin": 1}, {"size": 1}, {"begin": 1, "size": 1}])
def test_window_of_a_directory_is_eisdir(ns, tree, window):
    with raises(errno.EISDIR):
        ns.etfs_register("/k", "dict:d", "dir", **window)


def test_not_a_directory_comes_before_its_window(ns, tree):
    with raises(errno.ENOTDIR):
        ns.etfs_register("/k", "dict:f", "dir", 1)


@pytest.mark.parametrize(
    ("begin", "size"),
    [(11, SIZE_ENDOFF), (11, 0), (5, 6), (0, 11), (10, 1), (-1, SIZE_ENDOFF), (0, -1), (5, -5), (2, SIZE_ENDOFF - 1)],
)
def test_window_that_does_not_lie_in_the_file_is_einval(ns, tree, begin, size):
    with raises(errno.EINVAL):
        ns.etfs_register("/k", "dict:f", "reg", begin, size)


@pytest.mark.parametrize(
    ("begin", "size", "content"), [(10, SIZE_ENDOFF, b""), (10, 0, b""), (4, 6, b"456789"), (4, 0, b"")]
)
def test_window_may_touch_the_end(ns, tree, begin, size, content):
    ns.etfs_register("/k", "dict:f", "reg", begin, size)

    with ns.open("/k", "rb") as f:
        assert f.read() == content


@pytest.mark.parametrize("kind", ["", "file", "REG", "dir_subdir"])
def test_unknown_type_is_einval(ns, tree, kind):
    with raises(errno.EINVAL):
        ns.etfs_register("/k", "dict:f", kind)


@pytest.mark.parametrize("vtype", [VType.VFIFO, VType.VSOCK, VType.VCHR])
def test_what_cannot_be_a_file_is_einval(ns, storages, vtype):
    odd = storages.backends["odd"] = Storage()
    odd.getattr = lambda path, follow=False: VAttr(vtype, 0o644)

    with raises(errno.EINVAL):
        ns.etfs_register("/k", "dict:odd", "reg")


def test_key_without_a_leading_slash_is_einval(ns, tree):
    with raises(errno.EINVAL):
        ns.etfs_register("k", "dict:f", "reg")


def test_taken_key_is_eexist_and_leaves_the_first(ns, tree):
    ns.etfs_register("/a/k", "dict:f", "reg")

    with raises(errno.EEXIST):
        ns.etfs_register("//a///k", "dict:d", "dir")

    assert ns.sys.stat("/a/k").st_size == 10


def test_removing_an_unknown_key_is_enoent(ns, tree):
    ns.etfs_register("/a/k", "dict:f", "reg")

    for key in ("/k", "/a", "/a/k/x"):
        with raises(errno.ENOENT):
            ns.etfs_remove(key)


def test_key_that_is_a_string_prefix_of_another_is_another_key(ns, tree):
    ns.etfs_register("/foo", "dict:d", "dir_subdirs")
    ns.etfs_register("/foobar", "dict:f", "reg")

    assert sorted(ns.sys.listdir("/")) == ["foo", "foobar"]
    with raises(errno.ENOENT):
        ns.sys.stat("/foob")


def test_device_without_a_driver_says_what_to_install(storages, tree, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-blockdev")
    with vfscore.Namespace(plugins=[storages]) as ns, raises(errno.ENODEV) as caught:
        ns.etfs_register("/dev/part", "dict:f", "blk", 2, 4)

    assert "vfscore-blockdev" in str(caught.value)


def test_failed_registration_closes_the_backend_and_leaves_no_trace(ns, tree, storages):
    with raises(errno.ENOTDIR):
        ns.etfs_register("/x/k", "dict:f", "dir")

    assert storages.backends["f"].closed
    assert ns.sys.listdir("/") == []


def test_many_windows_of_one_source_are_each_their_own(ns, tree):
    for i in range(5):
        ns.etfs_register(f"/w{i}", "dict:f", "reg", 2 * i, 2)

    assert [ns.open(f"/w{i}", "rb").read() for i in range(5)] == [b"01", b"23", b"45", b"67", b"89"]


# -- of an fstab: at the first use -------------------------------------------------------------------------------------


def described(storages, **entry):
    return vfscore.Namespace({"etfs": [{"key": "/k", "source": "dict:f", "type": "reg", **entry}]}, plugins=[storages])


def test_source_of_an_fstab_is_not_touched_by_the_boot(storages, tree):
    with described(storages) as ns:
        assert storages.backends["f"].asked == []
        assert ns.sys.listdir("/") == ["k"]

        assert ns.sys.stat("/k").st_size == 10


def test_failing_check_fails_at_each_use_until_it_passes(storages):
    missing = storages.backends["f"] = Storage()
    with described(storages) as ns:
        for _ in range(2):
            with raises(errno.EISDIR):
                ns.sys.stat("/k")

        missing.root.data = bytearray(b"now")

        assert ns.open("/k", "rb").read() == b"now"


def test_window_of_an_fstab_is_checked_at_first_use(storages, tree):
    with described(storages, begin=5, size=6) as ns, raises(errno.EINVAL):
        ns.open("/k", "rb")
