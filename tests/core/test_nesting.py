"""A namespace grafted into another, and never into itself."""

import errno

import pytest

from vfscore.plugin import VAttr, VType, hookimpl
from vfscore.testing import Namespace, raises


class ViewOf:
    """A storage that shows a namespace."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.closed = False

    def getattr(self, path, follow=False):
        return VAttr(VType.VDIR, 0o755, va_size=0) if not path else self.namespace.sys.vattr("/" + path)

    def open(self, path, flags):
        raise FileNotFoundError(errno.ENOENT, "no files here")

    def readdir(self, path):
        return []

    def close(self):
        self.closed = True


class Views:
    """The plugin of such storages: its sources are namespaces."""

    def __init__(self):
        self.made = []

    @hookimpl
    def etfs_backend(self, source, options):
        if isinstance(source, Namespace):
            self.made.append(ViewOf(source))
            return self.made[-1]
        return None


@pytest.fixture
def views():
    return Views()


def test_a_namespace_in_another_is_fine(views):
    with Namespace() as inner, Namespace(plugins=[views]) as outer:
        inner.sys.mkdir("/d")
        outer.etfs_register("/in", inner, "dir_subdirs")

        assert outer.sys.stat("/in/d").st_nlink >= 1


def test_a_namespace_in_itself_is_eloop_and_the_backend_is_closed(views):
    with Namespace(plugins=[views]) as ns:
        with raises(errno.ELOOP):
            ns.etfs_register("/in", ns, "dir_subdirs")

        assert not ns.sys.listdir("/")
        assert [backend.closed for backend in views.made] == [True]


def test_a_namespace_in_itself_by_way_of_others_is_eloop(views):
    with Namespace(plugins=[views]) as a, Namespace(plugins=[views]) as b, Namespace(plugins=[views]) as c:
        a.etfs_register("/b", b, "dir_subdirs")
        b.etfs_register("/c", c, "dir_subdirs")

        with raises(errno.ELOOP):
            c.etfs_register("/a", a, "dir_subdirs")


def test_the_same_namespace_twice_is_no_loop(views):
    with Namespace() as inner, Namespace(plugins=[views]) as outer:
        outer.etfs_register("/x", inner, "dir_subdirs")
        outer.etfs_register("/y", inner, "dir_subdirs")

        assert sorted(outer.sys.listdir("/")) == ["x", "y"]


class Elsewhere(ViewOf):
    """A storage that another process can reach too."""

    def portable(self):
        return "views://there", {"depth": 2}


def test_a_source_that_is_an_object_is_told_as_what_its_backend_names():
    class Plugin:
        @hookimpl
        def etfs_backend(self, source, options):
            return Elsewhere(None) if source == ("there",) else None

    with Namespace(plugins=[Plugin()]) as ns:
        ns.etfs_register("/x", ("there",), "dir", options={"mine": 1})

        entry = {"key": "/x", "source": "views://there", "type": "dir", "options": {"depth": 2}}
        assert ns.fstab()["etfs"] == [entry]
        assert ns.digest() is not None


def test_a_source_that_is_an_object_without_a_name_has_no_fstab(views):
    with Namespace() as inner, Namespace(plugins=[views]) as outer:
        outer.etfs_register("/in", inner, "dir")

        with pytest.raises(ValueError, match="an object of this process"):
            outer.fstab()
