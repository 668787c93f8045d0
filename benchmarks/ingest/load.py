"""A client that costs little: prepared requests over kept connections, one thread, loopback only."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from outcomes.sources.signatures import signed_headers


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and what signs them; without a secret they are not signed."""

    url: str
    secret: str = ""

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname in ("127.0.0.1", "localhost"), "benchmarks stay on this machine"
        return parts.hostname, parts.port or 80

    def request(self, message_id: str, body: bytes) -> bytes:
        """The bytes of one POST."""
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        if self.secret:
            headers |= signed_headers(self.secret, message_id, int(time.time()), body)
        host, port = self.address
        lines = [f"POST {urlsplit(self.url).path} HTTP/1.1", f"host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class Answers:
    """What a load was answered: statuses, seconds each took, seconds altogether."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection:
    """One kept connection, and what has come in of the answer it waits for."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def status(self) -> int | None:
        """The status once the answer is whole."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        return int(head[9:12]) if _is_whole(head.lower(), body) else None


def _is_whole(head: bytes, body: bytes) -> bool:
    _, is_measured, rest = head.partition(b"\r\ncontent-length:")
    if is_measured:
        return len(body) >= int(rest.split(b"\r\n", 1)[0])
    return body.endswith(b"0\r\n\r\n")  # in chunks


def post_all(address: tuple[str, int], requests: Sequence[bytes], connections: int) -> Answers:
    """Send every request, `connections` at a time, each as soon as a connection is free."""
    waiting: Iterator[bytes] = iter(requests)
    answers = Answers()
    selector = selectors.DefaultSelector()
    started = time.perf_counter()
    for _ in range(min(connections, len(requests))):
        connection = _Connection(address)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next(waiting))
    while selector.get_map():
        for key, _ in selector.select(timeout=60):
            connection = key.data
            status = connection.status()
            if status is None:
                continue
            answers.statuses[status] += 1
            answers.latencies.append(time.perf_counter() - connection.sent_at)
            request = next(waiting, None)
            if request is None:
                selector.unregister(connection.socket)
                connection.socket.close()
            else:
                connection.send(request)
    answers.seconds = time.perf_counter() - started
    return answers
