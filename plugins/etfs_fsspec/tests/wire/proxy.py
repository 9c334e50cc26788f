"""An HTTP/1.1 reverse proxy that counts requests, makes them slow, and breaks them where it is told to.

One event loop in one thread of its own. Each request goes to the server on a connection of its own, so that what is
done to the client's connection is never the server's doing. The whole request is read before any of it is sent on
(unless it is to be cut in the middle), so the server has either executed a request or never seen it: which of the two
belongs to the fault.

Locks: `_lock` guards the log and the armed faults; it is held for no I/O.
"""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from wire import framing
from wire.log import Head, Log, Request, s3_kind

__all__ = ["ALWAYS", "Fault", "Proxy"]

LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""
ALWAYS: Final = 1 << 30
READ: Final = 1 << 16


@dataclass
class Fault:
    """What is to go wrong, and when.

    Attributes:
        what: One of

            - ``cut``: the connection ends before the server sees the request;
            - ``cut-upload``: it ends after `at` bytes of the request's body;
            - ``lost``: the server does it, the answer never comes;
            - ``cut-body``: the connection ends after `at` bytes of the answer's body;
            - ``shorten``: an answer of `at` bytes that says it is whole;
            - ``delay``: all comes `seconds` later; ``hang``: no answer, ever;
            - ``status``: an error instead of doing it; ``status-after``: an error after doing it;
            - ``deny-keys``: a bulk delete refuses the keys that `keys` matches, and does the others.
        kind: Of which requests; None: of any.
        nth: From which on, counted from when it is armed.
        times: How many of them.
        reset: Cut with a reset, not with an end of file.
        path: A pattern that the path of the request must contain.
    """

    what: str
    kind: str | None = None
    nth: int = 1
    times: int = 1
    at: int = 0
    reset: bool = True
    status: int = 500
    code: str = "InternalError"
    seconds: float = 0.0
    keys: str = ""
    path: str = ""
    seen: int = field(default=0, compare=False)
    done: int = field(default=0, compare=False)

    def meets(self, kind: str, head: Head) -> bool:
        """Count a request that may be meant; return whether it is."""
        if (self.kind is not None and kind != self.kind) or not re.search(self.path, head.path):
            return False
        self.seen += 1
        if self.nth <= self.seen < self.nth + self.times:
            self.done += 1
            return True
        return False


class _Cut(Exception):
    """The client's connection ends here."""

    def __init__(self, reset: bool) -> None:
        super().__init__(reset)
        self.reset = reset


