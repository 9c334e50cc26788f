"""The table consumer × operation of docs/consumers.md, made from the marks of the tests here.

A test says with ``@pytest.mark.consumer("pandas", read="csv", write="csv")`` who it stands for and what it shows; the
words are the columns and what stands in them. The tests are read, not run, so that the page can be checked where no
consumer is installed. ``python tests/consumers/table.py`` writes the page anew.
"""

import ast
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "consumers.md"
BEGIN = "<!-- begin: made by tests/consumers/table.py -->"
END = "<!-- end -->"

CONSUMERS = {
    "pandas": "URL",
    "dask, threads": "URL",
    "dask, processes": "URL and `storage_options`, or an installed namespace",
    "pyarrow": "filesystem object, `fsspec+vfs://` URL",
    "duckdb": "`register_filesystem`, then URL",
    "polars": "file object, pyarrow dataset",
    "zarr": "URL",
    "xarray": "URL, file object",
    "h5py": "file object",
    "numpy": "file object",
    "PIL": "file object",
    "zipfile, tarfile": "file object",
    "Hugging Face datasets": "URL",
    "universal_pathlib": '`UPath("vfs://…")`',
    "fsspec": "URL chains, `open_files`, `open_local`, mappers, `rsync`",
    "notebooks": "what is displayed",
}
"""Each consumer, and how it is given the tree."""

COLUMNS = {
    "read": "read",
    "write": "write",
    "change": "append, change",
    "parts": "in parts",
    "partitioned": "partitioned",
    "compressed": "compressed",
    "faults": "faults",
    "more": "more",
}

MODULES = (
    "test_arrays.py",
    "test_arrow_filesystem.py",
    "test_chaining.py",
    "test_configuration.py",
    "test_dask.py",
    "test_dask_processes.py",
    "test_duckdb.py",
    "test_huggingface.py",
    "test_notebooks.py",
    "test_pandas.py",
    "test_pandas_formats.py",
    "test_polars.py",
    "test_pyarrow.py",
    "test_upath.py",
)
"""Where there are marks."""
LOOSE = ("test_chaining.py", "test_configuration.py", "test_notebooks.py", "test_upath.py")
"""Those of which not every test is for the page."""


def tests_of(path):
    """Return (name of the test, its marks as (consumer, {column: words})) of the tests of a module."""
    return [
        (node.name, [mark for mark in map(_mark, node.decorator_list) if mark])
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _mark(node):
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.consumer"):
        return None
    (who,) = node.args
    return ast.literal_eval(who), {word.arg: ast.literal_eval(word.value) for word in node.keywords}


def table():
    """Return the table, as lines of Markdown."""
    cells = {who: {column: [] for column in COLUMNS} for who in CONSUMERS}
    counts = dict.fromkeys(CONSUMERS, 0)
    for module in MODULES:
        for _, marks in tests_of(HERE / module):
            for who, shown in marks:
                counts[who] += 1
                for column, words in shown.items():
                    cells[who][column] += [word.strip() for word in words.split(",")]
    lines = [
        f"| consumer | given the tree by | {' | '.join(COLUMNS.values())} | tests |",
        f"|---|---|{'---|' * len(COLUMNS)}---|",
    ]
    for who, how in CONSUMERS.items():
        shown = [", ".join(dict.fromkeys(words)) or "—" for words in cells[who].values()]
        lines.append(f"| {who} | {how} | {' | '.join(shown)} | {counts[who]} |")
    return lines


def written(page):
    """Return the text *page* with the table of now."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return "\n".join([head + BEGIN, *table(), END + tail])


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
