"""The table of storages and what each can do, docs/backends.md: its rows are read off backends that run.

`row` says what a backend can do: from the methods that it has, from what its store says of itself (which the tests of
faults and of conformance hold it to), from attributes that it gave, and from requests counted on the wire. A row of the
page that is not that row fails the conformance of its storage; with ``VFSCORE_WRITE_MATRIX`` set it is written instead.

Locks: the page is locked while a row is written: the workers of one session may come at once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wire.log import Log

from vfscore.plugin import OpenFlag

Wire = Callable[[Callable[[], object]], Log | None]

__all__ = ["COLUMNS", "PAGE", "STORAGES", "WRITING", "kept_row", "row", "write_row"]

PAGE = Path(__file__).parents[4] / "docs" / "backends.md"
WRITING = bool(os.environ.get("VFSCORE_WRITE_MATRIX"))

STORAGES = (
    "S3 `s3://`",
    "Google `gs://`",
    "Azure `abfs://`",
    "SFTP `sftp://`",
    "FTP `ftp://`",
    "WebDAV `webdav://`",
    "HTTP `http://`",
    "HTTP without ranges",
    "HTTP without sizes",
    "files `file://`",
    "memory `memory://`",
    "zip `zip://`",
    "tar `tar://`",
    "zip in S3 `zip://…::s3://`",
    "cached S3 `simplecache::s3://`",
)
"""The rows, in this order."""

COLUMNS = (
    "storage",
    "client",
    "directories",
    "read",
    "open + read 1 KiB",
    "many at once",
    "write",
    "replaces",
    "`x`",
    "rename",
    "tells",
    "links",
)

_BULK = ("read_many", "read_ranges", "write_many", "copy_many", "remove_many", "find")
_REPLACES = {"put": "at once, by the storage", "rename": "at once, by a rename", "no": "in place"}


def row(title: str, backend: Any, small: str, large: str, wire: Wire, counted: bool) -> list[str]:
    """Return the cells of *backend*, which has the file *small* of 1 KiB and *large* of 4 MiB.

    Args:
        wire: Calls a function and returns what passed meanwhile, or None where that cannot be seen.
        counted: Whether the row tells how many requests there were.
    """

    def read(path: str, offset: int, size: int) -> None:
        backend.invalidate()
        handle = backend.open(path, OpenFlag.RDONLY)
        try:
            assert len(handle.pread(offset, size)) == size
        finally:
            handle.close()

    asked = wire(lambda: read(small, 0, 1024))
    part = wire(lambda: read(large, 3 << 20, 10))
    told = dict(backend.describe())
    ranged = told["ranges"] and (part is None or part.received < 1 << 20)
    backend.invalidate()
    attr = backend.getattr(small)
    changes = hasattr(backend, "create")
    return [
        title,
        _client(str(told["class"])),
        str(told["directories"]),
        "any range" if ranged else "from the start",
        "" if asked is None or not counted else f"{len(asked)} request" + ("s" if len(asked) != 1 else ""),
        _bulk(backend),
        _write(backend) if changes else "no",
        _REPLACES[str(told["write"])] if changes else "",
        str(told["exclusive"]) if changes else "",
        str(told["rename"]) if changes else "",
        ", ".join(_told(attr)),
        _links(backend),
    ]


def _client(name: str) -> str:
    package, _, rest = name.partition(".")
    return f"fsspec, {rest.rpartition('.')[2]}" if package == "fsspec" else package


def _bulk(backend: Any) -> str:
    missing = [name for name in _BULK if not hasattr(backend, name)]
    if not missing:
        return "all"
    return ", ".join(name for name in _BULK if name not in missing)


def _write(backend: Any) -> str:
    part = backend.store.part_size
    return f"in parts of {part >> 20} MiB" if part else "whole, at close"


def _told(attr: Any) -> list[str]:
    names: Mapping[str, str] = {
        "va_size": "size",
        "va_mtime": "mtime",
        "va_birthtime": "birth time",
        "va_etag": "etag",
        "va_mode": "mode",
        "va_uid": "owner",
    }
    return [name for field, name in names.items() if getattr(attr, field) is not None]


def _links(backend: Any) -> str:
    if not hasattr(backend, "readlink"):
        return "no"
    return "yes" if hasattr(backend, "symlink") else "read"


def kept_row(title: str) -> list[str]:
    """Return the cells of the row *title* as the page has them; empty if it has none."""
    for line in _lines():
        cells = _cells(line)
        if cells[:1] == [title]:
            return cells
    return []


def write_row(cells: list[str]) -> None:
    """Put a row into the page, in place of the one that is there."""
    PAGE.touch()
    with open(PAGE, "r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        rows = {one[0]: one for line in page.read().splitlines() if (one := _cells(line)) and one[0] in STORAGES}
        rows[cells[0]] = cells
        table = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
        table += [_line(rows[title]) for title in STORAGES if title in rows]
        page.seek(0)
        page.truncate()
        page.write(_TEXT.format(table="\n".join(table)))


def _lines() -> list[str]:
    return PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")


_TEXT = """\
# What each storage can do

Made by the tests of `plugins/etfs_fsspec`, off backends that run on real servers, and checked there: the conformance of
a storage fails when its row is another one. To write the page anew:

```console
$ VFSCORE_WRITE_MATRIX=1 tox -e etfs_fsspec -- plugins/etfs_fsspec/tests -k matrix
```

{table}

- **directories**: *real* ones are there until they are removed. Where they are *implied by names*, one is there while
  something is below it; one that was made, or emptied through vfscore, is remembered by the process.
- **read**: *any range* is one request, merged with its neighbours in `read_ranges`. *From the start*: the answer is
  read as far as it is asked for, and kept in a temporary file.
- **open + read 1 KiB**: requests to the storage for a file of which nothing is known, as counted on the wire, where it
  speaks HTTP and no cache of fsspec's stands before it. The first of a connection may take one more, for a login.
- **many at once**: the bulk calls that there are (*all*: `read_many`, `read_ranges`, `write_many`, `copy_many`,
  `remove_many`, `find`); what is not there is a loop over single calls.
- **write**: a file being written is kept in a temporary one, where any part of it can be written again, and is stored
  as a whole at close or fsync. *In parts*: one that is written from its start to its end is sent meanwhile, and is put
  in its place by the last request.
- **replaces**: how the new content takes the place of the old. *At once*: who reads has the old or the new file, and a
  write that fails leaves the old one. *In place*: while it is stored, others may see a part of it.
- **`x`**: whether the storage itself refuses to make a file that is there, or it is only looked for before.
- **rename**: *copy*: all is copied, then the old names are removed; nothing is removed before everything is copied.
- **tells**: the attributes that it has of a file. With an etag, a file that is replaced while it is read is noticed.
"""
