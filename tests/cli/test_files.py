"""cat, mkdir, rm and mv."""

from __future__ import annotations

import os
import stat

import pytest

# -- cat ---------------------------------------------------------------------------------------------------------------


def test_cat_joins_files(run):
    result = run("cat", "/data/readme", "/part", "vfs://data/latest")

    assert result.stdout_bytes == b"read me\n3456a,b\n1,2\n"
    assert result.exit_code == 0


def test_cat_of_a_dash_is_standard_input(run):
    assert run("cat", "/part", "-", input=b"\xff\0").stdout_bytes == b"3456\xff\0"


def test_cat_of_nothing_named_is_standard_input(run):
    assert run("cat", input=b"x").stdout_bytes == b"x"


def test_cat_goes_on_after_an_error(run):
    result = run("cat", "/nothing", "/data", "/part")

    assert result.stdout == "3456"
    assert result.stderr == "vfs: /nothing: No such file or directory\nvfs: /data: Is a directory\n"
    assert result.exit_code == 1


# -- mkdir -------------------------------------------------------------------------------------------------------------


def test_mkdir_makes_directories_on_the_host(run, host):
    assert run("mkdir", "/data/a", "/data/b").exit_code == 0

    assert (host / "data" / "a").is_dir()
    assert (host / "data" / "b").is_dir()


def test_mkdir_parents_makes_what_is_missing_and_accepts_what_is_there(run, host):
    assert run("mkdir", "-p", "/data/a/b/c", "/data/2024").exit_code == 0

    assert (host / "data" / "a" / "b" / "c").is_dir()


def test_mkdir_mode_is_octal(run, host):
    assert run("mkdir", "-m", "700", "/data/a").exit_code == 0

    assert stat.S_IMODE((host / "data" / "a").stat().st_mode) == 0o700


def test_mkdir_mode_that_is_no_number_is_a_usage_error(run):
    assert run("mkdir", "-m", "rwx", "/data/a").exit_code == 2


def test_mkdir_of_what_is_there_is_an_error(run):
    result = run("mkdir", "/data/2024")

    assert result.stderr == "vfs: /data/2024: File exists\n"
    assert result.exit_code == 1


def test_mkdir_below_nothing_is_an_error(run):
    assert run("mkdir", "/data/a/b").stderr == "vfs: /data/a/b: No such file or directory\n"


# -- rm ----------------------------------------------------------------------------------------------------------------


def test_rm_removes_files_and_links(run, host):
    result = run("rm", "-v", "/data/readme", "/data/latest")

    assert result.output == "removed /data/readme\nremoved /data/latest\n"
    assert sorted(os.listdir(host / "data")) == [".hidden", "2024"]
    assert (host / "data" / "2024" / "01.csv").exists()


def test_rm_of_a_directory_is_an_error(run, host):
    result = run("rm", "/data/2024")

    assert result.stderr == "vfs: /data/2024: Is a directory\n"
    assert result.exit_code == 1
    assert (host / "data" / "2024").is_dir()


def test_rm_recursive_removes_a_tree(run, host):
    assert run("rm", "-r", "/data/2024/").exit_code == 0

    assert not (host / "data" / "2024").exists()


def test_rm_recursive_does_not_follow_links(run, host):
    (host / "data" / "link").symlink_to("2024")

    assert run("rm", "-r", "/data/link").exit_code == 0
    assert (host / "data" / "2024" / "01.csv").exists()


def test_rm_force_does_not_mind_what_is_missing(run):
    result = run("rm", "-f", "/data/nothing")

    assert (result.exit_code, result.output) == (0, "")


def test_rm_of_what_is_missing_is_an_error_and_the_rest_goes(run, host):
    result = run("rm", "/data/nothing", "/data/readme")

    assert result.stderr == "vfs: /data/nothing: No such file or directory\n"
    assert result.exit_code == 1
    assert not (host / "data" / "readme").exists()


