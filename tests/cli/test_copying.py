"""cp: within the namespace, and between it and the host."""

from __future__ import annotations

import os
import stat

import pytest

from vfscore.cli.app import vfs


def test_cp_from_the_host(run, host):
    (host / "x.csv").write_bytes(b"x")

    assert run("cp", f"host:{host}/x.csv", "/data/").exit_code == 0
    assert (host / "data" / "x.csv").read_bytes() == b"x"


def test_cp_from_a_file_url(run, host):
    (host / "a b.csv").write_bytes(b"x")

    assert run("cp", f"file://{host}/a%20b.csv", "vfs://data/").exit_code == 0
    assert (host / "data" / "a b.csv").read_bytes() == b"x"


def test_cp_of_a_file_url_of_another_host_is_a_usage_error(run):
    assert run("cp", "file://elsewhere/x", "/data/").exit_code == 2


def test_cp_to_a_relative_path_of_the_host(run, host, monkeypatch):
    monkeypatch.chdir(host)

    assert run("cp", "/part", "host:out").exit_code == 0
    assert (host / "out").read_bytes() == b"3456"


def test_cp_replaces_what_is_there(run, host):
    assert run("cp", "/part", "/data/readme").exit_code == 0
    assert (host / "data" / "readme").read_bytes() == b"3456"


def test_cp_no_clobber_does_not(run, host):
    assert run("cp", "-n", "/part", "/data/readme").exit_code == 0
    assert (host / "data" / "readme").read_bytes() == b"read me\n"


def test_cp_follows_links_unless_recursive(run, host):
    assert run("cp", "/data/latest", "/data/copy").exit_code == 0
    assert run("cp", "-r", "/data/latest", "/data/link").exit_code == 0

    assert (host / "data" / "copy").read_bytes() == b"a,b\n1,2\n"
    assert os.readlink(host / "data" / "link") == "2024/01.csv"


def test_cp_of_a_directory_wants_recursive(run, host):
    result = run("cp", "/data", "host:" + str(host / "copy"))

    assert result.stderr == "vfs: /data: Is a directory: copy it with -r\n"
    assert result.exit_code == 1


def test_cp_recursive_copies_a_tree_to_the_host(run, host):
    assert run("cp", "-r", "/data", f"host:{host}/copy").output == ""

    assert sorted(os.listdir(host / "copy")) == [".hidden", "2024", "latest", "readme"]
    assert (host / "copy" / "2024" / "01.csv").read_bytes() == b"a,b\n1,2\n"
    assert os.readlink(host / "copy" / "latest") == "2024/01.csv"


def test_cp_recursive_into_a_directory_that_is_there_goes_below_it(run, host):
    assert run("cp", "-r", "/data/2024", "/data/2024", f"host:{host}").exit_code == 0
    assert (host / "2024" / "01.csv").exists()


def test_cp_recursive_keeps_the_mode_of_a_directory_that_it_could_not_fill(run, host):
    (host / "src").mkdir()
    (host / "src" / "x").touch()
    os.chmod(host / "src", 0o555)

    assert run("cp", "-r", f"host:{host}/src", "/data/dst").output == ""
    assert stat.S_IMODE((host / "data" / "dst").stat().st_mode) == 0o555


def test_cp_recursive_copies_fifos_as_fifos(run, host):
    os.mkfifo(host / "pipe")

    assert run("cp", "-r", f"host:{host}/pipe", "/scratch/pipe").output == ""


def test_cp_preserve_keeps_times_and_mode(run, host):
    os.chmod(host / "zones.csv", 0o600)
    os.utime(host / "zones.csv", ns=(1_000_000_001, 2_000_000_002))

    assert run("cp", "-p", "/ref/zones.csv", "/data/zones.csv").output == ""

    st = (host / "data" / "zones.csv").stat()
    assert (st.st_atime_ns, st.st_mtime_ns) == (1_000_000_001, 2_000_000_002)
    assert stat.S_IMODE(st.st_mode) == 0o600


def test_cp_within_gives_a_new_file_the_mode_of_the_old_one(run, host):
    os.chmod(host / "data" / "readme", 0o750)

    assert run("cp", "/data/readme", "/data/copy").output == ""
    assert run("cp", "-p", "/data/readme", "/data/kept").output == ""

    assert stat.S_IMODE((host / "data" / "copy").stat().st_mode) == 0o750
    assert (host / "data" / "kept").stat().st_mtime_ns == (host / "data" / "readme").stat().st_mtime_ns


def test_cp_within_counts_the_bytes(run, host):
    result = run("cp", "--progress", "/data/2024/01.csv", "/data/copy")

    assert result.exit_code == 0
    assert "8/8 bytes" in result.stderr


def test_cp_verbose_says_what_goes_where(run, host):
    assert run("cp", "-v", "/part", f"host:{host}/out").output == f"/part -> host:{host}/out\n"


