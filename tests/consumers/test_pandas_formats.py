"""pandas' binary formats through ``vfs://``: each needs something of its own of a file."""

import pytest

pd = pytest.importorskip("pandas")


@pytest.fixture
def frame():
    return pd.DataFrame({"n": range(500), "x": [i / 3 for i in range(500)], "s": [f"row {i}" for i in range(500)]})


@pytest.fixture
def url(place):
    return "vfs:/" + place


@pytest.mark.consumer("pandas", read="orc", write="orc")
def test_orc(frame, url):
    pytest.importorskip("pyarrow.orc")
    frame.to_orc(f"{url}/f.orc")
    pd.testing.assert_frame_equal(pd.read_orc(f"{url}/f.orc"), frame)


@pytest.mark.parametrize("compression", [None, "gzip", "bz2", "xz", "zip", "tar"])
@pytest.mark.consumer("pandas", compressed="pickle")
def test_pickle(frame, url, compression):
    frame.to_pickle(f"{url}/f.pkl", compression=compression)
    pd.testing.assert_frame_equal(pd.read_pickle(f"{url}/f.pkl", compression=compression), frame)


@pytest.mark.consumer("pandas", read="excel", write="excel")
def test_excel(frame, url):
    pytest.importorskip("openpyxl")
    frame.to_excel(f"{url}/f.xlsx", index=False)
    pd.testing.assert_frame_equal(pd.read_excel(f"{url}/f.xlsx"), frame)


@pytest.mark.consumer("pandas", read="excel", write="excel")
def test_excel_by_a_writer_of_several_sheets(frame, fs, place):
    pytest.importorskip("openpyxl")
    with fs.open(f"{place}/two.xlsx", "wb") as out, pd.ExcelWriter(out) as writer:
        frame.head(3).to_excel(writer, sheet_name="a", index=False)
        frame.tail(3).to_excel(writer, sheet_name="b", index=False)
    with fs.open(f"{place}/two.xlsx", "rb") as file:
        assert list(pd.read_excel(file, sheet_name=None)) == ["a", "b"]


@pytest.mark.consumer("pandas", read="hdf (as an image)")
def test_hdf_goes_as_bytes(frame, fs, place, tmp_path):
    """HDF5's own library opens only paths of the host; pandas takes its image."""
    pytest.importorskip("tables")
    with pd.HDFStore(tmp_path / "f.h5", "w") as store:
        store["frame"] = frame[["n", "x"]]
    fs.put_file(str(tmp_path / "f.h5"), f"{place}/f.h5")
    image = fs.cat_file(f"{place}/f.h5")
    with pd.HDFStore("f.h5", "r", driver="H5FD_CORE", driver_core_backing_store=0, driver_core_image=image) as store:
        pd.testing.assert_frame_equal(store["frame"], frame[["n", "x"]])


@pytest.mark.consumer("pandas", read="stata", write="stata")
def test_stata(frame, url):
    frame.to_stata(f"{url}/f.dta", write_index=False)
    got = pd.read_stata(f"{url}/f.dta")
    assert list(got["n"]) == list(frame["n"])


@pytest.mark.consumer("pandas", read="xml", write="xml")
def test_html_and_xml(frame, url):
    pytest.importorskip("lxml")
    frame.head(5).to_xml(f"{url}/f.xml", index=False)
    assert list(pd.read_xml(f"{url}/f.xml")["n"]) == list(range(5))


@pytest.mark.consumer("pandas", read="fixed width")
def test_fixed_width_and_tables(frame, fs, url, place):
    fs.pipe_file(f"{place}/f.txt", b"a   b\n1   2\n3   4\n")
    assert pd.read_fwf(f"{url}/f.txt").to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert pd.read_table(f"{url}/f.txt", sep=r"\s+").to_dict("list") == {"a": [1, 3], "b": [2, 4]}
