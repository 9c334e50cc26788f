"""What a user other than root may do, each case asked of the host as well."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile

import pytest

import vfscore

UID, GID, OTHER = 4321, 4322, 4323
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user on the host, which root alone may")


class Host:
    """`os`, with each call made as a user."""

    def __init__(self, uid, gid, groups):
        self._who = uid, gid, groups

    def __getattr__(self, name):
        def call(*args, **kwargs):
            uid, gid, groups = self._who
            before = os.getgroups()
            os.setgroups(groups)
            os.setegid(gid)
            os.seteuid(uid)
            try:
                return getattr(os, name)(*args, **kwargs)
            finally:
                os.seteuid(0)
                os.setegid(0)
                os.setgroups(before)

        return call


@pytest.fixture
def sides():
    with vfscore.Namespace() as ns:
        top = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        os.chmod(top, 0o755)
        ns.sys.makedirs(top)
        yield [
            (ns.sys, ns.as_user(UID, GID, [OTHER]).sys, top),
            (os, Host(UID, GID, [GID, OTHER]), top),
        ]
        shutil.rmtree(top)


def outcome(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except OSError as exc:
        return type(exc), exc.errno


def make(root, path, mode, uid=0, gid=0, *, isdir=False):
    if isdir:
        root.mkdir(path)
    else:
        root.close(root.open(path, os.O_CREAT | os.O_WRONLY))
    root.chown(path, uid, gid)
    root.chmod(path, mode)


def both(sides, story):
    ours, theirs = (outcome(story, *side) for side in sides)
    assert ours == theirs
    return ours


OWNERS = [(UID, GID), (0, GID), (0, OTHER), (0, 0)]


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o040, 0o004, 0o222, 0o604, 0o060, 0o777])
def test_open_and_access(sides, owner, mode):
    def story(root, user, top):
        make(root, f"{top}/f", mode, *owner)
        told = [outcome(user.access, f"{top}/f", bits, effective_ids=True) for bits in range(8)]
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC):
            got = outcome(user.open, f"{top}/f", flags)
            told.append(isinstance(got, int) or got)
        return [*told, outcome(user.truncate, f"{top}/f", 0), outcome(user.utime, f"{top}/f")]

    both(sides, story)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("mode", [0o700, 0o555, 0o333, 0o444, 0o770, 0o707, 0o1777, 0o1775])
def test_directories(sides, owner, mode):
    def story(root, user, top):
        make(root, f"{top}/d", mode, *owner, isdir=True)
        make(root, f"{top}/d/theirs", 0o666)
        make(root, f"{top}/d/mine", 0o666, UID, GID)
        make(root, f"{top}/d/sub", 0o777, isdir=True)
        return [
            outcome(lambda: sorted(user.listdir(f"{top}/d"))),
            outcome(lambda: user.stat(f"{top}/d/mine").st_size),
            outcome(user.mkdir, f"{top}/d/new"),
            outcome(user.symlink, "x", f"{top}/d/link"),
            outcome(user.mkfifo, f"{top}/d/fifo"),
            outcome(user.rename, f"{top}/d/mine", f"{top}/d/moved"),
            outcome(user.rename, f"{top}/d/theirs", f"{top}/d/moved"),
            outcome(user.unlink, f"{top}/d/theirs"),
            outcome(user.unlink, f"{top}/d/moved"),
            outcome(user.rmdir, f"{top}/d/sub"),
        ]

    both(sides, story)


@pytest.mark.parametrize("owner", OWNERS)
def test_owners_change_what_is_theirs(sides, owner):
    def story(root, user, top):
        path = f"{top}/f"
        make(root, path, 0o6755, *owner)
        told = [
            outcome(user.chmod, path, 0o640),
            outcome(user.chmod, path, 0o2755),
            outcome(user.chown, path, -1, OTHER),
            outcome(user.chown, path, -1, 999),
            outcome(user.chown, path, 0, -1),
            outcome(user.chown, path, -1, -1),
            outcome(user.utime, path, ns=(1, 1)),
        ]
        st = root.stat(path)
        return told, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid

    both(sides, story)


def test_a_group_that_is_not_theirs_loses_the_set_gid_bit(sides):
    def story(root, user, top):
        make(root, f"{top}/f", 0o755, UID, 999)
        user.chmod(f"{top}/f", 0o2755)
        return stat.S_IMODE(root.stat(f"{top}/f").st_mode)

    assert both(sides, story) == 0o755


def test_writing_takes_the_set_id_bits(sides):
    def story(root, user, top):
        told = []
        for how in ("write", "truncate", "ftruncate"):
            path = f"{top}/{how}"
            make(root, path, 0o6777)
            if how == "truncate":
                user.truncate(path, 0)
            else:
                fd = user.open(path, os.O_WRONLY)
                user.write(fd, b"x") if how == "write" else user.ftruncate(fd, 3)
                user.close(fd)
            told.append(stat.S_IMODE(root.stat(path).st_mode))
        return told

    both(sides, story)


@pytest.mark.parametrize("mode", [0o2777, 0o2775, 0o777])
def test_a_set_gid_directory_hands_its_group_on(sides, mode):
    def story(root, user, top):
        make(root, f"{top}/d", mode, 0, 999, isdir=True)
        root.chmod(f"{top}/d", mode | 0o007)
        user.mkdir(f"{top}/d/sub", 0o755)
        user.close(user.open(f"{top}/d/f", os.O_CREAT | os.O_WRONLY, 0o2775))
        user.mknod(f"{top}/d/n", stat.S_IFIFO | 0o600)
        user.symlink("x", f"{top}/d/l")
        return [(stat.S_IMODE(st.st_mode), st.st_gid) for st in (root.lstat(f"{top}/d/{n}") for n in ("sub", "f", "n"))]

    both(sides, story)


def test_device_nodes_are_root_s(sides):
    def story(root, user, top):
        make(root, f"{top}/d", 0o777, isdir=True)
        return outcome(user.mknod, f"{top}/d/n", stat.S_IFCHR | 0o666, os.makedev(1, 3))

    assert both(sides, story)[1] == errno.EPERM


@pytest.mark.parametrize("owner", [(UID, GID), (0, 0)])
@pytest.mark.parametrize("name", ["user.x", "trusted.x", "nonsense", "system.x", ""])
def test_extended_attributes(sides, owner, name):
    def story(root, user, top):
        path = f"{top}/f"
        make(root, path, 0o644, *owner)
        return [
            outcome(user.setxattr, path, name, b"v"),
            outcome(user.getxattr, path, name),
            outcome(user.listxattr, path),
            outcome(user.removexattr, path, name),
        ]

    theirs = outcome(story, *sides[1])
    if theirs[0] == (OSError, errno.EOPNOTSUPP) and name == "user.x":
        pytest.skip("the host's tmpfs keeps no user attributes")
    assert outcome(story, *sides[0]) == theirs


@pytest.mark.parametrize("call", ["stat", "listdir", "open", "access"])
def test_root_of_a_mount_that_may_not_be_searched_closes_what_is_below(call):
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m")
        ns.sys.mkdir("/m/d")
        ns.sys.write_file("/m/d/f", b"x")
        user = ns.as_user(1000, 1000).sys
        user.stat("/m/d/f")
        ns.sys.chmod("/m", 0o700)

        for path in ("/m/d", "/m/d/f", "/m/none"):
            if call == "access":
                assert not user.access(path, os.F_OK)
                continue
            with pytest.raises(OSError) as info:
                user.open(path, os.O_RDONLY) if call == "open" else getattr(user, call)(path)
            assert info.value.errno == errno.EACCES
        ns.sys.chmod("/m", 0o755)
        ns.sys.chmod("/", 0o700)
        with pytest.raises(OSError) as info:
            user.stat("/m")
        assert info.value.errno == errno.EACCES
