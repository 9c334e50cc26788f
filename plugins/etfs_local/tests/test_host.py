"""What is the host's own about this backend: descriptors, modes, fifos, mounts, and much at once."""

import errno
import gc
import os
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest
from vfscore_etfs_local import DirectoryBackend, beneath, etfs_backend, open_source

from vfscore.plugin import ROOT_CRED, ComponentName, Cred, NameiOp, OpenFlag, VAttr, VType
from vfscore.testing import AWKWARD_NAMES, Tree, bind_alone, raises

READ, WRITE = OpenFlag.RDONLY, OpenFlag.RDWR
EXCL = WRITE | OpenFlag.EXCL


@pytest.fixture
def backend(tmp_path):
    backend = DirectoryBackend(str(tmp_path))
    yield backend
    backend.close()


@pytest.fixture
def umask():
    before = os.umask(0o077)
    yield 0o077
    os.umask(before)


def descriptors():
    gc.collect()  # what other tests left open must not go between two counts
    return len(os.listdir("/proc/self/fd"))


# -- claiming ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [str, lambda path: path, os.fsencode], ids=["str", "Path", "bytes"])
def test_path_is_claimed_in_every_form(tmp_path, convert):
    assert etfs_backend(convert(tmp_path), {}) is not None


def test_option_is_einval_and_named(tmp_path):
    with raises(errno.EINVAL) as caught:
        etfs_backend(str(tmp_path), {"anon": True})

    assert "anon" in str(caught.value)


@pytest.mark.parametrize(("path", "code"), [("missing", errno.ENOENT), ("f/x", errno.ENOTDIR), ("loop", errno.ELOOP)])
def test_source_that_is_not_there_has_the_hosts_errno(tmp_path, path, code):
    (tmp_path / "f").touch()
    os.symlink("loop", tmp_path / "loop")

    with raises(code):
        etfs_backend(str(tmp_path / path), {})


# -- descriptors -------------------------------------------------------------------------------------------------------


def test_descriptors_come_back_whatever_fails(tmp_path, backend):
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_bytes(b"abc")
    os.symlink("/etc", tmp_path / "d" / "out")
    os.symlink("e", tmp_path / "d" / "l")
    before = descriptors()
    calls = [
        call
        for path in ("d/e/f", "d/e", "d/l/f", "d/out/passwd", "d/missing", "d/e/f/x", "missing/x", "")
        for call in (
            lambda path=path: backend.open(path, READ).close(),
            lambda path=path: backend.open(path, WRITE),
            lambda path=path: backend.getattr(path, True),
            lambda path=path: backend.readdir(path),
            lambda path=path: list(backend.find(path, None)),
            lambda path=path: backend.setattr(path, VAttr(va_mode=0o755)),
            lambda path=path: backend.access(path, os.W_OK),
            lambda path=path: backend.listxattr(path),
            lambda path=path: backend.fsync(path),
            lambda path=path: backend.mkdir(path, 0o755),
            lambda path=path: backend.link(path, f"{path}/x"),
            lambda path=path: backend.rename(f"{path}/x", "d/y/z"),
            lambda path=path: backend.create(path, EXCL, 0o644),
        )
    ]

    for _ in range(3):
        for call in calls:
            try:
                call()
            except OSError:
                continue

    assert descriptors() == before


def test_closed_backend_holds_no_descriptor_and_answers_ebadf(tmp_path):
    before = descriptors()
    backend = DirectoryBackend(str(tmp_path))
    assert descriptors() == before + 1

    backend.close()

    assert descriptors() == before
    for call in (lambda: backend.getattr(""), lambda: backend.open("f", READ), lambda: backend.mkdir("a/b", 0o755)):
        with raises(errno.ESTALE):
            call()


def test_files_of_one_directory_share_its_descriptor(tmp_path):
    for i in range(50):
        (tmp_path / f"f{i}").touch()
    before = descriptors()

    backends = [open_source(str(tmp_path / f"f{i}")) for i in range(50)]

    assert descriptors() == before + 1
    for backend in backends:
        backend.close()
    assert descriptors() == before


def test_handle_that_is_forgotten_closes(tmp_path, backend):
    (tmp_path / "f").touch()
    before = descriptors()

    backend.open("f", READ)

    assert descriptors() == before


def test_descriptors_are_not_inherited(tmp_path, backend):
    (tmp_path / "f").touch()
    handle = backend.open("f", READ)

    assert not any(os.get_inheritable(int(fd)) for fd in os.listdir("/proc/self/fd") if int(fd) > 2 and _is_open(fd))
    handle.close()


