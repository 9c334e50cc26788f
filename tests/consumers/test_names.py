"""What a user writes for a path, and the path of the tree that it means."""

import pathlib

import pytest

from vfscore.fsspecfs import VfsFileSystem

strip = VfsFileSystem._strip_protocol


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("vfs://data/x", "/data/x"),
        ("vfs:///data/x", "/data/x"),
        ("/data/x", "/data/x"),
        ("data/x", "/data/x"),
        ("vfs://data/x/", "/data/x"),
        ("//data///x//", "/data/x"),
        ("./data/./x/.", "/data/x"),
        ("", "/"),
        ("/", "/"),
        (".", "/"),
        ("vfs://", "/"),
        ("vfs:///", "/"),
        ("vfs::/data/x", "/data/x"),
        ("/a b#c?d=e&f%20g", "/a b#c?d=e&f%20g"),
        ("/x[1]*{2}", "/x[1]*{2}"),
        ("/c::d", "/c::d"),
        ("/.hidden/.x", "/.hidden/.x"),
        ("/...", "/..."),
        ("/a/vfs", "/a/vfs"),
        ("/~", "/~"),
        ("/\udcff", "/\udcff"),
        (b"/\xff", "/\udcff"),
        (pathlib.PurePosixPath("/data/x"), "/data/x"),
    ],
)
def test_a_path_is_stripped_once_and_for_all(written, meant):
    assert strip(written) == meant
    assert strip(meant) == meant


def test_dotdot_is_left_to_the_walk_because_a_link_may_lead_elsewhere(fs, ns):
    assert strip("/a/../b") == "/a/../b"
    fs.pipe_file("/far/away/file", b"")
    fs.pipe_file("/far/note", b"through the link")
    fs.pipe_file("/note", b"lexical")
    fs.symlink("/far/away", "/link")
    assert fs.cat_file("vfs://link/../note") == b"through the link"


def test_a_list_is_stripped_one_by_one():
    assert strip(["vfs://a", "/b/"]) == ["/a", "/b"]


def test_a_number_is_no_path():
    with pytest.raises(TypeError):
        strip(3)


def test_unstrip_protocol_is_undone_by_strip_protocol(fs):
    for name in ("/", "/data/x", "/a b#c"):
        assert strip(fs.unstrip_protocol(name)) == name
        assert fs.unstrip_protocol(fs.unstrip_protocol(name)) == fs.unstrip_protocol(name)


def test_the_parent_of_the_root_is_the_root():
    assert VfsFileSystem._parent("/a/b") == "/a"
    assert VfsFileSystem._parent("vfs://a") == "/"
    assert VfsFileSystem._parent("/") == "/"


def test_urls_carry_no_options():
    assert VfsFileSystem._get_kwargs_from_urls("vfs://data/x") == {}
