"""Listings of rumpfs, whole and in pages, and `vop_find`."""

from __future__ import annotations

import errno

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from rumpfs_tree import Tree, fails

from vfscore.rumpfs.cookies import Cookies
from vfscore.types import ROOT_CRED, Cred, Dirent, VType


def pages(tree: Tree, limit: int, cookie: int = 0) -> list[str]:
    names = []
    eof = False
    while not eof:
        entries, eof = tree.op.vop_readdir(tree.root, cookie, limit, ROOT_CRED)
        assert len(entries) <= limit
        names += [entry.d_name for entry in entries]
        if entries:
            cookie = entries[-1].d_cookie
    return names


def test_a_listing_has_the_entries_in_the_order_of_their_making(tree: Tree) -> None:
    d, f, link = tree.mkdir("z"), tree.create("a"), tree.symlink("t", "m")
    entries, eof = tree.op.vop_readdir(tree.root, 0, None, ROOT_CRED)

    assert eof
    assert [(e.d_name, e.d_type, e.d_fileno) for e in entries] == [
        (name, vp.v_type, tree.attr(vp).va_fileid) for name, vp in (("z", d), ("a", f), ("m", link))
    ]


@pytest.mark.parametrize("limit", [None, 5])
def test_an_entry_carries_the_attributes_of_its_file(tree: Tree, limit: int | None) -> None:
    vp = tree.create("f")
    [entry], _ = tree.op.vop_readdir(tree.root, 0, limit, ROOT_CRED)

    assert entry.d_attr is tree.attr(vp)
    assert not entry.d_whiteout
    assert repr(entry) == f"Dirent('f', VREG, {tree.attr(vp).va_fileid})"


def test_listing_a_file_is_enotdir(tree: Tree) -> None:
    with fails(errno.ENOTDIR):
        tree.names(tree.create("f"))
    with fails(errno.ENOTDIR):
        tree.op.vop_find(tree.create("g"), None, ROOT_CRED)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_make_the_whole(tree: Tree, limit: int) -> None:
    for i in range(7):
        tree.create(str(i))
    assert pages(tree, limit) == [str(i) for i in range(7)]


def test_a_page_of_nothing_is_empty_and_not_the_end(tree: Tree) -> None:
    assert tree.op.vop_readdir(tree.root, 0, 0, ROOT_CRED) == ([], True)
    tree.create("f")
    assert tree.op.vop_readdir(tree.root, 0, 0, ROOT_CRED) == ([], False)


def test_a_cookie_outlives_the_removal_of_its_own_and_other_entries(tree: Tree) -> None:
    vps = {str(i): tree.create(str(i)) for i in range(10)}
    entries, _ = tree.op.vop_readdir(tree.root, 0, 5, ROOT_CRED)
    for gone in ("0", "4", "6"):
        tree.remove(vps[gone], gone)
    tree.create("new")

    assert pages(tree, 2, entries[-1].d_cookie) == ["5", "7", "8", "9", "new"]


def test_the_cookies_of_a_whole_listing_are_good_too(tree: Tree) -> None:
    vps = {str(i): tree.create(str(i)) for i in range(10)}
    entries = tree.entries()
    for gone in ("3", "4", "6"):
        tree.remove(vps[gone], gone)

    assert pages(tree, 100, entries[4].d_cookie) == ["5", "7", "8", "9"]
    assert pages(tree, 100, entries[0].d_cookie) == ["1", "2", "5", "7", "8", "9"]
    tree.remove(vps["0"], "0")
    assert entries[0].d_cookie == 0


def test_removing_while_listing_removes_all(tree: Tree) -> None:
    for i in range(500):
        tree.create(str(i))
    cookie, eof, seen = 0, False, 0
    while not eof:
        entries, eof = tree.op.vop_readdir(tree.root, cookie, 7, ROOT_CRED)
        for entry in entries:
            vp = tree.find(entry.d_name)
            assert vp is not None
            tree.remove(vp, entry.d_name)
            seen += 1
        cookie = entries[-1].d_cookie if entries else cookie

    assert seen == 500
    assert tree.names() == []


def test_an_entry_that_another_was_renamed_over_keeps_its_place(tree: Tree) -> None:
    for name in "abc":
        tree.create(name)
    entries, _ = tree.op.vop_readdir(tree.root, 0, 1, ROOT_CRED)
    tree.rename(tree.root, "c", tree.root, "b")
    assert pages(tree, 1, entries[0].d_cookie) == ["b"]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_who_stays_is_listed_exactly_once_whatever_comes_and_goes(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 60))
    present = {str(i) for i in range(count)}
    stays = set(present)
    cookies = Cookies(sorted(present, key=int))
    fresh, cookie, seen = count, 0, []
    eof = False
    while not eof:
        page, eof = cookies.page(cookie, data.draw(st.integers(1, 30)))
        seen += [name for name, _ in page]
        cookie = page[-1][1] if page else cookie
        for _ in range(data.draw(st.integers(0, 12))):
            if present and data.draw(st.booleans()):
                gone = data.draw(st.sampled_from(sorted(present)))
                cookies.remove(gone)
                present.discard(gone)
                stays.discard(gone)
                if data.draw(st.booleans()):
                    cookies.add(gone)
                    present.add(gone)
            elif fresh < 400:
                cookies.add(str(fresh))
                present.add(str(fresh))
                fresh += 1

    assert stays <= set(seen)
    assert all(seen.count(name) == 1 for name in stays)


