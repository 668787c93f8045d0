"""What becomes of a POST to a receiver that answers well, badly, slowly or not at all."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from outcomes.channels.wire import SECONDS, Answer, post
from tests.outcomes.channels.receiving import LOOPBACK, receiving, speaking


def sent(url: str, seconds: float = 5.0) -> Answer:
    return post(url, b'{"a": 1}', {"Content-Type": "application/json"}, allowed=LOOPBACK, seconds=seconds)


def answered(raw: bytes, seconds: float = 5.0) -> Answer:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    with speaking(speak) as (port, _):
        return sent(f"http://127.0.0.1:{port}/", seconds)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    with receiving(lambda number: (status, {}, b"")) as receiver:
        answer = sent(receiver.url)
    assert (answer.status, answer.error) == (status, "")


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 418, 429, 500, 503])
def test_everything_else_is_a_failure(status: int) -> None:
    with receiving(lambda number: (status, {}, b"no")) as receiver:
        answer = sent(receiver.url)
    assert (answer.status, answer.error, answer.body) == (status, f"status: {status}", "no")
    assert answer.is_gone == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status: int) -> None:
    with (
        receiving() as canary,
        receiving(lambda number: (status, {"Location": canary.url}, b"")) as receiver,
    ):
        answer = sent(receiver.url)
    assert answer.error.startswith("redirect")
    assert canary.received == []


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"\xff" * 100,
     b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 70000],
)  # fmt: skip
def test_what_is_not_http_is_a_failure(raw: bytes) -> None:
    answer = answered(raw)
    assert answer.error
    assert answer.status is None


def test_an_answer_that_breaks_off_counts_by_its_status() -> None:
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf").error == ""
    assert answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").error == ""


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    with receiving(lambda number: (200, {}, b"x" * 5_000_000)) as receiver:
        answer = sent(receiver.url)
    assert (answer.error, len(answer.body)) == ("", 300)


def test_what_a_database_cannot_hold_does_not_get_there() -> None:
    with receiving(lambda number: (200, {}, b"a\x00b\xff\n")) as receiver:
        assert sent(receiver.url).body == "a b\N{REPLACEMENT CHARACTER} "


# Long beside any limit that a test sets, however busy the machine is; each is left to itself before.
DAWDLES = 60.0
_PAUSE = 0.02


def _drips() -> Iterator[int]:
    for number in range(round(DAWDLES / _PAUSE)):
        yield number
        time.sleep(_PAUSE)


def _silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(DAWDLES)


def _dripping_head(connection: socket.socket) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    for number in _drips():
        connection.sendall(head[number : number + 1] or b"a")


def _dripping_body(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in _drips():
        connection.sendall(b"x")


def _dripping_chunks(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in _drips():
        connection.sendall(b"1\r\nx\r\n")


def _endless_continue(connection: socket.socket) -> None:
    connection.recv(65536)
    for _ in _drips():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    "speak", [_silent, _dripping_head, _dripping_body, _dripping_chunks, _endless_continue]
)
def test_nothing_outlasts_the_wall_clock(speak) -> None:  # type: ignore[no-untyped-def]
    with speaking(speak) as (port, came):
        answer = sent(f"http://127.0.0.1:{port}/", seconds=0.5)
    assert answer.error.startswith("timeout"), answer
    assert len(came) == 1
    # Far below what any of them would take, and below the limit when none is said: it is ours.
    assert answer.took_ms < min(DAWDLES, SECONDS) * 1000


def test_a_receiver_that_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(lambda connection: time.sleep(DAWDLES)) as (port, _):
        answer = post(f"http://127.0.0.1:{port}/", b"x" * 30_000_000, {}, allowed=LOOPBACK, seconds=0.5)
    assert answer.error.startswith("timeout")


def test_nobody_there_is_a_failure_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert sent(f"http://127.0.0.1:{port}/").error.startswith("connection: ConnectionRefusedError")


def test_of_several_addresses_the_next_is_tried() -> None:
    with receiving() as receiver:
        answer = post(
            f"http://two.example:{receiver.port}/",
            b"{}",
            {},
            allowed=LOOPBACK,
            resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"],
        )
    assert answer.status == 204


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("999999999", 86400), ("-1", None), ("soon", None), ("", None), ("1.5", None),
     ("9" * 5000, 86400), ("٣", None), ("Wed, 32 Foo 2020", None)],
)  # fmt: skip
def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    with receiving(lambda number: (503, {"Retry-After": header.encode().decode("latin-1")}, b"")) as receiver:
        assert sent(receiver.url).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    with receiving(
        lambda number: (429, {"Retry-After": format_datetime(soon, usegmt=True)}, b"")
    ) as receiver:
        waits = sent(receiver.url).retry_after
    assert waits == pytest.approx(600, abs=20)


@dataclass
class Secured:
    """What a receiver over TLS was asked for by name, and what it heard."""

    names: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def speaking_as(self, certificate: Path) -> Callable[[socket.socket], None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _, name, __: self.names.append(name)

        def speak(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                said = b""
                while not said.endswith(b"{}"):
                    said += secured.recv(65536)
                self.heard.append(said)
                secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        return speak


def sent_securely(port: int) -> Answer:
    return post(
        f"https://hooks.example:{port}/",
        b"{}",
        {},
        allowed=LOOPBACK,
        resolve=lambda host, port: ["127.0.0.1"],
        seconds=5,
    )


def test_over_tls_the_certificate_is_that_of_the_name_not_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, certificate = Secured(), _certificate(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with speaking(receiver.speaking_as(certificate)) as (port, _):
        answer = sent_securely(port)
    assert (answer.status, answer.error) == (204, "")
    assert receiver.names == ["hooks.example"]
    assert receiver.heard[0].startswith(b"POST / HTTP/1.1\r\nHost: hooks.example:")


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_that_is_not_the_host_s_is_refused_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    receiver = Secured()
    certificate = _certificate(tmp_path, "other.example" if is_trusted else "hooks.example")
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with speaking(receiver.speaking_as(certificate)) as (port, _):
        answer = sent_securely(port)
    assert answer.error.startswith("tls")
    assert (receiver.names, receiver.heard) == (["hooks.example"], [])


def _certificate(folder: Path, host: str) -> Path:
    """A key and a certificate of its own making for a host."""
    path = folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}",
         "-addext", f"subjectAltName=DNS:{host}", "-keyout", str(folder / "key.pem"),
         "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return path
