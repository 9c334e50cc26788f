"""Threads that begin together, change places often, and must all come back."""

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import vfscore

LIMIT = 60.0
"""Seconds after which threads that do not return are taken for a deadlock, and shown."""


@pytest.fixture
def ns() -> Iterator[vfscore.Namespace]:
    with vfscore.Namespace() as namespace:
        yield namespace


@pytest.fixture(autouse=True)
def _change_places_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def together() -> Callable[..., None]:
    """Return a function that runs *jobs* in a thread each and raises what the first failing one raised."""

    def run(*jobs: Callable[[], object]) -> None:
        errors: list[BaseException] = []
        begin = threading.Barrier(len(jobs))

        def work(job: Callable[[], object]) -> None:
            begin.wait(LIMIT)
            try:
                job()
            except BaseException as e:  # noqa: BLE001 - it is raised again, in the test's own thread
                errors.append(e)

        threads = [threading.Thread(target=work, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        end = time.monotonic() + LIMIT
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            faulthandler.dump_traceback()
            pytest.fail("a deadlock: not all threads came back")
        if errors:
            raise errors[0]

    return run


class Clock:
    """True while there is time left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __bool__(self) -> bool:
        return time.monotonic() < self._end


@pytest.fixture
def clock() -> Callable[[float], Clock]:
    return Clock
