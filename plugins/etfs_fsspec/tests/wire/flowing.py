"""A program that streams through a tree, and tells how much memory it took: ``python flowing.py DESCRIPTION``.

Writes `size` bytes to ``/b/f`` and reads them back, and prints a JSON object: by how much the resident memory was over
that of the start at the most, meanwhile, and whether the bytes were right.
"""

import hashlib
import json
import random
import sys
import threading
import time

from vfscore.testing import Namespace

MIB = 1 << 20


def resident(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(f"{field}:"))


class Watch:
    """Looks at the resident memory all the time; `over` is how far it went above the start."""

    def __init__(self) -> None:
        self._start = resident("VmRSS")
        self.over = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._end.wait(0.01):
            self.over = max(self.over, resident("VmRSS") - self._start)

    def stop(self) -> int:
        """Return how far."""
        self._end.set()
        self._thread.join()
        return self.over


def main(source: str, options: dict[str, object], size: int) -> None:
    """Stream up and down."""
    piece = random.Random(1).randbytes(4 * MIB)
    sent, got = hashlib.blake2b(), hashlib.blake2b()
    with Namespace() as ns:
        ns.etfs_register("/b", source, "dir_subdirs", options=options)
        with ns.open("/b/warm", "wb") as file:
            file.write(b"x")
        with ns.open("/b/warm", "rb") as file:
            file.read()
        watch = Watch()
        start = time.monotonic()
        with ns.open("/b/f", "wb") as file:
            for number in range(size // len(piece)):
                head = number.to_bytes(8, "big")
                for part in (head, piece[8:]):
                    file.write(part)
                    sent.update(part)
        up = time.monotonic() - start
        start = time.monotonic()
        with ns.open("/b/f", "rb") as file:
            while data := file.read(MIB):
                got.update(data)
        down = time.monotonic() - start
        right = ns.sys.stat("/b/f").st_size == size and sent.digest() == got.digest()
        print(json.dumps({"over": watch.stop(), "right": right, "up": size / up / MIB, "down": size / down / MIB}))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