def test_rm_of_a_key_is_refused(run, host):
    result = run("rm", "/part")

    assert result.stderr == "vfs: /part: Device or resource busy\n"
    assert (host / "zones.csv").exists()


@pytest.mark.parametrize("root", ["/", "//", "/data/..", "vfs://"])
def test_rm_of_the_root_is_refused_and_removes_nothing(run, host, root):
    result = run("rm", "-rf", root)

    assert result.exit_code == 1
    assert result.stderr.startswith("vfs: ")
    assert (host / "data" / "2024" / "01.csv").exists()


def test_rm_of_one_file_system_leaves_what_is_bound_below(run, host, tmp_path):
    nested = (
        '[[mount]]\ntype = "rumpfs"\nat = "/top"\n[[etfs]]\nkey = "/top/data"\nsource = "data"\ntype = "dir_subdirs"\n'
    )
    (host / "fstab.toml").write_text(nested)

    result = run("rm", "-r", "--one-file-system", "/top/data/..")
    assert result.exit_code == 1

    result = run("rm", "-r", "--one-file-system", "/top")
    assert result.stderr == "vfs: /top/data: Invalid cross-device link: left alone, it is another mount\n"
    assert (host / "data" / "2024" / "01.csv").exists()


def test_rm_of_a_read_only_file_says_so(run, host):
    result = run("rm", "/ref/zones.csv")

    assert result.exit_code == 1
    assert result.stderr.startswith("vfs: /ref/zones.csv: ")
    assert (host / "zones.csv").exists()


def test_rm_without_a_path_is_a_usage_error(run):
    assert run("rm").exit_code == 2
    assert run("rm", "-f").exit_code == 0


@pytest.mark.slow
def test_trees_deeper_than_the_recursion_of_python_are_copied_drawn_and_removed(run, host):
    fd = os.open(host / "data", os.O_RDONLY)
    try:
        for _ in range(1100):
            os.mkdir("d", dir_fd=fd)
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
    finally:
        os.close(fd)

    assert run("tree", "/data/d").output.splitlines()[-1] == "1099 directories, 0 files"
    assert run("cp", "-r", "/data/d", "/data/e").output == ""
    assert run("rm", "-r", "/data/d", "/data/e").output == ""
    assert not (host / "data" / "d").exists()
    assert not (host / "data" / "e").exists()


# -- mv ----------------------------------------------------------------------------------------------------------------


def test_mv_renames(run, host):
    assert run("mv", "/data/readme", "/data/README").exit_code == 0

    assert (host / "data" / "README").read_bytes() == b"read me\n"
    assert not (host / "data" / "readme").exists()


def test_mv_into_a_directory_keeps_the_name(run, host):
    assert run("mv", "/data/readme", "/data/latest", "/data/2024").exit_code == 0

    assert sorted(os.listdir(host / "data" / "2024")) == ["01.csv", "latest", "readme"]


def test_mv_from_the_host_moves_a_tree_with_its_times_and_modes(run, host):
    (host / "src" / "deep").mkdir(parents=True)
    (host / "src" / "deep" / "x").write_bytes(b"x")
    os.chmod(host / "src" / "deep" / "x", 0o640)
    os.utime(host / "src" / "deep" / "x", ns=(1, 2_000_000_003))
    os.utime(host / "src" / "deep", ns=(5, 7_000_000_000))

    assert run("mv", f"host:{host}/src", "/data/moved").output == ""

    moved = host / "data" / "moved" / "deep"
    assert not (host / "src").exists()
    assert (moved / "x").stat().st_mtime_ns == 2_000_000_003
    assert moved.stat().st_mtime_ns == 7_000_000_000
    assert stat.S_IMODE((moved / "x").stat().st_mode) == 0o640


def test_mv_to_another_mount_is_a_copy_and_a_removal(run, host):
    assert run("mv", "-v", "/data/readme", "/scratch/").output == "/data/readme -> /scratch/readme\n"

    assert not (host / "data" / "readme").exists()