def test_cp_onto_itself_is_refused(run, host):
    result = run("cp", "/data/readme", "/data/../data/readme")

    assert result.exit_code == 1
    assert "they are the same file" in result.stderr
    assert (host / "data" / "readme").read_bytes() == b"read me\n"


@pytest.mark.parametrize("way", ["out", "in"])
def test_cp_of_a_host_file_onto_itself_through_its_binding_is_refused(run, host, way):
    paths = ["/data/readme", f"host:{host}/data/readme"]

    result = run("cp", *(paths if way == "out" else reversed(paths)))

    assert result.exit_code == 1
    assert (host / "data" / "readme").read_bytes() == b"read me\n"


def test_cp_of_a_directory_into_itself_is_refused_and_ends(run, host):
    result = run("cp", "-r", "/data/2024", "/data/2024/again")

    assert result.exit_code == 1
    assert "not copied into itself" in result.stderr
    assert os.listdir(host / "data" / "2024" / "again") == ["01.csv"]


def test_cp_of_a_host_directory_into_its_binding_ends(run, host):
    result = run("cp", "-r", f"host:{host}/data", "/data/again")

    assert result.exit_code == 1
    assert sorted(os.listdir(host / "data" / "again")) == [".hidden", "2024", "latest", "readme"]


def test_cp_goes_on_after_an_error(run, host):
    result = run("cp", "/nothing", "/part", f"host:{host}/data")

    assert result.stderr == "vfs: /nothing: No such file or directory\n"
    assert result.exit_code == 1
    assert (host / "data" / "part").read_bytes() == b"3456"


def test_cp_of_several_to_nothing_is_an_error(run):
    assert run("cp", "/part", "/data/readme", "/data/none").stderr == "vfs: /data/none: No such file or directory\n"


def test_cp_to_a_full_mount_names_the_file(run, host):
    (host / "data" / "big").write_bytes(bytes(2 << 20))

    result = run("cp", "/data/big", "/scratch/big")

    assert result.stderr == "vfs: /scratch/big: No space left on device\n"
    assert result.exit_code == 1


def test_cp_to_a_read_only_binding_is_refused(run, host):
    result = run("cp", "/part", "/ref/zones.csv")

    assert result.stderr == "vfs: /ref/zones.csv: Read-only file system\n"
    assert (host / "zones.csv").read_bytes() == b"0123456789"


def test_cp_to_a_window_that_cannot_be_cut_is_refused(run, host):
    (host / "long").write_bytes(b"abcdefgh")

    result = run("cp", f"host:{host}/long", "/part")

    assert result.stderr.startswith("vfs: /part: Invalid argument: ")
    assert (host / "zones.csv").read_bytes() == b"0123456789"


def test_cp_progress_is_drawn_on_standard_error(run, host):
    (host / "big").write_bytes(bytes(3 << 20))

    result = run("cp", "--progress", f"host:{host}/big", "/data/")

    assert result.stdout == ""
    assert "big" in result.stderr
    assert "3.0/3.0 MiB" in result.stderr


def test_cp_draws_nothing_where_standard_error_is_no_terminal(run, host):
    assert run("cp", "/part", f"host:{host}/out").stderr == ""


def test_other_commands_take_no_paths_of_the_host(runner):
    result = runner.invoke(vfs, ["cat", "host:/etc/passwd"])

    assert result.exit_code == 2
    assert "only cp and mv take paths of the host" in result.stderr


def test_cp_recursive_replaces_a_link_by_a_link(run, host):
    (host / "data" / "other").symlink_to("readme")

    assert run("cp", "-r", "/data/latest", "/data/other").exit_code == 0

    assert os.readlink(host / "data" / "other") == "2024/01.csv"
    assert (host / "data" / "readme").read_bytes() == b"read me\n"


def test_cp_preserve_keeps_what_a_link_and_a_directory_that_is_there_have(run, host):
    os.utime(host / "data" / "latest", ns=(5, 5), follow_symlinks=False)
    (host / "data" / "2024").chmod(0o750)
    os.utime(host / "data" / "2024", ns=(7, 7))
    (host / "copy" / "data" / "2024").mkdir(parents=True)

    assert run("cp", "-rp", "/data", f"host:{host}/copy").exit_code == 0

    link, sub = (os.lstat(host / "copy" / "data" / name) for name in ("latest", "2024"))
    assert (link.st_mtime_ns, stat.S_ISLNK(link.st_mode)) == (5, True)
    assert (sub.st_mtime_ns, stat.S_IMODE(sub.st_mode)) == (7, 0o750)


def test_cp_progress_of_a_tree_is_of_all_its_bytes(run, host):
    result = run("cp", "-r", "--progress", "/data", f"host:{host}/copy")

    assert result.exit_code == 0
    assert "16/16 bytes" in " ".join(result.stderr.split())
