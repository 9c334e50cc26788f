"""Hugging Face datasets save, load and stream through ``vfs://``."""

import pytest

datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.filterwarnings("ignore")  # of its own making, at each version others


@pytest.fixture
def url(place):
    return "vfs:/" + place


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", str(tmp_path / "cache/downloads"))
    # Being offline it would not look at `vfs://` either; its hub is asked for nothing but the count of downloads.
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS", False)
    datasets.disable_progress_bars()


@pytest.mark.consumer("Hugging Face datasets", read="data sets", write="data sets")
def test_a_data_set_is_saved_and_loaded(url):
    made = datasets.Dataset.from_dict({"n": list(range(100))})
    made.save_to_disk(f"{url}/set")
    assert datasets.load_from_disk(f"{url}/set")["n"][-1] == 99


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.consumer("Hugging Face datasets", read="csv", parts="csv")
def test_csv_is_loaded_and_streamed(url, fs, place, streaming):
    fs.pipe_file(f"{place}/f.csv", b"n\n" + b"".join(b"%d\n" % i for i in range(100)))
    got = datasets.load_dataset("csv", data_files=f"{url}/f.csv", split="train", streaming=streaming)
    assert sum(row["n"] for row in got) == 4950


@pytest.mark.consumer("Hugging Face datasets", write="parquet")
def test_parquet_is_written(url, fs, place):
    pd = pytest.importorskip("pandas")
    datasets.Dataset.from_dict({"n": list(range(100))}).to_parquet(f"{url}/f.parquet")
    assert pd.read_parquet(f"{url}/f.parquet")["n"].sum() == 4950
