"""How the command fails: by one line and an exit status, never by a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from vfscore.cli.app import vfs
from vfscore.cli.session import human, message, shown
from vfscore.errors import err


def command(*args, **kwargs):
    """Run ``python -m vfscore`` as a user does."""
    env = {key: value for key, value in os.environ.items() if key != "VFSCORE_FSTAB"} | kwargs.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "vfscore", *args], capture_output=True, text=True, timeout=60, env=env, **kwargs
    )


def test_a_missing_file_is_one_line_and_exit_status_1():
    result = command("ls", "/path")

    assert result.returncode == 1
    assert result.stderr == "vfs: /path: No such file or directory\n"
    assert result.stdout == ""


def test_the_namespace_is_empty_without_an_fstab():
    result = command("ls", "-a", "/")

    assert (result.returncode, result.stdout) == (0, ".\n..\n")


def test_the_fstab_may_stand_in_the_environment(host):
    assert command("ls", env={"VFSCORE_FSTAB": str(host / "fstab.toml")}).stdout.split()[0] == "data"


def test_an_fstab_that_is_not_there_is_an_error(tmp_path):
    result = command("--fstab", str(tmp_path / "none"), "ls")

    assert result.returncode == 1
    assert result.stderr == f"vfs: {tmp_path}/none: No such file or directory\n"


def test_a_bad_fstab_says_where(tmp_path):
    (tmp_path / "fstab").write_text('[[etfs]]\nkey = "data"\n')

    result = command("--fstab", str(tmp_path / "fstab"), "ls")

    assert result.returncode == 1
    assert result.stderr.startswith(f"vfs: {tmp_path}/fstab:1: etfs[0]")
    assert "Traceback" not in result.stderr


def test_an_fstab_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "fstab").write_bytes(b"\xff")

    result = command("--fstab", str(tmp_path / "fstab"), "ls")

    assert result.returncode == 1
    assert "not UTF-8" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_option_is_exit_status_2():
    assert command("ls", "--colour-me").returncode == 2


def test_an_unknown_command_is_exit_status_2():
    assert command("dd").returncode == 2


def test_a_reader_that_leaves_early_is_no_matter(host):
    (host / "data" / "big").write_bytes(bytes(4 << 20))
    args = [sys.executable, "-m", "vfscore", "--fstab", str(host / "fstab.toml"), "cat", "/data/big"]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"\0"
        process.stdout.close()
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_an_output_that_is_full_is_an_error(host):
    with open("/dev/full", "w") as full:
        args = [sys.executable, "-m", "vfscore", "--fstab", str(host / "fstab.toml"), "ls"]
        result = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)

    assert (result.returncode, result.stderr) == (1, "vfs: No space left on device\n")


def test_an_output_that_is_closed_is_no_traceback(host):
    line = f'"{sys.executable}" -m vfscore --fstab "{host}/fstab.toml" ls >&-'
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)

    assert (result.returncode, result.stderr) == (0, "")


def test_an_interrupt_is_exit_status_130_without_a_word():
    # Whoever runs the tests in the background has SIGINT ignored, and a child inherits that.
    start = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from vfscore.cli import main; main()"
    )
    args = [sys.executable, "-c", start, "cat"]
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"x" * (1 << 20))
        process.stdin.flush()
        process.stdout.read(1 << 16)  # it reads by now
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 130


def test_help_names_every_command(runner):
    result = runner.invoke(vfs, ["--help"])

    for name in ("cat", "cp", "demo", "df", "explain", "fstab", "ls", "mkdir", "mv", "plugins", "rm", "stat", "tree"):
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_extra_it_says_what_to_install(tmp_path, missing):
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{missing!r}] = None\n")

    result = command("ls", env={"PYTHONPATH": str(tmp_path)})

    assert result.returncode == 1
    assert result.stderr == f'vfs: {missing} is not installed: pip install "vfscore[cli]"\n'


def test_a_message_names_both_paths_of_a_rename():
    assert message(err(18, "/a", "/b")) == "/a -> /b: Invalid cross-device link"


def test_a_message_has_the_hint():
    assert message(err(21, "/a", hint="copy it with -r")) == "/a: Is a directory: copy it with -r"


def test_a_message_without_an_errno_is_its_text():
    assert message(OSError("odd")) == "odd"


@pytest.mark.parametrize(
    ("name", "text"), [("a b", "a b"), ("a\nb", "a\\nb"), ("\udcff", "\\xff"), ("\x1b[m", "\\x1b[m")]
)
def test_what_a_terminal_cannot_print_is_escaped(name, text):
    assert shown(name) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1.0K"),
        (1025, "1.1K"),
        (10241, "11K"),
        (1047553, "1.0M"),
        (8258905, "7.9M"),
        (10**12, "932G"),
    ],
)
def test_human_sizes_are_those_of_coreutils(size, text):
    assert human(size) == text
