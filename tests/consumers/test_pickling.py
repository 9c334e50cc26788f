"""What travels: a filesystem and a file open for reading, with the fstab that they are rebuilt from."""

import copy
import json
import os
import pickle
import subprocess
import sys

import fsspec
import pytest

import vfscore
from vfscore.plugin import hookimpl


@pytest.fixture
def fstab(host):
    (host / "x.txt").write_bytes(b"0123456789")
    return {"etfs": [{"key": "/data", "source": str(host), "type": "dir_subdirs"}]}


def _elsewhere(code, *pickled):
    """Run *code* in a new process, with what was pickled as `given`, and return what it prints."""
    program = f"import pickle, sys\ngiven = [pickle.loads(bytes.fromhex(a)) for a in sys.argv[1:]]\n{code}"
    args = [pickle.dumps(thing).hex() for thing in pickled]
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_filesystem_with_an_fstab_is_the_same_in_another_process(fstab):
    fs = fsspec.filesystem("vfs", fstab=fstab)
    assert _elsewhere("print(given[0].cat_file('/data/x.txt').decode(), given[0]._fs_token)", fs).split() == [
        "0123456789",
        fs._fs_token,
    ]


def test_an_installed_namespace_travels_as_its_fstab(ns, host):
    (host / "x.txt").write_bytes(b"host")
    ns.etfs_register("/data", str(host), "dir_subdirs")
    assert _elsewhere("print(given[0].cat_file('/data/x.txt').decode())", fsspec.filesystem("vfs")) == "host"


