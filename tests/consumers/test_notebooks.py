"""What a notebook shows: the tree of a namespace, one line for a filesystem and a file, and how far a copy is."""

import html.parser
import io
import re
from importlib.util import find_spec

import fsspec
import pytest

import vfscore
from vfscore.fsspecfs import Progress
from vfscore.namespace.notebook import amount
from vfscore.plugin import VAttr, VType, hookimpl


class Tree(html.parser.HTMLParser):
    """The words of a piece of HTML, and whether every element that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.tags = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(word for word in self.words if word)


class Asked:
    """A backend of one file that counts what it is asked for."""

    def __init__(self):
        self.asked = 0

    def getattr(self, path, follow=True):
        self.asked += 1
        return VAttr(VType.VREG, va_size=3_000_000)

    def open(self, path, flags):
        raise AssertionError

    @hookimpl
    def etfs_backend(self, source, options):
        return self if str(source).startswith("asked:") else None


def _shown(ns):
    return Tree(ns._repr_html_())


# -- the tree ----------------------------------------------------------------------------------------------------------


@pytest.mark.consumer("notebooks", more="the tree")
def test_a_tree_shows_what_hangs_where_and_where_it_leads(ns, host):
    ns.mount("rumpfs", "/scratch", options={"size": "2 MiB"})
    ns.mount("rumpfs", "/frozen", readonly=True)
    (host / "f").write_bytes(b"0123456789")
    ns.etfs_register("/data/local", str(host), "dir_subdirs", layers=["readonly"])
    ns.etfs_register("/data/part", str(host / "f"), "reg", 2, 5)
    ns.etfs_register("/data/whole", str(host / "f"), "reg")
    tree = _shown(ns)
    assert tree.text == (
        "/ rumpfs (0 bytes in 1 node)"
        f" data local etfs dir_subdirs → {host} +readonly"
        f" part etfs reg → {host / 'f'} (5 bytes from byte 2)"
        f" whole etfs reg → {host / 'f'} (10 bytes)"
        " frozen rumpfs read-only (0 bytes in 1 node)"
        " scratch rumpfs (0 bytes in 1 node of 2.0 MiB)"
    )
    assert tree.tags.count("details") == 2  # the root and /data: what has something below it opens and closes


def test_a_tree_shows_how_much_lies_in_memory(ns, fs):
    fs.pipe_file("/d/x", bytes(3 << 20))
    assert _shown(ns).text == "/ rumpfs (3.0 MiB in 3 nodes)"


def test_what_is_mounted_over_another_is_shown_first(ns):
    ns.mount("rumpfs", "/m")
    ns.mount("rumpfs", "/m", readonly=True)
    assert "m rumpfs read-only (0 bytes in 1 node) , over rumpfs (0 bytes in 1 node)" in _shown(ns).text


def test_names_and_sources_are_escaped_and_fit_for_utf_8(ns, tmp_path):
    evil = tmp_path / "<script>alert('1')<script>&\udcff"
    evil.mkdir()
    ns.etfs_register('/<img src=x onerror="x">', str(evil), "dir")
    tree = _shown(ns)
    assert not {"script", "img"} & set(tree.tags)
    assert '<img src=x onerror="x">' in tree.text
    assert "<script>alert('1')<script>&\\udcff" in tree.text
    ns._repr_html_().encode()


def test_secrets_are_not_shown():
    source = "memory://user:hunter2@place/?token=hunter2"
    with vfscore.Namespace(
        {"etfs": [{"key": "/b", "source": source, "type": "dir", "options": {"secret": "hunter2"}}]}
    ) as ns:
        text = ns._repr_html_() + repr(ns) + repr(ns.install()) + repr(fsspec.filesystem("vfs"))
        assert "memory://" in text
        assert "hunter2" not in text


@pytest.mark.consumer("notebooks", faults="a dead storage")
def test_no_storage_at_a_distance_is_asked_for_anything():
    plugin = Asked()
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/used", "asked:", "reg")
        before = plugin.asked
        assert "used etfs reg → asked:" in _shown(ns).text
        assert plugin.asked == before
    later = {"etfs": [{"key": "/later", "source": "asked:", "type": "reg"}]}
    plugin = Asked()
    with vfscore.Namespace(later, plugins=[plugin]) as ns:
        assert "later etfs reg → asked: (not used yet)" in _shown(ns).text
        assert plugin.asked == 0
        ns.sys.stat("/later")
        before = plugin.asked
        assert _shown(ns).text.endswith("later etfs reg → asked:")
        assert plugin.asked == before


@pytest.mark.skipif(find_spec("vfscore_blockdev") is None, reason="a device is made by vfscore-blockdev")
def test_a_device_shows_its_range(ns, host):
    (host / "disk").write_bytes(bytes(1 << 20))
    ns.etfs_register("/dev/all", str(host / "disk"), "blk")
    ns.etfs_register("/dev/part", str(host / "disk"), "chr", 1 << 19, 1 << 12)
    assert f"all etfs blk → {host / 'disk'} (1.0 MiB from byte 0)" in _shown(ns).text
    assert f"part etfs chr → {host / 'disk'} (4.0 KiB from byte 524,288)" in _shown(ns).text


def test_a_file_of_the_host_that_is_gone_is_shown_as_that(ns, host):
    (host / "f").write_bytes(b"")
    ns.etfs_register("/f", str(host / "f"), "reg")
    (host / "f").unlink()
    assert _shown(ns).text.endswith(f"f etfs reg → {host / 'f'} (No such file or directory)")


def test_a_million_files_and_ten_thousand_keys_are_a_page(ns, host):
    for i in range(1000):
        ns.etfs_register(f"/keys/{i:04}", str(host), "dir")
    ns.etfs_register("/one" + "/long" * 500, str(host), "dir")
    for i in range(1000):
        (host / str(i)).touch()
    text = ns._repr_html_()
    assert len(text) < 100_000
    tree = Tree(text)
    assert "… and 900 more" in tree.text
    assert "one" in tree.words
    assert "long" in tree.words
    assert len(repr(ns)) < 2000
    assert repr(ns).endswith("/keys/0004 and 996 more>")


def test_a_deep_key_is_cut(ns, host):
    ns.etfs_register("/a" * 900, str(host), "dir")
    assert "… and 1 more" in _shown(ns).text


def test_a_closed_namespace_says_so():
    ns = vfscore.Namespace()
    ns.close()
    assert _shown(ns).text == repr(ns) == "<Namespace closed>"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
     ((1 << 20) - 1, "1.0 MiB"), (1 << 20, "1.0 MiB"), (5 << 40, "5.0 TiB"), (1 << 73, "8,192.0 EiB")],
)  # fmt: skip
def test_an_amount_is_a_number_for_people(size, text):
    assert amount(size) == text


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.consumer("notebooks", more="filesystem")
def test_a_filesystem_is_one_line(ns, fs, host, tmp_path):
    ns.etfs_register("/host", str(host), "dir")
    assert repr(fs) == "<VfsFileSystem vfs:// of the installed namespace: <Namespace /, /host>>"
    described = fsspec.filesystem("vfs", fstab={"mount": [{"type": "rumpfs", "at": "/m"}]})
    assert repr(described) == "<VfsFileSystem vfs:// of a dict: <Namespace /, /m>>"
    path = tmp_path / "fstab.toml"
    path.write_text('[[mount]]\ntype = "rumpfs"\nat = "/t"\n')
    written = fsspec.filesystem("vfs", fstab=str(path))
    assert repr(written) == f"<VfsFileSystem vfs:// of {path}: <Namespace /, /t>>"
    described.ns.close()
    path.unlink()
    written.ns.close()
    assert "No such file" in repr(written)


@pytest.mark.consumer("notebooks", more="file")
def test_a_file_is_one_line(place, fs):
    kind = "rumpfs" if place == "/mem" else "etfs"
    for mode, name in (("wb", "VfsWriter"), ("rb", "VfsReader"), ("r+b", "VfsRandom")):
        with fs.open(f"{place}/x", mode) as file:
            shown = "rb+" if mode == "r+b" else mode
            assert repr(file) in {f"<{name} 'vfs://{place}/x' {text} ({kind} at {place})>" for text in (mode, shown)}
        assert repr(file).endswith("(closed)>")


# -- progress ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def out():
    return io.StringIO()


def _lines(out):
    return [line.rstrip() for line in re.split(r"[\r\n]+", out.getvalue()) if line]


def test_a_copy_of_a_tree_shows_files_and_bytes(place, fs, tmp_path, out):
    fs.pipe({f"{place}/t/{i}": bytes(1000 * i) for i in (1, 2)})
    fs.get(f"{place}/t/", str(tmp_path / "t"), recursive=True, callback=Progress("get", out, 0))
    lines = _lines(out)
    assert re.fullmatch(r"get  100%  (\d) of \1 files  2.9 KiB  .*", lines[-1])
    assert out.getvalue().endswith("\n")
    assert len(lines) > 3


def test_a_copy_of_one_file_shows_its_bytes(place, fs, tmp_path, out):
    fs.pipe_file(f"{place}/x", bytes(9 << 20))
    fs.get(f"{place}/x", str(tmp_path / "x"), callback=Progress("", out, 0))
    assert any("44%  0 of 1 file  4.0 MiB" in line for line in _lines(out))
    fs.get_file(f"{place}/x", str(tmp_path / "x"), callback=Progress("whole", out, 0))
    assert _lines(out)[-1] == "whole  100%  9.0 MiB of 9.0 MiB"


def test_a_progress_is_used_again(place, fs, tmp_path, out):
    fs.pipe_file(f"{place}/x", b"x")
    told = Progress("again", out, 0)
    for _ in range(2):
        fs.cp(f"{place}/x", f"{place}/y", callback=told)
    assert sum("100%" in line and "1 of 1 file" in line for line in _lines(out)) == 2


def test_a_failed_copy_ends_its_line(fs, ns, tmp_path, out):
    ns.mount("rumpfs", "/small", options={"size": 1 << 20})
    fs.pipe_file("/x", bytes(9 << 20))
    with pytest.raises(OSError), Progress("cp", out, 0) as told:
        fs.cp("/x", "/small/x", callback=told)
    assert out.getvalue().endswith("\n")
    assert "100%" not in _lines(out)[-1]


def test_a_name_cannot_move_the_cursor(fs, out, tmp_path):
    fs.pipe_file("/a\x1b[2J", b"")
    fs.get("/a\x1b[2J", str(tmp_path / "a"), callback=Progress("", out, 0))
    assert "\x1b" not in out.getvalue()


def test_a_filesystem_shows_its_copies_only_if_asked_to(ns, tmp_path, capsys):
    (tmp_path / "x").write_bytes(b"data")
    for options in ({}, {"progress": True}):
        fs = fsspec.filesystem("vfs", **options)
        fs.put(str(tmp_path / "x"), "/x")
        fs.cp("/x", "/y")
        fs.get("/y", str(tmp_path / "y"))
    assert capsys.readouterr() == ("", "")  # neither a notebook nor a terminal


def test_a_terminal_shows_it_on_stderr(tmp_path):
    pty = pytest.importorskip("pty")
    import os
    import subprocess
    import sys

    code = (
        "import fsspec; fs = fsspec.filesystem('vfs', progress=True); fs.pipe_file('/x', b'data');"
        f"fs.get('/x', {str(tmp_path / 'x')!r})"
    )
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, cwd=tmp_path)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"")
    assert "get  100%  1 of 1 file  4 bytes  /x" in shown


# -- a real notebook ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel():
    """What runs code in a kernel and returns the messages of it that a notebook shows."""
    pytest.importorskip("ipykernel", reason="a notebook needs ipykernel")
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")

    def run(code):
        shown = []
        reply = client.execute_interactive(code, timeout=60, output_hook=shown.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        return [message for message in shown if "data" in message["content"]]

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what jupyter_client does by itself
@pytest.mark.consumer("notebooks", more="progress")
def test_a_kernel_shows_the_tree_the_line_and_the_bar(kernel, tmp_path):
    (shown,) = kernel("import vfscore, fsspec; ns = vfscore.Namespace().install(); ns")
    assert Tree(shown["content"]["data"]["text/html"]).text == "/ rumpfs (0 bytes in 1 node)"
    (shown,) = kernel("fs = fsspec.filesystem('vfs', progress=True); fs")
    assert shown["content"]["data"]["text/plain"].startswith("<VfsFileSystem vfs:// of the installed namespace")
    shown = kernel(f"fs.pipe_file('/x', bytes(9 << 20)); fs.get('/x', {str(tmp_path / 'x')!r})")
    assert [message["msg_type"] for message in shown][:2] == ["display_data", "update_display_data"]
    last = Tree(shown[-1]["content"]["data"]["text/html"])
    assert last.tags == ["div", "progress"]
    assert last.text == "get  100%  1 of 1 file  9.0 MiB  /x"
