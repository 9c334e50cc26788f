"""`Sys.invalidate`: what reaches a backend that remembers."""

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend
from vfscore.plugin import hookimpl


class Remembering(ChangingDictBackend):
    """A backend that notes what it was told to forget."""

    def __init__(self, tree):
        super().__init__(tree)
        self.forgotten = []

    def invalidate(self, path=None):
        self.forgotten.append(path)


class Plugin:
    def __init__(self):
        self.made = []

    @hookimpl
    def etfs_backend(self, source, options):
        if source != "remembering:":
            return None
        self.made.append(Remembering({"d/f": b"", "g": b""}))
        return self.made[-1]


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def ns(plugin):
    with vfscore.Namespace(plugins=[plugin]) as made:
        made.etfs_register("/one", "remembering:", "dir_subdirs")
        made.sys.mkdir("/above")
        made.etfs_register("/above/two", "remembering:", "dir_subdirs")
        yield made


@pytest.mark.parametrize(
    ("path", "one", "two"),
    [
        (None, [""], [""]),
        ("/", [""], [""]),
        ("/one", [""], []),
        ("/one/d", ["d"], []),
        ("/one/d/f", ["d/f"], []),
        ("/one/d/missing", ["d"], []),
        ("/one/missing/deeper", [""], []),
        ("/above", [], [""]),
        ("/missing", [], []),
    ],
)
def test_invalidate_tells_the_backends_concerned(ns, plugin, path, one, two):
    ns.sys.invalidate(path)

    assert [backend.forgotten for backend in plugin.made] == [one, two]


def test_invalidate_of_what_remembers_nothing_does_nothing(ns):
    ns.sys.mkdir("/plain")

    ns.sys.invalidate("/plain")


def test_a_binding_that_nobody_has_used_yet_is_not_asked(plugin):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.sys.invalidate()

    assert plugin.made == []
