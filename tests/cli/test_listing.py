"""ls and tree."""

from __future__ import annotations

import json
import os
import shutil
import time


def test_ls_names_keys_and_mounts_one_a_line(run):
    result = run("ls")

    assert result.output == "data\npart\nref\nscratch\n"
    assert result.exit_code == 0


def test_ls_of_a_vfs_url_is_that_of_its_path(run):
    assert run("ls", "vfs://data").output == run("ls", "/data").output == "2024\nlatest\nreadme\n"


def test_ls_all_has_the_hidden_and_the_dots(run):
    assert run("ls", "-a", "/data").output.split() == [".", "..", ".hidden", "2024", "latest", "readme"]


def test_ls_of_a_file_names_it_as_it_was_asked_for(run):
    assert run("ls", "/data/readme").output == "/data/readme\n"


def test_ls_of_several_puts_files_first_and_a_heading_over_each_directory(run):
    result = run("ls", "/ref", "/data/readme", "/data/2024")

    assert result.output == "/data/readme\n\n/ref:\nzones.csv\n\n/data/2024:\n01.csv\n"


def test_ls_recursive_has_parents_before_children(run):
    result = run("ls", "-R", "/data")

    assert result.output == "/data:\n2024\nlatest\nreadme\n\n/data/2024:\n01.csv\n"


def test_ls_directory_names_the_directory_itself(run):
    assert run("ls", "-d", "/data").output == "/data\n"


def test_ls_long_is_that_of_coreutils(run, host):
    recent = time.time() - 3600
    os.utime(host / "data" / "readme", (0, recent))
    os.chmod(host / "data" / "readme", 0o640)

    line = run("ls", "-l", "/data/readme").output.split()

    assert line[:2] == ["-rw-r-----", "1"]
    assert line[4] == "8"
    assert line[5:7] == [time.strftime("%b", time.localtime(recent)), str(time.localtime(recent).tm_mday)]
    assert line[7:] == [time.strftime("%H:%M", time.localtime(recent)), "/data/readme"]


def test_ls_long_of_something_old_has_the_year(run, host):
    os.utime(host / "data" / "readme", (0, 86400 * 365))

    assert run("ls", "-l", "/data/readme").output.split()[5:8] == ["Jan", "1", "1971"]


def test_ls_long_of_a_link_shows_where_it_leads(run):
    assert run("ls", "-l", "/data").output.splitlines()[2].endswith(" latest -> 2024/01.csv")


def test_ls_long_begins_with_the_kibibytes_that_are_used(run):
    assert run("ls", "-l", "/scratch").output == "total 0\n"


def test_ls_human_readable_has_units(run, host):
    (host / "data" / "readme").write_bytes(bytes(1536))

    assert run("ls", "-lh", "/data/readme").output.split()[4] == "1.5K"


def test_ls_json_is_one_array(run):
    entries = json.loads(run("ls", "--json", "-R", "/data").output)

    assert [entry["path"] for entry in entries] == [
        "/data/2024",
        "/data/latest",
        "/data/readme",
        "/data/2024/01.csv",
    ]
    assert entries[1]["target"] == "2024/01.csv"
    assert (entries[2]["type"], entries[2]["size"]) == ("file", 8)


def test_ls_of_a_name_that_is_not_utf8_writes_its_bytes(run, host):
    (host / "data" / os.fsdecode(b"\xff")).touch()

    assert run("ls", "/data").stdout_bytes.splitlines()[-1] == b"\xff"


def test_ls_of_nothing_says_so_and_lists_the_rest(run):
    result = run("ls", "/nothing", "/ref")

    assert result.stdout == "/ref:\nzones.csv\n"
    assert result.stderr == "vfs: /nothing: No such file or directory\n"
    assert result.exit_code == 1


def test_ls_lists_what_is_dead_and_complains_only_where_it_has_to_look(run, host):
    (host / "zones.csv").unlink()

    short, long = run("ls", "/"), run("ls", "-l", "/")

    assert (short.stdout, short.stderr) == ("data\npart\nref\nscratch\n", "")
    assert long.stderr == "vfs: /part: No such file or directory\n"
    assert long.stdout.splitlines()[2].split() == ["??????????", "?", "?", "?", "?", "?", "part"]
    assert long.exit_code == 1


def test_tree_draws_what_is_where(run, host):
    result = run("tree")

    assert result.output.splitlines() == [
        "/  [rumpfs]",
        f"├── data  [etfs dir_subdirs {host}/data]",
        "│   ├── 2024",
        "│   │   └── 01.csv",
        "│   ├── latest -> 2024/01.csv",
        "│   └── readme",
        f"├── part  [etfs reg {host}/zones.csv]",
        "├── ref",
        f"│   └── zones.csv  [etfs reg {host}/zones.csv +readonly]",
        "└── scratch  [rumpfs]",
        "",
        "4 directories, 5 files",
    ]


def test_tree_stops_at_the_level_asked_for(run):
    assert run("tree", "-L", "1", "/data").output.splitlines()[1:] == [
        "├── 2024",
        "├── latest -> 2024/01.csv",
        "└── readme",
        "",
        "1 directory, 2 files",
    ]


def test_tree_of_directories_leaves_files_out(run):
    assert run("tree", "-d", "/data").output.splitlines()[1:] == ["└── 2024", "", "1 directory"]


def test_tree_draws_what_it_can_reach_and_complains_of_the_rest(run, host):
    shutil.rmtree(host / "data")

    result = run("tree")

    assert result.stdout.splitlines()[-1].startswith("3 directories, ")
    assert result.stderr == "vfs: /data: No such file or directory\n"
    assert result.exit_code == 1


def test_tree_of_a_file_is_an_error(run):
    result = run("tree", "/data/readme")

    assert result.stderr == "vfs: /data/readme: Not a directory\n"
    assert result.exit_code == 1
