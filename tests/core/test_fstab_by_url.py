"""An fstab that lies where only a plugin can read it."""

import pytest

import vfscore
from vfscore.fstab import FstabError
from vfscore.plugin import VAttr, VType, hookimpl

TEXTS = {
    "desk://good/fstab.toml": b'[[mount]]\ntype = "rumpfs"\nat = "/m"\n',
    "desk://user:hush@bad/fstab.toml": b'[[mount]]\ntype = "rumpfs"\n',
}


class Desk:
    """A backend with one text."""

    class Sheet:
        def __init__(self, text):
            self._text = text

        def pread(self, offset, size):
            return self._text[offset : offset + min(size, 7)]

        def size(self):
            return len(self._text)

        def close(self):
            pass

    def __init__(self, text):
        self._text = text

    def getattr(self, path, follow=False):
        return VAttr(VType.VREG, va_size=len(self._text))

    def open(self, path, flags):
        return self.Sheet(self._text)


class Plugin:
    name = "desk"

    @hookimpl
    def etfs_backend(self, source, options):
        return Desk(TEXTS[source]) if source in TEXTS else None


def test_it_is_fetched_through_a_backend():
    with vfscore.Namespace("desk://good/fstab.toml", plugins=[Plugin()]) as ns:
        assert [info.at for info in ns.mounts()] == ["/", "/m"]


def test_an_error_in_it_names_the_url_without_its_secret():
    with pytest.raises(FstabError, match="'at' is missing") as info:
        vfscore.Namespace("desk://user:hush@bad/fstab.toml", plugins=[Plugin()])
    assert "fstab.toml" in str(info.value)
    assert "hush" not in str(info.value)
