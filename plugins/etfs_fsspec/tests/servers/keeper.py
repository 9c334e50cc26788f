"""Keeps a server while the session lives: ``python keeper.py command…``.

When its standard input ends, because the session closed it or was killed, the server and all that it started are
killed. When the server ends by itself, so does this. A program of its own: it works when the session is dead.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the command until standard input ends."""
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def follow() -> None:
        os._exit(server.wait() or 1)

    threading.Thread(target=follow, daemon=True).start()
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
