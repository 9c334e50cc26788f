"""stat, explain and df."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

import vfscore
from vfscore.cli.app import vfs


def test_stat_shows_what_coreutils_show(run, host):
    os.chmod(host / "data" / "readme", 0o640)
    os.utime(host / "data" / "readme", ns=(1_000_000_001, 2_000_000_002))

    lines = run("stat", "/data/readme").output.splitlines()

    assert lines[0] == "  File: /data/readme"
    assert lines[1].split() == ["Size:", "8", "Blocks:", "8", "IO", "Block:", "4096", "regular", "file"]
    assert lines[3].startswith("Access: (0640/-rw-r-----)")
    assert ".000000001 " in lines[4]
    assert ".000000002 " in lines[5]
    assert lines[7].startswith(" Birth: ")


def test_stat_of_a_link_is_about_the_link_unless_told_otherwise(run):
    assert run("stat", "/data/latest").output.startswith("  File: /data/latest -> 2024/01.csv\n")
    assert "regular file" in run("stat", "-L", "/data/latest").output


def test_stat_goes_on_after_an_error(run):
    result = run("stat", "/nothing", "/part")

    assert result.stdout.startswith("  File: /part\n")
    assert result.stderr == "vfs: /nothing: No such file or directory\n"
    assert result.exit_code == 1


def test_explain_names_binding_layers_and_host_path(run, host):
    lines = run("explain", "/ref/zones.csv").output.splitlines()

    assert lines[0] == "/ref/zones.csv"
    assert any(line.split()[:2] == ["/ref", "directory"] for line in lines)
    assert f"  host path {host}/zones.csv" in lines
    assert "  layers    readonly" in lines
    assert "  answers   etfs at /ref/zones.csv" in lines


def test_explain_json_has_the_steps(run, host):
    (told,) = json.loads(run("explain", "--json", "/data/2024/01.csv").output)

    assert told["hostpath"] == f"{host}/data/2024/01.csv"
    assert [step["path"] for step in told["steps"]] == ["/", "/data", "/data/2024", "/data/2024/01.csv"]


def test_explain_shows_where_the_way_to_nothing_ends(run):
    result = run("explain", "/data/nothing")

    assert "/data/nothing  (is not there)" in result.output
    assert result.exit_code == 0


def test_explain_shows_the_device_behind_a_node(runner, host):
    if importlib.util.find_spec("vfscore_blockdev") is None:
        pytest.skip("vfscore-blockdev is not installed")
    (host / "dev.toml").write_text(
        '[[etfs]]\nkey = "/dev/p"\nsource = "zones.csv"\ntype = "blk"\nbegin = 3\nsize = 4\n', encoding="utf-8"
    )
    explain = ["--fstab", str(host / "dev.toml"), "explain", "/dev/p"]
    lines = runner.invoke(vfs, explain).output.splitlines()
    (told,) = json.loads(runner.invoke(vfs, [*explain, "--json"]).output)

    assert any(line.startswith("  device    number 197, ") and "driver rumpblk, range 3 + 4" in line for line in lines)
    assert told["device"]["bytes read"] == 0


def test_explain_names_whose_plugin_answers_and_whose_driver_a_device_has(runner, host):
    if importlib.util.find_spec("vfscore_blockdev") is None:
        pytest.skip("vfscore-blockdev is not installed")
    (host / "dev.toml").write_text('[[etfs]]\nkey = "/dev/p"\nsource = "zones.csv"\ntype = "blk"\n', encoding="utf-8")
    explain = ["--fstab", str(host / "dev.toml"), "explain", "/dev/p", "/"]
    lines = [line.split() for line in runner.invoke(vfs, explain).output.splitlines()]
    device, root = json.loads(runner.invoke(vfs, [*explain, "--json"]).output)
    version = vfscore.__version__

    assert ["plugin", "etfs_local", "(vfscore-etfs-local", f"{version})"] in lines
    assert ["driver", "rumpblk", "of", "blockdev", "(vfscore-blockdev", f"{version})"] in lines
    assert ["plugin", "vfscore", "(vfscore", f"{version})"] in lines
    assert (device["plugin"], device["distribution"], device["version"]) == (
        "etfs_local",
        "vfscore-etfs-local",
        version,
    )
    assert device["driver_plugin"] == "blockdev"
    assert (root["plugin"], root["driver_plugin"]) == ("vfscore", None)


def test_explain_names_whose_a_layer_is(tmp_path):
    (tmp_path / "itlayer.py").write_text(
        "from vfscore.plugin import Layer, hookimpl\n"
        "class Loud:\n"
        "    name = 'loud'\n"
        "    @hookimpl(wrapper=True)\n"
        "    def vop_read(self): return (yield)\n"
        "@hookimpl\n"
        "def vfs_layers(): return [Layer('loud', lambda options: Loud())]\n"
    )
    info = tmp_path / "vfscore_it-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vfscore-it\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[vfscore]\nit = itlayer\n")
    (tmp_path / "fstab.toml").write_text(
        '[[mount]]\ntype = "rumpfs"\nat = "/loud"\nlayers = ["readonly", "loud"]\n', encoding="utf-8"
    )

    done = subprocess.run(
        [sys.executable, "-m", "vfscore", "--fstab", "fstab.toml", "explain", "/loud"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "  layers    readonly, loud of it (vfscore-it 1.2)\n" in done.stdout


def test_df_has_a_line_for_each_mount(run, host):
    lines = [line.split() for line in run("df").output.splitlines()]

    assert lines[0] == ["Filesystem", "Type", "1K-blocks", "Used", "Avail", "Use%", "Mounted", "on"]
    assert sorted(line[-1] for line in lines[1:]) == ["/", "/data", "/part", "/ref/zones.csv", "/scratch"]
    assert [f"{host}/data", "etfs"] in [line[:2] for line in lines]


def test_df_human_readable_has_units(run):
    assert run("df", "-h", "/scratch").output.splitlines()[1].split()[2:5] == ["1.0M", "0", "1.0M"]


def test_df_of_a_path_shows_the_mount_it_is_on(run):
    (line,) = run("df", "/data/2024/01.csv").output.splitlines()[1:]

    assert line.split()[-1] == "/data"


def test_df_json_counts_bytes(run):
    (scratch,) = json.loads(run("df", "--json", "/scratch").output)

    assert (scratch["at"], scratch["size"], scratch["used"]) == ("/scratch", 1 << 20, 0)
