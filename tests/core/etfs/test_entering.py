"""What a backend may say besides: how a directory is entered, a search that stays lean, and why its root is no file."""

import errno

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend
from vfscore.plugin import Dirent, Found, VType, err, hookimpl
from vfscore.testing import raises


class Asked(ChangingDictBackend):
    """A backend that notes how it is asked for names, and finds without an entry for each."""

    def __init__(self, tree):
        super().__init__(tree)
        self.asked = []
        self.entries = 0

    def getattr(self, path, follow=False):
        self.asked.append(("getattr", path))
        return super().getattr(path, follow)

    def enter(self, path):
        self.asked.append(("enter", path))
        return super().getattr(path)

    def find(self, path, maxdepth):
        def entry(i):
            self.entries += 1
            return Dirent(["e", "f"][i], [VType.VDIR, VType.VREG][i])

        return Found(["e", "e/f"], [VType.VDIR, VType.VREG], entry)


class Bare(ChangingDictBackend):
    """A backend with nothing at its root, where a directory can be begun."""

    def open(self, path, flags):
        raise err(errno.EISDIR if self.tree else errno.ENOENT)


class Plugin:
    def __init__(self, backend):
        self.backend = backend

    @hookimpl
    def etfs_backend(self, source, options):
        return self.backend if source == "asked:" else None


@pytest.fixture
def backend():
    return Asked({"d/e/f": b"", "g": b""})


@pytest.fixture
def ns(backend):
    with vfscore.Namespace(plugins=[Plugin(backend)]) as made:
        made.etfs_register("/k", "asked:", "dir_subdirs")
        backend.asked.clear()
        yield made


@pytest.mark.parametrize(
    "use",
    [
        lambda ns: ns.sys.listdir("/k/d/e"),
        lambda ns: list(ns.sys.scandir("/k/d/e")),
        lambda ns: ns.sys.mkdir("/k/d/e/new"),
        lambda ns: ns.open("/k/d/e/new", "wb").close(),
        lambda ns: ns.sys.unlink("/k/d/e/f"),
    ],
)
def test_a_directory_that_is_used_next_is_entered(ns, backend, use):
    use(ns)

    assert backend.asked[0] == ("enter", "d/e")


def test_what_is_only_looked_at_is_not_entered(ns, backend):
    ns.sys.stat("/k/d/e")

    assert {how for how, _ in backend.asked} == {"getattr"}  # once, or again where a moment passed since the lookup


def test_a_lean_search_makes_no_entry_that_nobody_asks_for(ns, backend):
    found = ns.sys.find("/k/d")

    assert found.paths == ["/k/d/e", "/k/d/e/f"]
    assert backend.entries == 0
    path, entry = found[1]
    assert (path, entry.d_type, entry.d_fileno != 0) == ("/k/d/e/f", VType.VREG, True)


@pytest.mark.parametrize(("tree", "code"), [(True, errno.EISDIR), (False, errno.ENOENT)])
def test_a_root_that_is_no_file_says_itself_why(tree, code):
    backend = Bare()
    backend.tree = tree
    with vfscore.Namespace(plugins=[Plugin(backend)]) as ns:
        with raises(code):
            ns.etfs_register("/k", "asked:", "reg")
        ns.etfs_register("/k", "asked:", "dir")
