"""Forks in tests: a child in which something is checked, and a parent's thread that is in the midst of something."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

LIMIT = 30
"""Seconds after which a child is taken for one that waits for ever."""
FORKS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
"""Marks a test that forks with threads on purpose."""


def in_child(check: Callable[[], object]) -> bool:
    """Return whether *check* says True in a child, within LIMIT seconds."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT)
        try:
            os._exit(0 if check() is True else 1)
        except BaseException:  # noqa: BLE001 - it is shown here: nothing of a child reaches the test
            traceback.print_exc()
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@contextmanager
def beside(work: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """Have a thread do *work*, which calls what it is given where it is to stay until the end of the block."""
    there, go_on = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def stay() -> None:
        there.set()
        go_on.wait()

    def run() -> None:
        try:
            work(stay)
        except BaseException as exc:  # noqa: BLE001 - it is raised again, in the test's own thread
            failed.append(exc)
        finally:
            there.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    there.wait()
    try:
        yield
    finally:
        go_on.set()
        thread.join()
        if failed:
            raise failed[0]
