import errno
from importlib.metadata import distribution, version

import pytest
import vfscore_etfs_fsspec

from vfscore.testing import Namespace, raises

DIST = "vfscore-etfs-fsspec"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_the_plugin_is_found_by_its_entry_point():
    (point,) = distribution(DIST).entry_points.select(group="vfscore")

    assert point.load() is vfscore_etfs_fsspec


@pytest.mark.parametrize("source", ["/srv", "relative/path", b"/srv", object()])
def test_what_is_no_url_is_left_to_others(source):
    assert vfscore_etfs_fsspec.etfs_backend(source, {}) is None


def test_an_unknown_protocol_is_enodev():
    with Namespace() as ns, raises(errno.ENODEV):
        ns.etfs_register("/k", "nosuchprotocol://x", "dir")
