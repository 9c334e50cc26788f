"""The backend suite over the example backend, read-only and whole."""

import pytest

from tests.core.conformance import dictbackend
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
