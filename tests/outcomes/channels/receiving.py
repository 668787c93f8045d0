"""A receiver of webhooks on loopback, in a thread: it keeps what it was sent and answers as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answer` is called with the number of the request, 1 being the first, and says status, headers and body."""

    answer: Callable[[int], tuple[int, dict[str, str], bytes]] = lambda number: (204, {}, b"")
    received: list[Received] = field(default_factory=list)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiving(answer: Callable[[int], tuple[int, dict[str, str], bytes]] | None = None) -> Iterator[Receiver]:
    held = Receiver(answer) if answer else Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with held.lock:
                held.received.append(
                    Received(self.path, {n.lower(): v for n, v in self.headers.items()}, body)
                )
                number = len(held.received)
            status, headers, said = held.answer(number)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Many call at once: one that finds the queue full would be turned away, and come again later.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    held.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def speaking(
    speak: Callable[[socket.socket], None], host: str = "127.0.0.1"
) -> Iterator[tuple[int, list[int]]]:
    """A server that lets `speak` say whatever it wants on each connection; yields its port and who came."""
    came: list[int] = []
    listening = socket.create_server((host, 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, (_, port, *_) = listening.accept()
                came.append(port)
                threading.Thread(target=_speak, args=(connection, speak), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1], came
    finally:
        listening.close()


def _speak(connection: socket.socket, speak: Callable[[socket.socket], None]) -> None:
    with suppress(OSError), connection:
        speak(connection)