def test_mv_that_cannot_be_finished_keeps_the_source(run, host):
    (host / "data" / "big").write_bytes(bytes(2 << 20))

    result = run("mv", "/data/big", "/scratch/")

    assert result.stderr == "vfs: /scratch/big: No space left on device\n"
    assert result.exit_code == 1
    assert (host / "data" / "big").stat().st_size == 2 << 20


def test_mv_no_clobber_leaves_what_is_there(run, host):
    (host / "data" / "other").write_bytes(b"other")

    assert run("mv", "-n", "/data/readme", "/data/other").exit_code == 0
    assert (host / "data" / "other").read_bytes() == b"other"
    assert (host / "data" / "readme").exists()


def test_mv_of_a_key_is_refused(run):
    result = run("mv", "/part", "/scratch/part")

    assert result.stderr == "vfs: /part: Device or resource busy\n"
    assert result.exit_code == 1


def test_mv_of_several_to_what_is_no_directory_is_an_error(run):
    assert run("mv", "/data/readme", "/data/latest", "/part").stderr == "vfs: /part: Not a directory\n"


def test_mv_of_one_path_alone_is_a_usage_error(run):
    assert run("mv", "/part").exit_code == 2


def test_mv_of_a_link_to_a_directory_replaces_a_file_of_another_mount(run, host):
    (host / "sub").mkdir()
    (host / "link").symlink_to("sub")
    (host / "data" / "link").write_bytes(b"old")

    result = run("mv", f"host:{host}/link", "/data/link")

    assert result.stderr == ""
    assert os.readlink(host / "data" / "link") == "sub"
    assert not os.path.lexists(host / "link")
    assert (host / "sub").is_dir()


def test_mv_of_a_link_leaves_a_directory_of_another_mount_that_has_its_name(run, host):
    (host / "link").symlink_to("sub")
    (host / "sub").mkdir()
    (host / "data" / "link").mkdir()

    result = run("mv", f"host:{host}/link", "/data/")

    assert result.exit_code == 1
    assert "Is a directory" in result.stderr
    assert os.readlink(host / "link") == "sub"
    assert (host / "data" / "link").is_dir()
    assert not (host / "data" / "link").is_symlink()


def test_mv_replaces_a_link_of_another_mount_and_not_what_it_leads_to(run, host):
    (host / "new").write_bytes(b"new")

    assert run("mv", f"host:{host}/new", "/data/latest").exit_code == 0

    assert (host / "data" / "2024" / "01.csv").read_bytes() == b"a,b\n1,2\n"
    assert not (host / "data" / "latest").is_symlink()
    assert (host / "data" / "latest").read_bytes() == b"new"


def test_mv_of_a_tree_replaces_an_empty_directory_of_another_mount(run, host):
    (host / "data" / "new" / "sub").mkdir(parents=True)
    (host / "sub").mkdir()
    (host / "sub" / "f").write_bytes(b"x")

    assert run("mv", f"host:{host}/sub", "/data/new").exit_code == 0

    assert (host / "data" / "new" / "sub" / "f").read_bytes() == b"x"
    assert not (host / "sub").exists()


def test_mv_of_what_is_missing_is_an_error(run, host):
    result = run("mv", "/data/nope", "/data/new")

    assert result.stderr.startswith("vfs: /data/nope")
    assert "No such file or directory" in result.stderr
    assert result.exit_code == 1


def test_rm_verbose_says_what_is_removed_and_mkdir_verbose_what_is_made(run, host):
    assert run("rm", "-rv", "/data/2024").stdout.splitlines() == ["removed /data/2024/01.csv", "removed /data/2024"]
    assert run("mkdir", "-v", "/data/new").stdout == "made /data/new\n"


def test_rm_recursive_of_a_mount_point_empties_it_and_says_that_it_stays(run, host):
    result = run("rm", "-r", "/data")

    assert "/data" in result.stderr
    assert "busy" in result.stderr
    assert result.exit_code == 1
    assert list((host / "data").iterdir()) == []
