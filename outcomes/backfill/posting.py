"""Signed posts over kept connections, a few in flight, retried until each was answered for good."""

from __future__ import annotations

import hashlib
import json
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Literal
from urllib.parse import urlsplit

from outcomes.backfill.rows import Batch
from outcomes.sources.signatures import secret_bytes, signed_headers

Answer = Literal["accepted", "duplicate"]

ATTEMPTS = 10
"""With the waits between them about two minutes: longer than a server takes to restart."""
IN_FLIGHT = 4
_TIMEOUT = 30.0
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_LONGEST_ASKED_WAIT = 120.0
_MAX_ANSWER = 64 * 1024
_RETRIED = frozenset({408, 425, 429, *range(500, 600)})


class AddressRefused(ValueError):
    """The URL or the secret cannot be used, in one sentence."""


class NotAccepted(Exception):
    """A delivery was refused for good, or not answered in any of the attempts."""


@dataclass(slots=True)
class Tally:
    """How far a backfill has come; rows and deliveries."""

    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0


class Poster:
    """Posts bodies to one source. Safe to use from several threads; each keeps a connection of its own."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        attempts: int = ATTEMPTS,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise AddressRefused(f"The URL's port is no number: {url}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressRefused(f"The URL must begin with http:// or https://: {url}")
        try:
            secret_bytes(secret)
        except ValueError as error:
            raise AddressRefused(f"The secret cannot be used: {error}.") from None
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret = secret
        self._attempts = attempts
        self._say = say
        self._local = threading.local()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let whoever waits between attempts give up now."""
        self._stopped.set()

    def post(self, body: bytes) -> Answer:
        """Post until it was answered with 202; says whether it was there before. Raises NotAccepted."""
        why = ""
        for attempt in range(self._attempts):
            asked = 0.0
            try:
                status, answer, retry_after = self._send(body)
            except (OSError, HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if status == 202:
                    return _answer(answer)
                why = f"{status} {answer.decode('utf-8', 'replace').strip()}"
                if status not in _RETRIED:
                    raise NotAccepted(why)
                asked = _seconds(retry_after)
            if self._stopped.is_set() or attempt == self._attempts - 1:
                break
            self._say(f"trying again: {why[:300]}")
            self._stopped.wait(max(asked, _backoff(attempt)))
        raise NotAccepted(why)

    def _send(self, body: bytes) -> tuple[int, bytes, str]:
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._exchange(connection, body)
            except (OSError, HTTPException):
                # The server may have closed a kept connection meanwhile; a repeat is a duplicate at worst.
                self._drop(connection)
        connection = self._connect()
        self._local.connection = connection
        try:
            return self._exchange(connection, body)
        except (OSError, HTTPException):
            self._drop(connection)
            raise

    def _exchange(self, connection: HTTPConnection, body: bytes) -> tuple[int, bytes, str]:
        # Signed anew each time: a signature is good for five minutes.
        connection.request("POST", self._path, body, _headers(self._secret, body))
        response: HTTPResponse = connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        if response.will_close or not response.isclosed():
            self._drop(connection)
        return response.status, answer, response.headers.get("Retry-After", "")

    def _connect(self) -> HTTPConnection:
        if self._is_secure:
            context = ssl.create_default_context()
            return HTTPSConnection(self._host, self._port, timeout=_TIMEOUT, context=context)
        return HTTPConnection(self._host, self._port, timeout=_TIMEOUT)

    def _drop(self, connection: HTTPConnection) -> None:
        connection.close()
        self._local.connection = None


def post_all(
    poster: Poster,
    batches: Iterable[Batch],
    tally: Tally,
    tell: Callable[[Tally], None],
    in_flight: int = IN_FLIGHT,
) -> None:
    """Post every batch, a few at a time; `tell` is called after each answer.

    The first delivery that is not accepted ends it: what was under way is answered, nothing more is sent, and
    NotAccepted is raised. Running it again is safe, whatever came before: it posts the same bytes.
    """
    with ThreadPoolExecutor(in_flight, thread_name_prefix="backfill") as pool:
        waiting: deque[tuple[Future[Answer], Batch]] = deque()
        try:
            for batch in batches:
                waiting.append((pool.submit(poster.post, batch.body), batch))
                if len(waiting) >= 2 * in_flight:
                    _take_answers(waiting, tally, tell)
            while waiting:
                _take_answers(waiting, tally, tell)
        except BaseException:
            poster.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            _count_the_rest(waiting, tally)
            raise


def _take_answers(
    waiting: deque[tuple[Future[Answer], Batch]], tally: Tally, tell: Callable[[Tally], None]
) -> None:
    """Wait for the next answers and count them. Raises NotAccepted."""
    wait([future for future, _ in waiting], return_when=FIRST_COMPLETED)
    for _ in range(len(waiting)):
        future, batch = waiting.popleft()
        if not future.done():
            waiting.append((future, batch))
            continue
        _count(future, batch, tally)
        tell(tally)


def _count(future: Future[Answer], batch: Batch, tally: Tally) -> None:
    try:
        answer = future.result()
    except NotAccepted:
        tally.refused += 1
        raise
    tally.rows += batch.row_count
    if answer == "duplicate":
        tally.duplicate += 1
    else:
        tally.accepted += 1


def _count_the_rest(waiting: deque[tuple[Future[Answer], Batch]], tally: Tally) -> None:
    for future, batch in waiting:
        if not future.cancelled():
            try:
                _count(future, batch, tally)
            except NotAccepted:
                continue  # counted; the first one is what is told


def webhook_id(body: bytes) -> str:
    """The id of a delivery, from its bytes alone: the same file posted again is a duplicate throughout."""
    return "msg_" + hashlib.sha256(body).hexdigest()


def _headers(secret: str, body: bytes) -> dict[str, str]:
    signed = signed_headers(secret, webhook_id(body), int(time.time()), body)
    return {"Content-Type": "application/json", "User-Agent": "productops-backfill", **signed}


def _answer(body: bytes) -> Answer:
    try:
        said = json.loads(body)
    except ValueError:
        return "accepted"
    return "duplicate" if isinstance(said, dict) and said.get("status") == "duplicate" else "accepted"


def _backoff(attempt: int) -> float:
    """Seconds before the next attempt: doubling, with jitter so that the threads do not march in step."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for, in seconds or as a date; 0 when it asks for nothing sensible."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        asked = float(text[:9])
    else:
        try:
            asked = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(asked, 0.0), _LONGEST_ASKED_WAIT)