def _is_open(fd):
    try:
        os.fstat(int(fd))
    except OSError:
        return False
    return os.readlink(f"/proc/self/fd/{fd}").startswith("/") and "pytest" in os.readlink(f"/proc/self/fd/{fd}")


# -- what is made ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o644, 0o777, 0o600, 0o444, 0o4755])
def test_mode_is_what_was_asked_whatever_the_umask_of_the_process(tmp_path, backend, umask, mode):
    handle = backend.create("f", EXCL, mode)
    assert handle.getattr().va_mode == mode
    handle.close()
    backend.mkdir("d", mode & 0o777)

    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == mode & 0o777


def test_directory_in_a_set_gid_directory_is_set_gid(tmp_path, backend):
    (tmp_path / "shared").mkdir()
    os.chmod(tmp_path / "shared", 0o2775)

    backend.mkdir("shared/sub", 0o775)

    assert stat.S_IMODE((tmp_path / "shared" / "sub").stat().st_mode) == 0o2775


def test_file_made_unwritable_can_be_written_by_who_made_it(tmp_path, backend):
    handle = backend.create("f", EXCL, 0o400)

    assert handle.pwrite(b"abc", 0) == 3
    handle.close()
    assert (tmp_path / "f").read_bytes() == b"abc"


def test_names_are_bytes(tmp_path, backend):
    for name in AWKWARD_NAMES:
        backend.create(name, EXCL, 0o644).close()

    assert sorted(os.listdir(os.fsencode(tmp_path))) == sorted(map(os.fsencode, AWKWARD_NAMES))
    assert sorted(entry.d_name for entry in backend.readdir("")) == sorted(AWKWARD_NAMES)


def test_name_with_a_nul_reaches_nothing(tmp_path, backend):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()

    for path in ("d/f\0x", "d/f\0"):
        with pytest.raises((OSError, ValueError)):
            backend.open(path, READ)


# -- what is not a file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [READ, OpenFlag.WRONLY, WRITE])
def test_fifo_is_not_there_and_nobody_waits_for_it(tmp_path, backend, flags):
    os.mkfifo(tmp_path / "fifo")

    with raises(errno.ENOENT):
        backend.open("fifo", flags)
    assert list(backend.readdir("")) == []
    tree = Tree(bind_alone(backend))
    for op in (NameiOp.LOOKUP, NameiOp.OPEN):
        assert tree.root.v_op.vop_lookup(tree.root, ComponentName("fifo", op)) is None


