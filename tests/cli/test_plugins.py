"""plugins and fstab check."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("vfscore_etfs_local", reason="it is the plugin that these tests know")


def test_plugins_lists_the_core_and_what_is_installed(run):
    lines = [line.split() for line in run("plugins").output.splitlines()]

    assert lines[0][:4] == ["Name", "Distribution", "Version", "Status"]
    assert any(line[1] == "vfscore-etfs-local" and line[3] == "loaded" and "etfs_backend" in line for line in lines)


def test_plugins_tells_how_much_each_serves(run):
    told = json.loads(run("plugins", "--json").output)
    (core,) = [plugin for plugin in told if plugin["distribution"] == "vfscore"]
    served = core["serves"]["filesystem rumpfs"]
    words = run("plugins", "--ops").output

    assert "vop_rename" in served
    assert "vfs_mount" in served
    assert "vop_bmap" not in served
    assert f"filesystem rumpfs: {len(served)} of " in words
    assert f"\nfilesystem rumpfs, of vfscore:\n  {' '.join(served)}\n" in words
    assert "\ndevice mem (1), of vfscore:\n  d_open " in words


def test_plugins_says_why_one_is_not_loaded(run, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-etfs-local")

    found = {plugin["distribution"]: plugin for plugin in json.loads(run("plugins", "--json").output)}

    assert found["vfscore-etfs-local"]["status"] == "blocked"
    assert "VFSCORE_DISABLE_PLUGINS" in found["vfscore-etfs-local"]["reason"]


def test_plugins_are_listed_though_the_fstab_cannot_be_booted(run, host):
    (host / "fstab.toml").write_text('[[mount]]\ntype = "nofs"\nat = "/x"\n')

    assert run("plugins").exit_code == 0
    assert run("ls").exit_code == 1


def test_fstab_check_lists_what_works(run, host):
    result = run("fstab", "check")

    lines = [line.split() for line in result.output.splitlines()]
    assert ["ok", "/data", "etfs", "dir_subdirs", f"{host}/data"] in lines
    assert ["ok", "/scratch", "rumpfs"] in lines
    assert result.exit_code == 0


def test_fstab_check_finds_every_entry_that_leads_nowhere(run, host):
    (host / "zones.csv").unlink()

    result = run("fstab", "check")

    assert "/data" in result.stdout
    assert sorted(result.stderr.splitlines()) == [
        "vfs: /part: No such file or directory",
        "vfs: /ref/zones.csv: No such file or directory",
    ]
    assert result.exit_code == 1


def test_fstab_check_takes_another_fstab(run, host):
    (host / "other.toml").write_text('[[mount]]\ntype = "rumpfs"\nat = "/other"\n')

    assert "/other" in run("fstab", "check", str(host / "other.toml")).output


def test_fstab_check_says_what_is_wrong_with_the_text(run, host):
    (host / "other.toml").write_text('[[mount]]\nkind = "rumpfs"\n')

    result = run("fstab", "check", str(host / "other.toml"))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"vfs: {host}/other.toml:")
