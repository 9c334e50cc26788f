from importlib.metadata import distribution, version

DIST = "vfscore-blockdev"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_entry_point_loads_the_package():
    (entry,) = distribution(DIST).entry_points.select(group="vfscore")

    assert entry.name == "blockdev"
    assert entry.load().__name__ == "vfscore_blockdev"