def test_fifo_as_a_source_is_einval(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    with raises(errno.EINVAL):
        bind_alone(open_source(str(tmp_path / "fifo")), "reg")


def test_what_is_mounted_below_has_numbers_of_its_own():
    backend = DirectoryBackend("/")
    proc = backend.getattr("proc")
    beside = os.stat("/proc")
    if beside.st_dev == os.stat("/").st_dev:
        pytest.skip("nothing is mounted at /proc")

    assert proc.va_fileid != beside.st_ino
    assert proc.va_fileid == backend.getattr("proc").va_fileid


# -- data --------------------------------------------------------------------------------------------------------------


def test_much_is_read_in_one_call_and_no_memory_is_taken_for_more(tmp_path, backend):
    data = os.urandom(5 << 20)
    (tmp_path / "f").write_bytes(data)
    handle = backend.open("f", READ)

    assert handle.pread(0, 1 << 40) == data
    assert handle.pread(3, (5 << 20) - 3) == data[3:]
    assert handle.pread(1 << 45, 1 << 40) == b""
    handle.close()


def test_file_without_a_size_is_read_to_its_end():
    backend = DirectoryBackend("/proc")

    (content,) = backend.read_many(["version"])

    assert content == Path("/proc/version").read_bytes()
    handle = backend.open("version", READ)
    assert handle.pread(0, 64 << 20) == content
    handle.close()


def test_appends_of_two_handles_do_not_overwrite_each_other(tmp_path, backend):
    (tmp_path / "f").touch()
    lines = [b"%03d\n" % i for i in range(300)]

    def append(mine):
        handle = backend.open("f", OpenFlag.WRONLY)
        for line in mine:
            assert handle.append(line) == 4
        handle.close()

    threads = [threading.Thread(target=append, args=(lines[i::3],)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((tmp_path / "f").read_bytes().splitlines(keepends=True)) == lines


def test_entry_knows_its_attributes_when_asked_and_not_after_it_is_gone(tmp_path, backend):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").touch()
    a, b = sorted(backend.readdir(""), key=lambda entry: entry.d_name)
    (tmp_path / "b").unlink()

    assert (a.d_attr.va_size, a.d_attr.va_type) == (3, VType.VREG)
    assert b.d_attr is None


def test_find_does_not_go_through_links(tmp_path, backend):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    os.symlink("d", tmp_path / "l")

    assert sorted(path for path, _ in backend.find("", None)) == ["d", "d/f", "l"]
    assert sorted(path for path, _ in backend.find("", 1)) == ["d", "l"]


# -- permission --------------------------------------------------------------------------------------------------------


def test_access_on_a_read_only_file_system_is_erofs():
    with open("/proc/self/mounts") as mounts:
        fields = [line.split() for line in mounts]
    read_only = next((at for _, at, _, options, *_ in fields if "ro" in options.split(",")), None)
    if read_only is None or not os.path.isdir(read_only):
        pytest.skip("this machine has no read-only mount")
    backend = DirectoryBackend(read_only)

    with raises(errno.EROFS):
        backend.access("", os.W_OK)


def test_hostpath_tells_where_a_path_is(tmp_path, backend):
    assert backend.hostpath("") == str(tmp_path)
    assert backend.hostpath("a/b") == str(tmp_path / "a" / "b")
    assert open_source(os.devnull).hostpath("") == os.devnull


# -- through etfs ------------------------------------------------------------------------------------------------------


def test_file_of_somebody_is_given_to_them_if_we_may(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    tree = Tree(bind_alone(DirectoryBackend(str(tmp_path))))
    cred = Cred(1234, 1234)
    op = tree.root.v_op
    attrs = VAttr(VType.VREG, 0o644, va_uid=1234, va_gid=1234)

    op.vop_create(tree.root, ComponentName("f", NameiOp.CREATE, cred), attrs)
    op.vop_mkdir(tree.root, ComponentName("d", NameiOp.CREATE, cred), attrs)

    assert [(os.stat(tmp_path / name).st_uid, os.stat(tmp_path / name).st_gid) for name in "fd"] == [(1234, 1234)] * 2


def test_file_of_somebody_keeps_its_set_id_bits_and_the_group_of_a_set_gid_directory(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    (tmp_path / "shared").mkdir()
    os.chown(tmp_path / "shared", 0, 4321)
    os.chmod(tmp_path / "shared", 0o2777)
    tree = Tree(bind_alone(DirectoryBackend(str(tmp_path))))
    cred = Cred(1234, 1234, (4321,))
    told = []

    for where in (tree.root, tree.find("shared")):
        for name, vtype, mode in (("f", VType.VREG, 0o6755), ("d", VType.VDIR, 0o700)):
            make = where.v_op.vop_create if vtype is VType.VREG else where.v_op.vop_mkdir
            vp = make(where, ComponentName(name, NameiOp.CREATE, cred), VAttr(vtype, mode, va_uid=1234, va_gid=1234))
            va = vp.v_op.vop_getattr(vp, ROOT_CRED)
            told.append((va.va_mode, va.va_uid, va.va_gid))

    assert told == [(0o6755, 1234, 1234), (0o700, 1234, 1234), (0o6755, 1234, 4321), (0o2700, 1234, 4321)]


def test_file_grown_by_others_is_seen_by_whoever_has_it_open(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    tree = Tree(bind_alone(DirectoryBackend(str(tmp_path))))
    vp = tree.find("f")
    vp.v_op.vop_open(vp, os.O_RDONLY, ROOT_CRED)
    with open(tmp_path / "f", "ab") as file:
        file.write(b"def")

    assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_size == 6
    assert vp.v_op.vop_read(vp, 0, 10, 0, ROOT_CRED) == b"abcdef"
    vp.v_op.vop_close(vp, os.O_RDONLY, ROOT_CRED)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_child_forked_while_a_thread_registers_a_directory_registers_one(tmp_path):
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with beneath._sharing:
            held.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            DirectoryBackend(str(tmp_path)).close()
            os._exit(0)
        finally:
            os._exit(1)
    go_on.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_directory_that_others_let_go_meanwhile_is_registered_with_a_descriptor_of_its_own(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    start = threading.Barrier(4, timeout=60)
    faults = []

    def come_and_go():
        start.wait()
        for _ in range(2000):
            try:
                backend = DirectoryBackend(str(tmp_path))
                assert backend.getattr("f").va_size == 3
                backend.close()
            except (OSError, AssertionError) as exc:
                faults.append(exc)
                return

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)

    assert faults == []
