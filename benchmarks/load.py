"""A client that costs little: keep-alive connections over raw sockets, one request on each at a time, in a process.

It reads no more of an answer than it must: the status and the length. What it costs itself is measured with it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_NTH = 0.99


@dataclass(frozen=True, slots=True)
class Driven:
    """What a round of requests came to."""

    statuses: dict[int, int]
    """How many answers had which status."""
    seconds: float
    client_seconds: float
    """Of processor time, in the client."""
    server_seconds: float
    """Of processor time, in the servers; what a database server spends is not in it. Zero where nothing tells."""
    waits: list[float]
    """From sending a request to the end of its answer, seconds."""

    @property
    def a_second(self) -> float:
        """Requests answered a second."""
        return len(self.waits) / self.seconds

    @property
    def server_ms(self) -> float:
        """Processor time of the servers for one request, milliseconds."""
        return self.server_seconds / len(self.waits) * 1000

    @property
    def client_ms(self) -> float:
        """Processor time of the client for one request, milliseconds."""
        return self.client_seconds / len(self.waits) * 1000


def p99_ms(waits: Sequence[float]) -> float:
    """The wait that one request in a hundred exceeds, milliseconds."""
    return sorted(waits)[int(len(waits) * _NTH)] * 1000


def request(method: str, path: str, body: str = "") -> bytes:
    """A request as a browser on the same machine sends it."""
    form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: zh-CN\r\n{form}\r\n{body}".encode()


class Client:
    """Drives servers from a process of its own."""

    def __init__(self, pipe: Connection) -> None:
        """Talk to that process over ``pipe``."""
        self._pipe = pipe

    def drive(self, ports: Sequence[int], pids: Sequence[int], requests: Sequence[bytes], connections: int) -> Driven:
        """Send all ``requests`` over so many connections to each port; each is sent once, wherever one is free."""
        before = spent(pids)
        self._pipe.send((ports, requests, connections))
        done: Driven = self._pipe.recv()
        return replace(done, server_seconds=spent(pids) - before)


def spent(pids: Sequence[int]) -> float:
    """Processor time that all threads of these processes have had, seconds; zero where the system does not tell."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


@contextmanager
def client() -> Iterator[Client]:
    """A client in another process, ended when left."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield Client(here)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    while True:
        ports, requests, connections = pipe.recv()
        pipe.send(asyncio.run(_drive(ports, requests, connections)))


async def _drive(ports: Sequence[int], requests: Sequence[bytes], connections: int) -> Driven:
    loop, left, waits, statuses = asyncio.get_running_loop(), deque(requests), list[float](), Counter[int]()
    callers = [_Caller(left, waits, statuses) for _ in range(connections * len(ports))]
    for place, caller in enumerate(callers):
        await loop.create_connection(lambda one=caller: one, "127.0.0.1", ports[place % len(ports)])  # type: ignore[misc]
    start, cost = time.perf_counter(), time.process_time()
    for caller in callers:
        caller.call()
    await asyncio.gather(*(caller.is_done for caller in callers))
    return Driven(dict(statuses), time.perf_counter() - start, time.process_time() - cost, 0.0, waits)


class _Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one is answered."""

    def __init__(self, left: deque[bytes], waits: list[float], statuses: Counter[int]) -> None:
        self.left, self.waits, self.statuses = left, waits, statuses
        self.is_done = asyncio.get_running_loop().create_future()
        self._said, self._whole, self._since = b"", 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def call(self) -> None:
        """Send what is next; nothing left: hang up."""
        if not self.left:
            self._transport.close()
            self.is_done.set_result(None)
            return
        self._said, self._whole, self._since = b"", 0, time.perf_counter()
        self._transport.write(self.left.popleft())

    def data_received(self, data: bytes) -> None:
        self._said += data
        if not self._whole and (end := self._said.find(_END)) >= 0:
            head = self._said[:end].lower()
            self._whole = end + len(_END) + int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
        if self._whole and len(self._said) >= self._whole:
            self.waits.append(time.perf_counter() - self._since)
            self.statuses[int(self._said[9:12])] += 1
            self.call()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(error or ConnectionResetError("the server hung up"))
