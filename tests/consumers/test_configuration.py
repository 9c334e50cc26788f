"""Which tree ``vfs://`` means: options, fsspec's own configuration, what is installed, the environment."""

import json
import os
import subprocess
import sys

import fsspec
import pytest
import tomli_w

import vfscore

_READ = "import fsspec; print(fsspec.filesystem('vfs').cat_file('/host/x').decode())"


@pytest.fixture
def described(host, tmp_path):
    (host / "x").write_text("found")
    path = tmp_path / "fstab.toml"
    path.write_text(f'[[etfs]]\nkey = "/host"\nsource = {json.dumps(str(host))}\ntype = "dir"\n')
    return path


def _run(tmp_path, **env):
    env = {**os.environ, "FSSPEC_CONFIG_DIR": str(tmp_path / "conf"), **env}
    done = subprocess.run([sys.executable, "-c", _READ], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "env",
    [
        lambda path: {"VFSCORE_FSTAB": path},
        lambda path: {"FSSPEC_VFS_FSTAB": path},
        lambda path: {"FSSPEC_VFS": json.dumps({"fstab": path})},
    ],
    ids=["VFSCORE_FSTAB", "FSSPEC_VFS_FSTAB", "FSSPEC_VFS"],
)
@pytest.mark.consumer("fsspec", more="configuration")
def test_the_environment_says_what_vfs_means(described, tmp_path, env):
    assert _run(tmp_path, **env(str(described))) == "found"


@pytest.mark.parametrize("form", ["json", "ini"])
def test_a_configuration_file_of_fsspec_says_what_vfs_means(described, tmp_path, form):
    (tmp_path / "conf").mkdir()
    text = json.dumps({"vfs": {"fstab": str(described)}}) if form == "json" else f"[vfs]\nfstab = {described}\n"
    (tmp_path / "conf" / f"mine.{form}").write_text(text)
    assert _run(tmp_path) == "found"


def test_the_first_that_says_which_tree_is_meant_is_asked(tmp_path, monkeypatch):
    def described(word):
        (tmp_path / word).write_text(word)
        return {"etfs": [{"key": "/who", "source": str(tmp_path / word), "type": "reg"}]}

    def meant(**options):
        fs = fsspec.filesystem("vfs", **options)
        return fs.cat_file("/who").decode() if fs.exists("/who") else "nobody"

    vfscore.namespace.uninstall()
    assert meant() == "nobody"
    (tmp_path / "fstab.toml").write_text(tomli_w.dumps(described("variable")))
    monkeypatch.setenv("VFSCORE_FSTAB", str(tmp_path / "fstab.toml"))
    assert meant() == "variable"
    with vfscore.Namespace(described("installed")) as ns:
        ns.install()
        assert meant() == "installed"
        monkeypatch.setitem(fsspec.config.conf, "vfs", {"fstab": described("configured")})
        assert meant() == "configured"
        assert meant(fstab=described("options")) == "options"
        monkeypatch.delitem(fsspec.config.conf, "vfs")
        assert meant() == "installed"
    assert meant() == "variable"