def test_a_filesystem_unpickled_at_home_means_the_same_memory(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/in/memory", b"here")
    again = pickle.loads(pickle.dumps(fs))
    assert again == fs
    assert again.cat_file("/in/memory") == b"here"


def _also_in_a_fork(travelling):
    """Return what lies at ``/in/memory`` of the unpickled tree, in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, pickle.loads(travelling).cat_file("/in/memory"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with open(read, "rb") as file:
        return file.read()


def test_a_tree_that_has_changed_since_it_was_pickled_is_still_the_same_at_home(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/in/memory", b"here")
    travelling = pickle.dumps(fs)

    ns.mount("rumpfs", "/more")

    assert pickle.loads(travelling) == fs
    assert pickle.loads(travelling).cat_file("/in/memory") == b"here"
    assert _also_in_a_fork(travelling) == b"here"


def test_a_tree_that_is_no_longer_the_installed_one_is_still_the_same_at_home(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/in/memory", b"here")
    ns.mount("rumpfs", "/more")
    travelling = pickle.dumps(fs)

    with vfscore.Namespace().install() as other:
        again = pickle.loads(travelling)
        assert again.ns is ns
        assert again.cat_file("/in/memory") == b"here"
        assert fsspec.filesystem("vfs").ns is other
        assert _also_in_a_fork(travelling) == b"here"
        assert copy.deepcopy(again).ns is ns


def test_a_tree_of_an_fstab_that_was_changed_is_still_the_same_at_home(ns):
    fs = fsspec.filesystem("vfs", fstab={"mount": [{"type": "rumpfs", "at": "/in"}]})
    fs.ns.mount("rumpfs", "/more")
    fs.pipe_file("/in/memory", b"here")
    try:
        assert copy.deepcopy(fs).cat_file("/in/memory") == b"here"
        assert copy.deepcopy(fs) == fs
        assert _also_in_a_fork(pickle.dumps(fs)) == b"here"
    finally:
        fs.ns.close()


def test_a_tree_that_was_closed_is_made_again_from_its_fstab(ns):
    own = vfscore.Namespace({"mount": [{"type": "rumpfs", "at": "/own"}]}).install()
    travelling = pickle.dumps(fsspec.filesystem("vfs"))
    ns.install()
    again = pickle.loads(travelling)
    own.close()

    assert again.isdir("/own")
    assert pickle.loads(travelling).isdir("/own")
    assert again.ns is not own
    again.ns.close()


def test_that_holds_where_nothing_is_installed_too():
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/default/x", b"here")
    try:
        assert pickle.loads(pickle.dumps(fs)).cat_file("/default/x") == b"here"
    finally:
        fs.rm("/default", recursive=True)


@pytest.mark.parametrize(
    "call",
    [
        "exists('/in/memory')",
        "cat_file('/in/memory')",
        "cat(['/in/memory'])",
        "info('/in/memory')",
        "ls('/mem')",
        "find('/mem')",
        "glob('/mem/*')",
        "pipe_file('/mem/new', b'lost')",
        "pipe({'/mem/new': b'lost'})",
        "makedirs('/mem/a/b')",
        "open('/mem/new', 'wb')",
        "put_file(__file__, '/mem/new')",
    ],
)
def test_what_is_only_in_memory_does_not_travel_and_is_neither_missing_nor_empty(ns, call):
    fs = fsspec.filesystem("vfs")
    ns.mount("rumpfs", "/mem")
    fs.pipe_file("/in/memory", b"here")
    code = f"""
import errno
__file__ = {__file__!r}
try:
    print(given[0].{call})
except OSError as exc:
    print(errno.errorcode[exc.errno], exc)
"""
    said = _elsewhere(code, fs)
    assert said.startswith("EREMOTE")
    assert "grafted directory or URL" in said


def test_keys_below_memory_that_stayed_behind_are_reached(ns, host):
    (host / "x.txt").write_bytes(b"host")
    ns.mount("rumpfs", "/mem")
    ns.etfs_register("/mem/a/data", str(host), "dir_subdirs")
    code = """
print(given[0].cat_file('/mem/a/data/x.txt').decode(), given[0].ls('/', detail=False), given[0].isdir('/mem'))
print(given[0].ns.sys.stat('/mem/a/data/x.txt').st_size, given[0].ns.open('/mem/a/data/x.txt').read())
"""
    assert _elsewhere(code, fsspec.filesystem("vfs")).split("\n") == ["host ['/mem'] True", "4 host"]


def test_what_another_process_makes_of_the_same_fstab_by_itself_has_a_memory_of_its_own(ns):
    fs = fsspec.filesystem("vfs", fstab={"mount": [{"type": "rumpfs", "at": "/mem"}]})
    code = """
import fsspec
own = fsspec.filesystem("vfs", fstab={"mount": [{"type": "rumpfs", "at": "/mem"}]})
own.pipe_file("/mem/x", b"own")
print(own.cat_file("/mem/x").decode(), own == given[0])
"""
    assert _elsewhere(code, fs) == "own True"


def test_a_forked_process_has_what_was_in_memory(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/in/memory", b"here")
    travelling = pickle.dumps(fs)
    assert _also_in_a_fork(travelling) == b"here"


def test_what_travels_on_and_comes_home_means_the_memory_again(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/in/memory", b"here")
    there = bytes.fromhex(_elsewhere("print(pickle.dumps(given[0]).hex())", fs))
    assert pickle.loads(there).cat_file("/in/memory") == b"here"


class Quiet:
    """A layer that changes nothing."""

    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size, ioflag, cred):
        return (yield)


def test_a_namespace_with_an_object_in_it_stays_at_home_and_says_so_elsewhere(ns):
    ns.mount("rumpfs", "/m", layers=[Quiet()])
    fs = fsspec.filesystem("vfs")
    assert fs == fsspec.filesystem("vfs")
    assert pickle.loads(pickle.dumps(fs)) == fs
    program = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", program, pickle.dumps(fs).hex()], capture_output=True, text=True)
    assert "Quiet is an object of this process" in done.stderr


def test_dask_on_threads_shares_a_namespace_with_an_object_in_it(ns):
    dd = pytest.importorskip("dask.dataframe", reason="reads with dask")
    ns.mount("rumpfs", "/m", layers=[Quiet()])
    with ns.open("/m/x.csv", "w") as file:
        file.write("a\n1\n2\n")

    assert dd.read_csv("vfs://m/x.csv").a.sum().compute(scheduler="threads") == 3


def test_the_order_of_keys_does_not_change_the_identity(fstab):
    entry = fstab["etfs"][0]
    turned = {"etfs": [dict(reversed(entry.items()))]}
    one, two = fsspec.filesystem("vfs", fstab=fstab), fsspec.filesystem("vfs", fstab=turned)
    assert one == two
    assert hash(one) == hash(two)
    assert one._fs_token == two._fs_token
    assert one.ns is two.ns


def test_filesystems_of_different_trees_differ(fstab):
    assert fsspec.filesystem("vfs", fstab=fstab) != fsspec.filesystem("vfs", fstab={})
    assert fsspec.filesystem("vfs", fstab={}) != fsspec.filesystem("file")


def test_a_file_open_for_reading_travels_with_its_position(fstab):
    fs = fsspec.filesystem("vfs", fstab=fstab)
    with fs.open("/data/x.txt") as file:
        file.seek(3)
        assert _elsewhere("print(given[0].read().decode())", file) == "3456789"
        assert file.read() == b"3456789"


def test_an_open_file_of_fsspec_travels(fstab):
    of = fsspec.open("vfs://data/x.txt", "rt", fstab=fstab)
    code = "with given[0] as f: print(f.read())"
    assert _elsewhere(code, of) == "0123456789"


def test_a_file_open_for_writing_does_not_travel(fs):
    with fs.open("/x", "wb") as file, pytest.raises(TypeError, match="open for writing"):
        pickle.dumps(file)


def test_a_filesystem_goes_through_json(fstab):
    fs = fsspec.filesystem("vfs", fstab=fstab, auto_mkdir=False)
    again = fsspec.AbstractFileSystem.from_json(fs.to_json())
    assert again == fs
    assert again.auto_mkdir is False
    assert json.loads(fs.to_json())["protocol"] == "vfs"


def test_an_fstab_may_be_a_file(tmp_path, fstab, host):
    path = tmp_path / "fstab.toml"
    path.write_text(f'[[etfs]]\nkey = "/data"\nsource = "{host.name}"\ntype = "dir_subdirs"\n')
    fs = fsspec.filesystem("vfs", fstab=path)
    assert fs.cat_file("/data/x.txt") == b"0123456789"
    assert fs == fsspec.filesystem("vfs", fstab=fstab)


def test_an_fstab_that_is_not_there_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        fsspec.filesystem("vfs", fstab=str(tmp_path / "none.toml"))


def test_a_closed_namespace_is_made_again_from_its_fstab(fstab):
    fs = fsspec.filesystem("vfs", fstab=fstab)
    fs.ns.close()
    assert fs.cat_file("/data/x.txt") == b"0123456789"


def test_options_of_other_filesystems_are_accepted(ns):
    fs = fsspec.filesystem("vfs", anon=True, use_listings_cache=False, skip_instance_cache=True, nonsense=3)
    fs.pipe_file("/x", b"1")
    assert fs.cat_file("/x") == b"1"


def test_the_namespace_of_the_environment_is_meant_when_none_is_installed(tmp_path, fstab, host, monkeypatch):
    path = tmp_path / "fstab.toml"
    path.write_text(f'[[etfs]]\nkey = "/data"\nsource = "{host}"\ntype = "dir_subdirs"\n')
    monkeypatch.setenv("VFSCORE_FSTAB", str(path))
    vfscore.namespace.uninstall()
    with fsspec.open("vfs://data/x.txt") as file:
        assert file.read() == b"0123456789"


def test_a_pickle_is_the_same_wherever_the_description_came_from():
    entry = {"key": "/d", "source": "/none", "type": "dir", "options": {"key": "a", "type": {"source": "/none"}}}
    pickles = set()
    for fstab in ({"etfs": [entry]}, json.loads(json.dumps({"etfs": [entry]}))):
        with vfscore.Namespace(fstab) as ns:
            ns.install()
            pickles.add(pickle.dumps(fsspec.core.OpenFile(fsspec.filesystem("vfs"), "/d/x")))
    assert len(pickles) == 1
