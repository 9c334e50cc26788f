"""From a path in the tree to the host and back, through everything: what users of `etfs_register` do."""

import errno
import gc
import os
from pathlib import Path

import pytest

import vfscore
from vfscore.testing import raises

pytest.importorskip("vfscore_etfs_local", reason="needs the plugin vfscore-etfs-local")


@pytest.fixture
def ns():
    with vfscore.Namespace() as ns:
        yield ns


@pytest.fixture
def host(tmp_path):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "f").write_bytes(b"file")
    (tmp_path / "data" / "sub" / "g").write_bytes(b"deep")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path


def test_host_directory_is_read_and_changed_in_place(ns, host):
    ns.etfs_register("/data", host / "data", "dir_subdirs")

    with ns.open("/data/sub/new", "w") as f:
        f.write("written")
    ns.sys.rename("/data/f", "/data/sub/f")

    assert (host / "data" / "sub" / "new").read_text() == "written"
    assert sorted(os.listdir(host / "data" / "sub")) == ["f", "g", "new"] == ns.sys.listdir("/data/sub")
    real = os.stat(host / "data" / "sub" / "f")
    seen = ns.sys.stat("/data/sub/f")
    assert (seen.st_ino, seen.st_mtime_ns, seen.st_mode) == (real.st_ino, real.st_mtime_ns, real.st_mode)


def test_change_on_the_host_is_seen_at_once(ns, host):
    ns.etfs_register("/data", str(host / "data"), "dir_subdirs")
    assert ns.sys.stat("/data/f").st_size == 4

    for size in range(20):
        (host / "data" / "f").write_bytes(b"x" * size)
        assert ns.sys.stat("/data/f").st_size == size
        assert ns.open("/data/f", "rb").read() == b"x" * size
    (host / "data" / "f").unlink()
    with raises(errno.ENOENT):
        ns.sys.stat("/data/f")


def test_dots_and_links_do_not_lead_out(ns, host):
    ns.etfs_register("/data", host / "data", "dir_subdirs")
    os.symlink("../secret", host / "data" / "up")
    os.symlink(host / "secret", host / "data" / "abs")
    os.symlink("../../..", host / "data" / "sub" / "far")

    for path in ("/data/up", "/data/abs", "/data/sub/far", f"/data/sub/far{host}/secret"):
        with raises(errno.EACCES) as caught:
            ns.open(path)
        assert caught.value.filename == path
    for path in ("/data/../secret", "/data/sub/../../secret", "/data/sub/../../../../../../secret"):
        with raises(errno.ENOENT):
            ns.open(path)
    assert ns.sys.listdir("/data/..") == ["data"]
    assert ns.sys.stat("/data/sub/..").st_ino == ns.sys.stat("/data").st_ino


def test_error_names_the_path_that_the_user_wrote(ns, host):
    ns.etfs_register("/data", host / "data", "dir_subdirs")

    for call in (ns.sys.stat, ns.open, ns.sys.unlink, ns.sys.listdir):
        with raises(errno.ENOENT) as caught:
            call("/data//sub/missing")
        assert caught.value.filename == "/data//sub/missing"


def test_window_of_a_host_file_leaves_the_rest_alone(ns, host):
    (host / "image").write_bytes(b"0123456789")
    ns.etfs_register("/w", host / "image", "reg", 2, 4)

    with ns.open("/w", "r+b", buffering=0) as f:
        assert f.write(b"abcdef") == 4
        with raises(errno.ENOSPC):
            f.write(b"g")
        f.seek(0)
        assert f.read() == b"abcd"

    assert (host / "image").read_bytes() == b"01abcd6789"


def test_relative_source_is_relative_to_the_call(ns, host, monkeypatch):
    monkeypatch.chdir(host)
    ns.etfs_register("/data", "data", "dir_subdirs")
    monkeypatch.chdir("/")

    assert ns.open("/data/f", "rb").read() == b"file"


def test_user_is_checked_against_the_hosts_modes(ns, host):
    ns.etfs_register("/data", host / "data", "dir_subdirs")
    os.chmod(host / "data" / "sub", 0o700)
    os.chmod(host / "data" / "f", 0o604)
    user = ns.as_user(os.geteuid() + 1000, os.getegid() + 1000)

    assert user.open("/data/f", "rb").read() == b"file"
    for call in (
        lambda: user.open("/data/f", "r+b"),
        lambda: user.sys.stat("/data/sub/g"),
        lambda: user.sys.unlink("/data/f"),
    ):
        with raises(errno.EACCES):
            call()


def test_descriptors_come_back(host):
    def work():
        with vfscore.Namespace() as ns:
            ns.etfs_register("/data", host / "data", "dir_subdirs")
            ns.etfs_register("/one", host / "secret", "reg")
            for path in ("/data/f", "/data/sub/g", "/one"):
                ns.open(path, "rb").close()
                fd = ns.sys.open(path, os.O_RDWR)
                ns.sys.read(fd, 10)
            ns.sys.listattr("/data")
            ns.sys.find("/data")
            ns.sys.read_many(["/data/f", "/data/sub/g", "/data/missing"])
            ns.sys.chdir("/data/sub")
            ns.etfs_remove("/one")

    work()
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc")
    gc.collect()  # what other tests left open must not go in between
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        work()

    assert len(os.listdir("/proc/self/fd")) == before


def test_bulk_reads_are_what_single_reads_are(ns, host):
    ns.etfs_register("/data", host / "data", "dir_subdirs")
    ns.etfs_register("/flat", host / "data", "dir")
    os.symlink("../secret", host / "data" / "up")

    for top in ("/data", "/flat"):
        got = ns.sys.read_many([f"{top}/f", f"{top}/sub/g", f"{top}/up", f"{top}/sub", f"{top}/missing"])
        deep = b"deep" if top == "/data" else errno.ENOENT
        told = [item.errno if isinstance(item, OSError) else item for item in got]
        assert told == [b"file", deep, errno.EACCES, errno.EISDIR, errno.ENOENT]
    assert ns.sys.read_ranges("/data/f", [(0, 2), (2, 10), (9, 1)]) == [b"fi", b"le", b""]


def test_device_of_an_fstab_says_what_is_missing_at_first_use(host, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-blockdev")
    with vfscore.Namespace({"etfs": [{"key": "/dev/p", "source": str(host / "secret"), "type": "blk"}]}) as ns:
        for call in (ns.sys.stat, lambda path: ns.sys.open(path, os.O_RDONLY)):
            with raises(errno.ENODEV) as caught:
                call("/dev/p")
            assert "vfscore-blockdev" in str(caught.value)
