"""What differs on a terminal: columns, escapes, and a progress bar that comes by itself."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def on_terminal(*args, env=None):
    """Run `vfs` with a terminal of 40 columns for output and errors, and return what it showed."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        command = [sys.executable, "-m", "vfscore", *args]
        environ = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environ | {"TERM": "xterm"}
        ) as process:
            os.close(theirs)
            theirs = -1
            said = b""
            while piece := _read(ours):
                said += piece
        return process.returncode, said.decode()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


def _read(fd):
    try:
        return os.read(fd, 1 << 16)
    except OSError:  # EIO: the last of the other side is closed
        return b""


def test_ls_has_columns(host):
    for i in range(12):
        (host / "data" / f"file{i:02}").touch()

    status, said = on_terminal("--fstab", str(host / "fstab.toml"), "ls", "/data")

    assert status == 0
    assert max(line.count("file") for line in said.splitlines()) > 1


def test_ls_escapes_what_would_talk_to_the_terminal(host):
    (host / "data" / "\x1b[2J").touch()

    _, said = on_terminal("--fstab", str(host / "fstab.toml"), "ls", "-1", "/data")

    assert "\x1b[2J" not in said
    assert "\\x1b[2J" in said


def test_a_copy_that_takes_long_draws_a_bar_for_a_single_file_too(host):
    (host / "data" / "big").write_bytes(bytes(4 << 20))
    slow = '[[etfs]]\nkey = "/slow"\nsource = "data"\ntype = "dir_subdirs"\n'
    layer = 'layers = [{ type = "faults", latency_ms = 300, op = "vop_read" }]\n'
    (host / "slow.toml").write_text(slow + layer)

    status, said = on_terminal("--fstab", str(host / "slow.toml"), "cp", "/slow/big", f"host:{host}/out")

    assert status == 0
    assert "big" in said
    assert "4.0/4.0" in said


def test_a_copy_that_is_quick_draws_nothing(host):
    assert on_terminal("--fstab", str(host / "fstab.toml"), "cp", "/data/readme", f"host:{host}/out") == (0, "")
