"""A TCP proxy that cuts: for servers that do not speak HTTP.

A thread accepts, two threads per connection pass bytes on. Locks: `_lock` guards the open connections.
"""

import contextlib
import socket
import struct
import threading
from typing import Final

__all__ = ["Cutter"]

LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Cutter:
    """Pass on what comes at `port` to *port* of this machine, until told to cut.

    Attributes:
        allowance: How many bytes the server may still send, over all connections, before all are reset; None: any.
        refusing: New connections are reset at once.
    """

    def __init__(self, port: int) -> None:
        self.allowance: int | None = None
        self.upload_allowance: int | None = None
        self.refusing = False
        self.cuts = 0
        self._target = port
        self._lock = threading.Lock()
        self._open: set[tuple[socket.socket, socket.socket]] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="cutter", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Reset all connections."""
        with self._lock:
            pairs, self._open = self._open, set()
        for pair in pairs:
            self.cuts += 1
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                    end.shutdown(socket.SHUT_RD)  # wakes the thread that reads
                end.close()

    def close(self) -> None:
        """Stop listening and reset all connections."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if self.refusing:
                self.cuts += 1
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._open.add((client, server))
            for source, sink, down in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._pass, args=(source, sink, (client, server), down), name="cutter", daemon=True
                ).start()

    def _pass(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket], down: bool
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                if self._spent(len(data), down):
                    self.cut()
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut, or one side has gone
        if down:  # the server has said all
            with self._lock:
                self._open.discard(pair)
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _spent(self, size: int, down: bool) -> bool:
        """Take *size* from the allowance of one direction; return whether it is used up."""
        name = "allowance" if down else "upload_allowance"
        with self._lock:
            left = getattr(self, name)
            if left is None:
                return False
            setattr(self, name, left - size)
            return bool(left < size)
