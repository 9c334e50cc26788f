"""Arrays: zarr, xarray, h5py, and numpy's own formats."""

import io

import pytest

np = pytest.importorskip("numpy")


@pytest.fixture
def url(place):
    return "vfs:/" + place


@pytest.mark.consumer("zarr", read="arrays", write="arrays", parts="chunks")
def test_zarr_by_url(url):
    zarr = pytest.importorskip("zarr", minversion="3")
    data = np.arange(10_000, dtype="f8").reshape(100, 100)
    array = zarr.create_array(f"{url}/a.zarr", shape=data.shape, chunks=(10, 10), dtype=data.dtype)
    array[:] = data
    again = zarr.open_array(f"{url}/a.zarr", mode="r")
    assert (again[:] == data).all()
    assert (again[5:17, ::7] == data[5:17, ::7]).all()


@pytest.mark.consumer("zarr", read="groups", write="groups", change="remove")
def test_zarr_groups_are_listed_and_removed(url, fs, place):
    zarr = pytest.importorskip("zarr", minversion="3")
    group = zarr.open_group(f"{url}/g.zarr", mode="w")
    group.create_array("x/y", shape=(4,), dtype="i4")[:] = [1, 2, 3, 4]
    again = zarr.open_group(f"{url}/g.zarr", mode="r")
    assert list(again["x"].array_keys()) == ["y"]
    writable = zarr.open_group(f"{url}/g.zarr", mode="r+")
    del writable["x"]
    assert not fs.exists(f"{place}/g.zarr/x/y/zarr.json")


@pytest.mark.consumer("xarray", read="zarr", write="zarr", change="append")
def test_xarray_writes_appends_and_opens(url):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr", minversion="3")
    first = xr.Dataset({"v": (("t", "x"), np.ones((2, 3)))}, {"t": [0, 1], "x": [1, 2, 3]})
    second = xr.Dataset({"v": (("t", "x"), np.zeros((2, 3)))}, {"t": [2, 3], "x": [1, 2, 3]})
    first.to_zarr(f"{url}/d.zarr", consolidated=False)
    second.to_zarr(f"{url}/d.zarr", append_dim="t", consolidated=False)
    with xr.open_zarr(f"{url}/d.zarr", consolidated=False) as got:
        assert got.sizes["t"] == 4
        assert float(got["v"].sum()) == 6.0


@pytest.mark.consumer("h5py", read="hdf5", write="hdf5", compressed="hdf5")
def test_h5py_by_a_file_object(fs, place):
    h5py = pytest.importorskip("h5py")
    with fs.open(f"{place}/f.h5", "w+b") as out, h5py.File(out, "w") as file:
        file.create_dataset("d", data=np.arange(1000), chunks=(100,), compression="gzip")
    with fs.open(f"{place}/f.h5", "rb") as raw, h5py.File(raw, "r") as file:
        assert int(file["d"][:].sum()) == 499_500


@pytest.mark.consumer("numpy", read="npy, npz", write="npy, npz")
def test_numpy_saves_and_loads(fs, place):
    with fs.open(f"{place}/a.npy", "wb") as out:
        np.save(out, np.arange(100))
    with fs.open(f"{place}/a.npz", "wb") as out:
        np.savez(out, a=np.arange(100), b=np.ones(3))
    with fs.open(f"{place}/a.npy", "rb") as file:
        assert np.load(file).sum() == 4950
    with fs.open(f"{place}/a.npz", "rb") as file, np.load(file) as both:
        assert sorted(both) == ["a", "b"]


@pytest.mark.consumer("PIL", read="png", write="png")
def test_images_of_pil(fs, place):
    image = pytest.importorskip("PIL.Image")
    with fs.open(f"{place}/i.png", "wb") as out:
        image.new("RGB", (40, 30), (255, 0, 0)).save(out, "png")
    with fs.open(f"{place}/i.png", "rb") as file:
        got = image.open(file)
        got.load()
    assert (got.size, got.getpixel((3, 3))) == ((40, 30), (255, 0, 0))
    assert fs.open(f"{place}/i.png").read() == fs.cat_file(f"{place}/i.png")


@pytest.mark.consumer("zipfile, tarfile", read="zip, tar", write="zip, tar", compressed="tar")
def test_text_wrappers_and_archives(fs, place):
    import tarfile
    import zipfile

    with fs.open(f"{place}/a.zip", "wb") as out, zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.csv", "a\n1\n")
    with fs.open(f"{place}/a.tar.gz", "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("x")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    with fs.open(f"{place}/a.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("x.csv") == b"a\n1\n"
    with fs.open(f"{place}/a.tar.gz") as file, tarfile.open(fileobj=file) as archive:
        assert archive.getnames() == ["x"]


@pytest.mark.consumer("xarray", write="zarr", partitioned="zarr", more="consolidated")
def test_xarray_consolidates_and_opens_many(url):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr", minversion="3")
    pytest.importorskip("dask")
    for i in range(3):
        made = xr.Dataset({"v": (("t", "x"), np.full((2, 3), i))}, {"t": [2 * i, 2 * i + 1], "x": [1, 2, 3]})
        made.to_zarr(f"{url}/many/{i}.zarr", zarr_format=2, consolidated=True)
    with xr.open_zarr(f"{url}/many/1.zarr", consolidated=True) as one:
        assert float(one["v"].sum()) == 6.0
    with xr.open_mfdataset(f"{url}/many/*.zarr", engine="zarr", combine="by_coords") as got:
        assert got.sizes["t"] == 6
        assert float(got["v"].sum()) == 18.0


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.consumer("xarray", read="netcdf", parts="netcdf")
def test_xarray_reads_netcdf_by_a_file_object(engine, fs, place, tmp_path):
    xr = pytest.importorskip("xarray")
    pytest.importorskip(engine)
    made = xr.Dataset({"v": (("t",), np.arange(100.0))})
    made.to_netcdf(tmp_path / "f.nc", engine=engine)
    fs.put_file(str(tmp_path / "f.nc"), f"{place}/f.nc")
    with fs.open(f"{place}/f.nc") as file, xr.open_dataset(file, engine=engine) as got:
        assert float(got["v"][10:20].sum()) == 145.0
