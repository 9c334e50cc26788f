"""Listings in pages: what stays is listed exactly once, whatever comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.conformance.dictbackend import ChangingDictBackend
from vfscore.etfs import bind
from vfscore.plugin import ROOT_CRED, Dirent, VAttr
from vfscore.testing import AWKWARD_NAMES, Namespace

names = st.sampled_from([*AWKWARD_NAMES, *(f"n{i:02}" for i in range(20)), "a", "aa", "a\x01"])


def directory(entries):
    storage = ChangingDictBackend(dict.fromkeys(entries, b""))
    mp = bind("dict:", "dir_subdirs", find_backend=lambda *_: storage)
    return mp.mnt_op.vfs_root(mp), storage


def page(vp, cookie, limit):
    return vp.v_op.vop_readdir(vp, cookie, limit, ROOT_CRED)


@given(
    before=st.sets(names),
    changes=st.lists(st.tuples(st.sampled_from(["add", "remove", "list", "nothing"]), names), min_size=1),
    limit=st.integers(1, 4),
)
def test_what_stays_is_listed_exactly_once(before, changes, limit):
    vp, storage = directory(before)
    stays = set(before)
    seen, cookie, eof, turn = [], 0, False, 0
    while not eof:
        entries, eof = page(vp, cookie, limit)
        assert len(entries) <= limit
        seen += [entry.d_name for entry in entries]
        cookie = entries[-1].d_cookie if entries else cookie
        what, name = changes[turn % len(changes)]
        turn += 1
        if what == "remove" and name in storage.root.data:
            storage.remove(name)
            stays.discard(name)
        elif what == "add" and name not in storage.root.data and turn < 50:
            storage.create(name, 0, 0o644)
        elif what == "list":
            page(vp, 0, 1)
            page(vp, 0, None)

    assert stays <= set(seen)
    assert len(seen) == len(set(seen)) or not stays & {name for name in seen if seen.count(name) > 1}


def test_cookie_of_a_whole_listing_survives_removals():
    vp, storage = directory(["a", "b", "c", "d", "e"])
    entries, eof = page(vp, 0, None)
    assert eof
    for name in ("a", "c"):
        storage.remove(name)

    rest, eof = page(vp, entries[1].d_cookie, None)

    assert [entry.d_name for entry in rest] == ["d", "e"]
    assert eof


def test_pages_of_one_listing_ask_the_backend_once():
    vp, storage = directory([f"n{i}" for i in range(10)])
    asked = []
    listed = storage.readdir
    storage.readdir = lambda path: asked.append(path) or listed(path)

    cookie, eof = 0, False
    while not eof:
        entries, eof = page(vp, cookie, 3)
        cookie = entries[-1].d_cookie

    assert asked == [""]


@pytest.mark.parametrize("limit", [1, 5, None])
def test_listing_is_by_name(limit):
    vp, _ = directory(["b", "a", "\u00e9", "B", "aa"])
    out, cookie, eof = [], 0, False
    while not eof:
        entries, eof = page(vp, cookie, limit)
        out += [entry.d_name for entry in entries]
        cookie = entries[-1].d_cookie

    assert out == ["B", "a", "aa", "b", "\u00e9"]


class Sparing(ChangingDictBackend):
    """A storage that knows neither modes nor link counts, and hands out the attributes that it remembers."""

    def __init__(self, tree):
        super().__init__(tree)
        self.kept = {}

    def getattr(self, path, follow=False):
        va = super().getattr(path, follow)
        return self.kept.setdefault(path, VAttr(va.va_type, va_size=va.va_size))

    def readdir(self, path):
        return [
            Dirent(
                name, self.getattr(f"{path}/{name}".strip("/")).va_type, d_attr=self.kept[f"{path}/{name}".strip("/")]
            )
            for name in ("d", "f")
        ]


def test_what_a_listing_and_a_lookup_tell_of_a_file_is_the_same():
    with Namespace() as ns:
        storage = Sparing({"d": None, "f": b"x"})
        ns.plugins.backend = lambda source, options: storage
        ns.etfs_register("/k", "dict:", "dir_subdirs")

        listed = {name: va.stat() for name, va in zip(*ns.sys.listattr("/k"), strict=True)}
        told = {name: ns.sys.stat(f"/k/{name}") for name in ("d", "f")}

    assert listed == told
    assert [st.st_mode for st in told.values()] == [0o40755, 0o100644]
