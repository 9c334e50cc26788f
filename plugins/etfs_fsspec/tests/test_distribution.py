from importlib.metadata import distribution, version

DIST = "vfscore-etfs-fsspec"


def test_version_is_the_cores():
    assert version(DIST) == version("vfscore")


def test_entry_point_loads_the_package():
    (entry,) = distribution(DIST).entry_points.select(group="vfscore")

    assert entry.name == "etfs_fsspec"
    assert entry.load().__name__ == "vfscore_etfs_fsspec"
