from importlib.metadata import distribution, version

import vfscore_blockdev

from vfscore.testing import Namespace

DIST = "vfscore-blockdev"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_the_package_says_that_it_serves_nothing_yet():
    assert "registers nothing yet" in (vfscore_blockdev.__doc__ or "")
    assert not distribution(DIST).entry_points.select(group="vfscore")


def test_it_registers_nothing_yet():
    with Namespace() as ns:
        names = [status.distribution for status in ns.plugins.status()]

    assert DIST not in names