# -- find --------------------------------------------------------------------------------------------------------------


def found(entries: list[tuple[str, Dirent]]) -> list[str]:
    return sorted(path for path, _ in entries)


def test_find_lists_everything_below_without_following_links(tree: Tree) -> None:
    a = tree.mkdir("a")
    tree.create("f", tree.mkdir("b", a))
    tree.symlink("a", "l")
    tree.whiteout("w")

    entries = tree.op.vop_find(tree.root, None, ROOT_CRED)
    assert found(entries) == ["a", "a/b", "a/b/f", "l"]
    assert dict(entries)["a/b/f"].d_type is VType.VREG
    assert found(tree.op.vop_find(tree.root, 1, ROOT_CRED)) == ["a", "l"]
    assert found(tree.op.vop_find(tree.root, 2, ROOT_CRED)) == ["a", "a/b", "l"]
    assert found(tree.op.vop_find(a, None, ROOT_CRED)) == ["b", "b/f"]


def test_find_lists_directories_that_it_may_not_read_without_their_content(tree: Tree) -> None:
    tree.create("f", tree.mkdir("unreadable", mode=0o711))
    tree.create("f", tree.mkdir("sub", tree.mkdir("unsearchable", mode=0o744)))
    tree.create("f", tree.mkdir("open"))

    assert found(tree.op.vop_find(tree.root, None, Cred(5, 5))) == [
        "open",
        "open/f",
        "unreadable",
        "unsearchable",
        "unsearchable/sub",
    ]
    with fails(errno.EACCES):
        tree.op.vop_find(tree.find("unreadable") or tree.root, None, Cred(5, 5))


def test_find_goes_as_deep_as_there_are_directories(tree: Tree) -> None:
    dvp = tree.root
    for _ in range(3000):
        dvp = tree.mkdir("d", dvp)
    assert len(tree.op.vop_find(tree.root, None, ROOT_CRED)) == 3000


# -- many files in one call --------------------------------------------------------------------------------------------


def outcomes(results: list[bytes | OSError] | list[OSError | None]) -> list[bytes | int | None]:
    return [result.errno if isinstance(result, OSError) else result for result in results]


def test_many_files_are_written_read_and_removed(tree: Tree) -> None:
    d = tree.mkdir("d")
    tree.write(tree.create("old", d), b"old content")
    items = [("d/old", b"new"), ("d/f", b"f"), ("e", b""), ("nope/x", b""), ("d", b""), ("d/f/x", b"")]
    assert outcomes(tree.op.vop_write_many(tree.root, items, ROOT_CRED)) == [
        None, None, None, errno.ENOENT, errno.EISDIR, errno.ENOTDIR,
    ]  # fmt: skip
    paths = ["d/old", "d/f", "e", "nope/x", "d", "d/f/x"]
    assert outcomes(tree.op.vop_read_many(tree.root, paths, ROOT_CRED)) == [
        b"new", b"f", b"", errno.ENOENT, errno.EISDIR, errno.ENOTDIR,
    ]  # fmt: skip
    assert outcomes(tree.op.vop_remove_many(tree.root, paths, ROOT_CRED)) == [
        None, None, None, errno.ENOENT, errno.EISDIR, errno.ENOENT,
    ]  # fmt: skip
    assert found(tree.op.vop_find(tree.root, None, ROOT_CRED)) == ["d"]


def test_many_files_are_checked_with_the_credential(tree: Tree) -> None:
    cred = Cred(5, 5)
    closed = tree.mkdir("closed", mode=0o700)
    tree.create("f", closed)
    tree.create("secret", mode=0o600)
    tree.create("readable", mode=0o644)
    tree.create("mine", tree.mkdir("home", uid=5), mode=0o600, uid=5)
    paths = ["closed/f", "secret", "readable", "home/mine"]
    assert outcomes(tree.op.vop_read_many(tree.root, paths, cred)) == [errno.EACCES, errno.EACCES, b"", b""]
    items = [(path, b"x") for path in (*paths, "home/new", "new")]
    assert outcomes(tree.op.vop_write_many(tree.root, items, cred)) == [
        errno.EACCES, errno.EACCES, errno.EACCES, None, None, errno.EACCES,
    ]  # fmt: skip
    assert outcomes(tree.op.vop_remove_many(tree.root, [*paths, "home/new"], cred)) == [
        errno.EACCES, errno.EACCES, errno.EACCES, None, None,
    ]  # fmt: skip
    new = tree.op.vop_write_many(tree.root, [("home/new", b"x")], cred)
    assert new == [None]
    made = tree.find("home/new")
    assert made is not None
    assert tree.attr(made).va_uid == 5
