"""The backend suite over the example backend, read-only and whole."""

import pytest

from tests.core.conformance import dictbackend
from vfscore.plugin import hookimpl
from vfscore.testing import BackendTests, ClaimTests


class TestFixedDict(BackendTests):
    @pytest.fixture
    def make(self):
        return dictbackend.DictBackend


class TestChangingDict(BackendTests):
    @pytest.fixture
    def make(self):
        return dictbackend.ChangingDictBackend


class TestDictClaim(ClaimTests):
    strangers = ("/srv/data", "s3://bucket", "zipped:/srv/a.zip", object())

    @pytest.fixture
    def plugin(self):
        return dictbackend

    @pytest.fixture
    def source(self):
        return "dict:some"


class Reordered:
    """A plugin whose hook has its arguments in an order of its own: a namespace gives them by name."""

    @hookimpl
    def etfs_backend(self, options, source):
        return dictbackend.etfs_backend(source, options)


class TestReorderedClaim(TestDictClaim):
    @pytest.fixture
    def plugin(self):
        return Reordered()
