"""One POST to an address a stranger chose: checked, pinned, without redirects or proxies, and soon over.

The name is resolved once. Every address it has is judged, and the connection goes to one that was judged, so a
name that answers otherwise a moment later changes nothing. Host and SNI are still the name's.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from django.utils import timezone

from outcomes.channels.addresses import Network, is_forbidden

SECONDS = 15.0
# Of an answer this much is read, and this much kept for people to see.
READ_BYTES, KEPT_CHARACTERS = 16 * 1024, 300
_MOST_RETRY_AFTER = 24 * 3600.0
_SEND_AT_ONCE = 16 * 1024
# A name may have many addresses: all are judged, and so many tried.
_MOST_ADDRESSES = 4

# From host and port to the addresses it has, as text.
Resolver = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. `error` is blank after success, else why it counts as a failure.

    `retry_after` is in seconds from now, as the answer asked for.
    """

    status: int | None
    error: str
    took_ms: int
    body: str = ""
    retry_after: float | None = None

    @property
    def is_gone(self) -> bool:
        return self.status == http.client.GONE


class Failure(Exception):
    """Why there is no answer: a code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network] = (),
    seconds: float = SECONDS,
    resolve: Resolver | None = None,
) -> Answer:
    """POST `body` and say what became of it; never raises for what the other side does. Over in `seconds`."""
    started = time.monotonic()
    deadline = _Deadline(started + seconds)
    status, retry_after, text = None, None, ""
    try:
        response = _ask(_parts(url), body, headers, deadline, allowed, resolve or addresses_of)
        with response:
            status = response.status
            retry_after = _seconds_of(response.headers.get("Retry-After"))
            text = _beginning(response)
        error = _complaint(status)
    except Failure as failure:
        error = str(failure)
    except TimeoutError:
        error = f"timeout: there was no whole answer within {seconds:g} s"
    except ssl.SSLError as failed:
        error = f"tls: {failed.reason or failed}"
    except (OSError, http.client.HTTPException, ValueError) as failed:
        error = f"connection: {type(failed).__name__} {failed}".strip()
    took = round((time.monotonic() - started) * 1000)
    return Answer(status, _printable(error), took, _printable(text), retry_after)


def complaint_about(url: str, allowed: Sequence[Network] = ()) -> str:
    """What is wrong with an address before anything is sent to it; blank when nothing is.

    Names are looked up when something is sent, not here.
    """
    try:
        parts = _parts(url)
    except Failure as failure:
        return str(failure).partition(": ")[2]
    host = parts.hostname or ""
    is_literal = ":" in host or host.replace(".", "").isdigit()
    if is_literal and is_forbidden(host, allowed):
        return "Webhooks do not go to this address: it is private, reserved or no address at all."
    return ""


def host_of(url: str) -> str:
    """The host of an address with its port, if one is named."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Deadline:
    """An instant by which everything is over."""

    def __init__(self, at: float) -> None:
        self.at = at

    def left(self) -> float:
        """Seconds that are left; raises TimeoutError when none are."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Failure("address", "It is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failure("address", "An address that starts with http:// or https:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise Failure("address", "A user or password in the address is not sent; leave it out.")
    if parts.port == 0:
        raise Failure("address", "Port 0 is none.")
    if any(ord(letter) <= 32 or ord(letter) == 127 or letter == "\\" for letter in url):
        raise Failure("address", "Blanks, control characters and \\ do not belong in an address.")
    return parts


def _ask(
    parts: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    deadline: _Deadline,
    allowed: Sequence[Network],
    resolve: Resolver,
) -> http.client.HTTPResponse:
    host, is_tls = _ascii_host(parts), parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    checked = _checked(host, port, deadline, allowed, resolve)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _Timed(_connected(checked, host, port, deadline, is_tls), deadline)
    shown = f"[{host}]" if ":" in host else host
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    try:
        connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", shown if port == (443 if is_tls else 80) else f"{shown}:{port}")
        connection.putheader("Connection", "close")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse()
    except BaseException:
        connection.close()
        raise


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Failure("address", "Its host is no name.") from error


def _checked(
    host: str, port: int, deadline: _Deadline, allowed: Sequence[Network], resolve: Resolver
) -> list[str]:
    """The addresses of a host, all of which may be connected to."""
    found = _within(deadline, lambda: list(resolve(host, port)))
    if not found:
        raise Failure("no_address", "Its host has no address.")
    if any(is_forbidden(address, allowed) for address in found):
        # Which one is not told: an error message is no way to look around in a network.
        raise Failure("forbidden_address", "Its host has an address that webhooks do not go to.")
    return found


def _within(deadline: _Deadline, ask: Callable[[], list[str]]) -> list[str]:
    """Ask the resolver, which knows no time limit of ours, beside us."""
    found: list[list[str]] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(ask())
        except (OSError, UnicodeError, ValueError) as error:
            failed.append(error)

    asking = threading.Thread(target=run, name="resolver", daemon=True)
    asking.start()
    asking.join(deadline.left())
    if failed:
        raise Failure("no_address", "Its host could not be looked up.") from failed[0]
    if not found:
        raise TimeoutError
    return found[0]


def _connected(addresses: Sequence[str], host: str, port: int, deadline: _Deadline, is_tls: bool) -> Any:
    """A socket to the first of the addresses that takes us; over TLS the certificate must be the host's."""
    plain = _reached(addresses[:_MOST_ADDRESSES], port, deadline)
    if not is_tls:
        return plain
    try:
        plain.settimeout(deadline.left())
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _reached(addresses: Sequence[str], port: int, deadline: _Deadline) -> socket.socket:
    """One that does not answer may take its share of the time, not that of the others."""
    for others, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        try:
            return socket.create_connection((address, port), timeout=deadline.left() / (others + 1))
        except OSError:
            if not others:
                raise
    raise OSError("no address")


class _Timed:
    """A socket on which nothing outlasts the deadline, however slowly the bytes drip."""

    def __init__(self, held: Any, deadline: _Deadline) -> None:
        self._held = held
        self._deadline = deadline
        self._is_read = False

    def sendall(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _SEND_AT_ONCE):
            self._held.settimeout(self._deadline.left())
            self._held.sendall(view[start : start + _SEND_AT_ONCE])

    def makefile(self, mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_TimedReader(self._held, self._deadline))

    def close(self) -> None:
        # Whoever reads the answer still needs the socket, and closes it.
        if not self._is_read:
            self._held.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, held: Any, deadline: _Deadline) -> None:
        self._held = held
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._held.settimeout(self._deadline.left())
        read: int = self._held.recv_into(buffer)
        return read

    def close(self) -> None:
        if not self.closed:
            self._held.close()
        super().close()


def _beginning(response: http.client.HTTPResponse) -> str:
    """How the body begins. One that breaks off is as good as any; one that does not end in time is not."""
    try:
        read = response.read(READ_BYTES)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException):
        return ""
    return read.decode("utf-8", "replace")


def _complaint(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"redirect: {status}, and redirects are not followed"
    return f"status: {status}"


def _seconds_of(header: str | None) -> float | None:
    """Retry-After, as seconds or as a date; None for what is neither, and never more than a day."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _MOST_RETRY_AFTER)
    try:
        at: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        return None
    return min(max((at - timezone.now()).total_seconds(), 0.0), _MOST_RETRY_AFTER)


def _printable(text: str) -> str:
    """Text that a database column and a page can hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:KEPT_CHARACTERS]
