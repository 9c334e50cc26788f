from importlib.metadata import distribution, version

from vfscore.testing import Namespace

DIST = "vfscore-blockdev"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_one_entry_point_names_the_plugin():
    (point,) = distribution(DIST).entry_points.select(group="vfscore")

    assert (point.name, point.value) == ("blockdev", "vfscore_blockdev")


def test_it_is_loaded():
    with Namespace() as ns:
        (status,) = [status for status in ns.plugins.status() if status.distribution == DIST]

    assert (status.status, status.reason) == ("loaded", "")
    assert status.hooks == ("device_attach", "device_detach", "device_partitions", "vfs_devices")
    assert status.kinds == ("device rumpblk (197)", "device ranges", "partition tables")
