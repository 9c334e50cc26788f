import errno
from importlib.metadata import distribution, version

import vfscore_etfs_fsspec

from vfscore.testing import Namespace, raises

DIST = "vfscore-etfs-fsspec"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_the_package_says_that_it_serves_nothing_yet():
    assert "registers nothing yet" in (vfscore_etfs_fsspec.__doc__ or "")
    assert not distribution(DIST).entry_points.select(group="vfscore")


def test_a_url_is_refused_and_says_what_is_missing():
    with Namespace() as ns, raises(errno.ENODEV) as info:
        ns.etfs_register("/k", "memory://x", "dir")

    assert "vfscore-etfs-fsspec" in str(info.value)
