"""Nothing outside a registered directory is reached through it: not by names, not by links, not by racing the walk.

The host's own directory is the place to escape to: `outside` holds files with the content OUTSIDE, and whatever a call
returns or changes must not be there.
"""

import contextlib
import errno
import os
import shutil
import threading
import time

import pytest
from vfscore_etfs_local import DirectoryBackend, FileBackend, open_source
from vfscore_etfs_local.beneath import has_openat2

from vfscore.plugin import OpenFlag, VAttr, VType
from vfscore.testing import raises

INSIDE, OUTSIDE = b"inside", b"OUTSIDE"
READ, WRITE = OpenFlag.RDONLY, OpenFlag.RDWR
SECONDS = 1.0


@pytest.fixture(params=[False, True], ids=["openat2", "walk"])
def walk(request):
    if not request.param and not has_openat2():
        pytest.skip("this kernel has no openat2")
    return request.param


@pytest.fixture
def host(tmp_path):
    """A directory to register (`in`), and one beside it (`outside`) with the same names in it."""
    for top, content in (("in", INSIDE), ("outside", OUTSIDE)):
        (tmp_path / top / "d" / "e").mkdir(parents=True)
        for name in ("f", "d/f", "d/e/f"):
            (tmp_path / top / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def backend(host, walk):
    backend = DirectoryBackend(str(host / "in"), walk)
    yield backend
    backend.close()


def read(backend, path):
    handle = backend.open(path, READ)
    try:
        return handle.pread(0, 100)
    finally:
        handle.close()


def everything(backend, path):
    """Every call that could reach *path*, by name."""
    return {
        "open": lambda: read(backend, path),
        "open to write": lambda: backend.open(path, WRITE | OpenFlag.TRUNC).close(),
        "getattr": lambda: backend.getattr(path, True),
        "resolve": lambda: backend.resolve(path, True),
        "realpath": lambda: backend.realpath(path),
        "readdir": lambda: backend.readdir(path),
        "find": lambda: list(backend.find(path, None)),
        "truncate": lambda: backend.truncate(path, 0),
        "setattr": lambda: backend.setattr(path, VAttr(va_mode=0o777), True),
        "access": lambda: backend.access(path, os.R_OK, True),
        "listxattr": lambda: backend.listxattr(path, True),
        "fsync": lambda: backend.fsync(path),
    }


def below(backend, path):
    """Every call that could change an entry of the directory *path*."""
    return {
        "create": lambda: backend.create(f"{path}/new", WRITE | OpenFlag.EXCL, 0o644),
        "create or open": lambda: backend.create(f"{path}/f", WRITE, 0o644),
        "mkdir": lambda: backend.mkdir(f"{path}/new", 0o755),
        "symlink": lambda: backend.symlink("x", f"{path}/new"),
        "remove": lambda: backend.remove(f"{path}/f"),
        "rmdir": lambda: backend.rmdir(f"{path}/d"),
        "rename to": lambda: backend.rename("f", f"{path}/new"),
        "rename from": lambda: backend.rename(f"{path}/f", "new"),
        "link to": lambda: backend.link("f", f"{path}/new"),
        "link from": lambda: backend.link(f"{path}/f", "new"),
        "readlink": lambda: backend.readlink(f"{path}/f"),
        "getattr": lambda: backend.getattr(f"{path}/f"),
        "setattr": lambda: backend.setattr(f"{path}/f", VAttr(va_mode=0o777), False),
    }


def snapshot(top):
    return {
        str(path.relative_to(top)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(top.rglob("*"))
    }


LINKS = {
    "absolute": lambda host: str(host / "outside"),
    "absolute to the inside": lambda host: str(host / "in" / "d"),
    "root": lambda host: "/",
    "up": lambda host: "../outside",
    "far up": lambda host: "../" * 40,
    "up and down again": lambda host: "../in/d",
    "through the middle": lambda host: "d/e/../../../outside",
    "by another link": lambda host: "other",
    "proc": lambda host: "/proc/self/root",
}


@pytest.mark.parametrize("target", LINKS.values(), ids=LINKS)
def test_link_out_is_eacces_whatever_is_done_through_it(host, backend, target):
    os.symlink(target(host), host / "in" / "out")
    os.symlink("../outside", host / "in" / "other")
    before = snapshot(host / "outside")

    for name, call in {**everything(backend, "out"), **below(backend, "out")}.items():
        with raises(errno.EACCES) as caught:
            call()
        assert "'o" in caught.value.strerror, name  # names the link: 'out', 'other'

    assert snapshot(host / "outside") == before
    assert snapshot(host / "in")["f"][1] == INSIDE


@pytest.mark.parametrize("path", ["out/f", "out/d/f"])
def test_path_through_a_link_out_is_eacces(host, backend, path):
    os.symlink("../outside", host / "in" / "out")

    for call in everything(backend, path).values():
        with raises(errno.EACCES):
            call()


@pytest.mark.parametrize(
    "path", ["..", "../outside", "../outside/f", "d/../../outside/f", "d/e/../../../outside", "/etc"]
)
def test_path_out_is_refused(host, backend, path):
    for call in {**everything(backend, path), **below(backend, path)}.values():
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno in (errno.EACCES, errno.EINVAL, errno.ENOENT)
    assert snapshot(host / "outside")["f"][1] == OUTSIDE


def test_link_beneath_the_root_is_followed(host, backend):
    for name, target in {
        "l": "d/f",
        "dl": "d",
        "d/up": "../f",
        "d/e/updown": "../../d/e/f",
        "dots": "./d/./e/..//f",
    }.items():
        os.symlink(target, host / "in" / name)

    for path, real in {
        "l": "d/f",
        "dl/f": "d/f",
        "dl/e/f": "d/e/f",
        "d/up": "f",
        "d/e/updown": "d/e/f",
        "dl/e/updown": "d/e/f",
        "dots": "d/f",
    }.items():
        assert read(backend, path) == INSIDE
        assert backend.realpath(path) == backend.resolve(path, True)[0] == real


@pytest.mark.parametrize(("length", "code"), [(39, None), (41, errno.ELOOP)])
def test_chain_of_links_has_an_end(host, backend, length, code):
    os.symlink("f", host / "in" / "l0")
    for i in range(1, length):
        os.symlink(f"l{i - 1}", host / "in" / f"l{i}")

    with raises(code) if code else contextlib.nullcontext():
        assert read(backend, f"l{length - 1}") == INSIDE


def test_link_to_itself_is_eloop(host, backend):
    os.symlink("self", host / "in" / "self")

    for path in ("self", "self/f"):
        with raises(errno.ELOOP):
            read(backend, path)


def test_link_in_the_way_that_leads_to_a_file_is_enotdir(host, backend):
    os.symlink("f", host / "in" / "l")

    with raises(errno.ENOTDIR):
        read(backend, "l/x")


def test_created_link_may_point_out_but_is_not_followed(host, backend):
    backend.symlink(str(host / "outside" / "f"), "l")

    assert backend.readlink("l") == str(host / "outside" / "f")
    with raises(errno.EACCES):
        read(backend, "l")
    with raises(errno.EEXIST):
        backend.create("l", WRITE | OpenFlag.EXCL, 0o644)
    with raises(errno.EACCES):
        backend.create("l", WRITE, 0o644)


def test_attributes_of_a_link_are_its_own(host, backend):
    os.symlink("../outside/f", host / "in" / "l")

    backend.setattr("l", VAttr(va_mtime=1_000_000_000), follow=False)
    with raises(errno.EOPNOTSUPP):
        backend.setattr("l", VAttr(va_mode=0o600), follow=False)

    assert os.lstat(host / "in" / "l").st_mtime_ns == 1_000_000_000
    assert os.stat(host / "outside" / "f").st_mtime_ns != 1_000_000_000


def test_root_that_is_moved_stays_what_was_registered(host, backend):
    (host / "in").rename(host / "elsewhere")
    shutil.copytree(host / "outside", host / "in")

    assert read(backend, "f") == read(backend, "d/f") == INSIDE


def test_directory_that_was_moved_out_is_gone_at_once(host, backend):
    assert read(backend, "d/e/f") == INSIDE
    (host / "in" / "d").rename(host / "moved")
    (host / "moved" / "secret").write_bytes(OUTSIDE)

    for path in ("d/secret", "d/e/f", "d"):
        with raises(errno.ENOENT):
            read(backend, path)


def test_single_file_does_not_follow_a_link_that_took_its_place(host):
    backend = FileBackend(str(host / "in" / "f"))
    (host / "in" / "f").unlink()
    os.symlink("../outside/f", host / "in" / "f")

    with raises(errno.EACCES):
        read(backend, "")


def test_single_file_that_is_replaced_is_seen(host):
    backend = open_source(str(host / "in" / "f"))
    (host / "in" / "g").write_bytes(b"new")
    (host / "in" / "g").rename(host / "in" / "f")

    assert read(backend, "") == b"new"


def test_single_file_may_be_registered_by_a_link(host):
    os.symlink("in/f", host / "l")

    assert read(open_source(str(host / "l")), "") == INSIDE


def test_single_file_has_nothing_below(host):
    backend = open_source(str(host / "in" / "f"))

    for path in ("x", "..", "../f"):
        with raises(errno.ENOTDIR):
            backend.getattr(path)


# -- races -------------------------------------------------------------------------------------------------------------


def hammer(change, tries):
    """Run *change* over and over in a thread while each of *tries* does so in one of its own; return how often."""
    end = time.monotonic() + SECONDS
    escapes, counts = [], []

    def changing():
        while time.monotonic() < end:
            change()

    def trying(call):
        count = 0
        while time.monotonic() < end:
            count += 1
            with contextlib.suppress(OSError):
                got = call()
                if got is not None:
                    escapes.append(got)
        counts.append(count)

    threads = [threading.Thread(target=changing), *(threading.Thread(target=trying, args=(call,)) for call in tries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == len(tries)
    assert min(counts) > 10
    return escapes


def escaped(backend, path):
    """Return a call that reads *path* and returns what it got if that is from the outside."""

    def call():
        data = read(backend, path)
        return data if data != INSIDE else None

    return call


@pytest.mark.slow
@pytest.mark.parametrize("target", ["../outside/d", "absolute"])
def test_link_swapped_in_for_a_directory_leads_nowhere(host, backend, target):
    inside = host / "in"
    link = str(host / "outside" / "d") if target == "absolute" else target

    def swap():
        os.rename(inside / "d", inside / "aside")
        os.symlink(link, inside / "d")
        os.unlink(inside / "d")
        os.rename(inside / "aside", inside / "d")

    numbers = {os.stat(host / "outside" / name).st_ino for name in ("d", "d/f", "d/e", "d/e/f")}

    def looked():
        ino = backend.getattr("d/e/f", True).va_fileid
        return ino if ino in numbers else None

    def made():
        backend.create("d/e/new", WRITE | OpenFlag.EXCL, 0o644).close()
        backend.remove("d/e/new")

    before = snapshot(host / "outside")

    assert hammer(swap, [escaped(backend, "d/f"), escaped(backend, "d/e/f"), looked, made]) == []
    assert snapshot(host / "outside") == before


@pytest.mark.slow
def test_link_swapped_in_for_a_file_leads_nowhere(host, backend):
    inside = host / "in"
    os.symlink("../outside/f", inside / "link")
    (inside / "file").write_bytes(INSIDE)

    def swap():
        for name in ("link", "file"):
            os.link(inside / name, inside / "new", follow_symlinks=False)
            os.replace(inside / "new", inside / "f")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(inside / "new")

    def wrote():
        backend.open("f", WRITE | OpenFlag.TRUNC).close()

    before = snapshot(host / "outside")

    hammer(swap, [wrote, lambda: backend.truncate("f", 0)])
    assert snapshot(host / "outside") == before
    (inside / "file").write_bytes(INSIDE)

    assert hammer(swap, [escaped(backend, "f")]) == []


@pytest.mark.slow
def test_directory_moved_out_during_the_walk_takes_nobody_along(host, backend):
    """With the walk three levels deep when its top is moved out, ``..`` of a link must not lead past the root."""
    inside = host / "in"
    os.symlink("../../f", inside / "d" / "e" / "up")

    def move():
        os.rename(inside / "d" / "e", host / "outside" / "moved")
        os.rename(host / "outside" / "moved", inside / "d" / "e")

    assert hammer(move, [escaped(backend, "d/e/up"), escaped(backend, "d/e/up")]) == []


@pytest.mark.slow
def test_link_that_a_file_replaces_during_the_walk_is_looked_at_again(host, backend):
    inside = host / "in"

    def swap():
        os.symlink("d/f", inside / "new")
        os.replace(inside / "new", inside / "f")
        (inside / "new").write_bytes(INSIDE)
        os.replace(inside / "new", inside / "f")

    def looked():
        va = backend.resolve("f", True)[1]
        return None if va.va_type is VType.VREG else va

    assert hammer(swap, [looked, looked]) == []