class Proxy:
    """The proxy in front of the server at *host*:*port*; `url` is where clients ask instead.

    Attributes:
        latency: Seconds that pass before a request is sent on.
        page: If not 0, how many keys a listing of S3 has on a page.
    """

    def __init__(self, host: str, port: int, kind: Callable[[Head], str] = s3_kind) -> None:
        self.latency = 0.0
        self.page = 0
        self.passed = Log()
        self.injected = 0
        self._server = (host, port)
        self._kind = kind
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._socket.set_inheritable(False)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="proxy", daemon=True)
        self._thread.start()
        started.wait()

    # -- what a test says ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def broken(self, *faults: Fault) -> Iterator[Log]:
        """Arm *faults* meanwhile; what passes meanwhile is in the log it gives."""
        with self._lock:
            self._faults.extend(faults)
        try:
            with self.counting() as log:
                yield log
        finally:
            with self._lock:
                for fault in faults:
                    self._faults.remove(fault)

    @contextlib.contextmanager
    def counting(self) -> Iterator[Log]:
        """Give a log, to be read when the block is over: of what passed meanwhile."""
        with self._lock:
            begin = len(self.passed)
        log = Log()
        yield log
        with self._lock:
            log.extend(self.passed[begin:])

    def close(self) -> None:
        """Stop listening and cut all connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    # -- its life --------------------------------------------------------------------------------------------------

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._client, sock=self._socket, limit=1 << 20)
        started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        reset = False
        try:
            while await self._request(reader, writer):
                pass
        except _Cut as cut:
            reset = cut.reset
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client has gone
        except asyncio.CancelledError:
            reset = True
        finally:
            self._tasks.discard(task)
            if reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                writer.transport.abort()
            else:
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    writer.close()
                    await writer.wait_closed()

    # -- one request -----------------------------------------------------------------------------------------------

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection may be used for another."""
        raw = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = raw.decode("latin-1").partition("\r\n")
        method, target, _ = line.split(" ", 2)
        head = Head(method, target, framing.headers(rest))
        kind = self._kind(head)
        request = Request(kind, head)
        with self._lock:
            self.passed.append(request)
            fault = next((f for f in self._faults if f.meets(kind, head)), None)
            if fault is not None:
                self.injected += 1
                request.fault = fault.what
        what = fault.what if fault is not None else ""
        if fault is not None and what == "cut":
            raise _Cut(fault.reset)
        if head.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
        body = await self._body(reader, head, request, fault if what == "cut-upload" else None)
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault is not None:
            if what == "delay":
                await asyncio.sleep(fault.seconds)
            elif what == "hang":
                await reader.read()  # until the client has had enough
                raise _Cut(True)
            elif what == "status":
                return await _error(writer, request, fault)
        return await self._forward(writer, request, body, fault)

    async def _body(self, reader: asyncio.StreamReader, head: Head, request: Request, cut: Fault | None) -> bytes:
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            body = bytearray()
            while True:
                size = int((await reader.readline()).split(b";")[0], 16)
                body += (await reader.readexactly(size + 2))[:size]
                if not size:
                    break
        else:
            size = int(head.headers.get("content-length", 0))
            body = bytearray()
            while len(body) < size:
                want = min(size - len(body), READ, *([max(1, cut.at - len(body))] if cut is not None else []))
                body += await reader.readexactly(want)
                if cut is not None and len(body) >= cut.at:
                    request.sent = len(body)
                    raise _Cut(cut.reset)
        if cut is not None:
            raise _Cut(cut.reset)
        request.sent = len(body)
        return bytes(body)

    async def _forward(self, writer: asyncio.StreamWriter, request: Request, body: bytes, fault: Fault | None) -> bool:
        head, what = request.head, fault.what if fault is not None else ""
        target = head.target
        if self.page and request.kind == "LIST":
            target = re.sub(r"&max-keys=\d+", "", target) + f"&max-keys={self.page}"
        headers = {k: v for k, v in head.headers.items() if k not in ("connection", "expect", "transfer-encoding")}
        denied: list[bytes] = []
        if fault is not None and what == "deny-keys":
            body, denied = framing.without_keys(body, fault.keys)
            headers = {k: v for k, v in headers.items() if "md5" not in k and "checksum" not in k}
        headers |= {"connection": "close", "content-length": str(len(body))}
        try:
            server, upstream = await asyncio.open_connection(*self._server, limit=1 << 20)
        except ConnectionError:
            raise _Cut(True) from None
        try:
            lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            upstream.write(f"{head.method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
            await upstream.drain()
            raw = b"HTTP/1.1 100 "
            while raw.split(b" ", 2)[1] == b"100":
                raw = await server.readuntil(b"\r\n\r\n")
            request.status = int(raw.split(b" ", 2)[1])
            if fault is not None and what in ("lost", "status-after", "shorten", "deny-keys"):
                answer = await server.read()
                if what == "lost":
                    raise _Cut(fault.reset)
                if what == "status-after":
                    return await _error(writer, request, fault)
                if what == "deny-keys":
                    answer = framing.with_errors(framing.unchunked(raw, answer), denied)
                    return await _reply(writer, request, raw, answer)
                return await _reply(writer, request, raw, framing.unchunked(raw, answer)[: fault.at])
            return await self._answer(server, writer, request, raw, fault if what == "cut-body" else None)
        finally:
            upstream.transport.abort()

    async def _answer(
        self,
        server: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: Request,
        raw: bytes,
        cut: Fault | None,
    ) -> bool:
        """Pass the answer on as it comes, up to where it is to be cut."""
        headers = framing.headers(raw.decode("latin-1").partition("\r\n")[2])
        bodiless = request.head.method == "HEAD" or request.status in (204, 304)
        framed = bodiless or "content-length" in headers or "transfer-encoding" in headers
        writer.write(framing.head_of(raw, {"connection": "keep-alive" if framed else "close"}))
        await writer.drain()
        while not bodiless and (data := await server.read(READ)):
            if cut is not None and request.received + len(data) > cut.at:
                writer.write(data[: cut.at - request.received])
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                if cut.reset:  # a reset overtakes what is on its way
                    await asyncio.sleep(0.01)
                raise _Cut(cut.reset)
            request.received += len(data)
            writer.write(data)
            await writer.drain()
        if cut is not None:
            raise _Cut(cut.reset)
        return framed


async def _reply(writer: asyncio.StreamWriter, request: Request, raw: bytes, body: bytes) -> bool:
    """Answer with *body* under the head *raw*."""
    names = framing.headers(raw.decode("latin-1").partition("\r\n")[2])
    changed: dict[str, str | None] = {name: None for name in names if "checksum" in name}
    changed |= {"transfer-encoding": None, "content-length": str(len(body)), "connection": "keep-alive"}
    writer.write(framing.head_of(raw, changed) + body)
    request.received += len(body)
    await writer.drain()
    return True


async def _error(writer: asyncio.StreamWriter, request: Request, fault: Fault) -> bool:
    """Answer as S3 does when something is wrong."""
    text = f"<Error><Code>{fault.code}</Code><Message>injected</Message><RequestId>0</RequestId></Error>"
    body = b"" if request.head.method == "HEAD" else b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
    request.status = fault.status
    head = f"HTTP/1.1 {fault.status} Injected\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True
