"""Senders who write down what was acknowledged, and an audit of whether it was kept: once each, nothing lost."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from outcomes.sources.signatures import signed_headers
from tests.journeys.calling import Team

METRIC = "ledger"
_START = datetime(2025, 3, 1, tzinfo=UTC)
# So many deliveries of a sender, one after the other, are of one day, and of the next day then: a day that was computed
# while its last one came is not computed again soon.
_OF_ONE_DAY, _DAYS = 5, 250
# One in so many is sent again after it was acknowledged.
_REPEATED = 7


@dataclass
class Senders:
    """`count` clients, each posting one delivery after the other, and the same one again until it is taken.

    A delivery is an observation of 1 that nobody else states, so facts and acknowledgements can be counted.
    """

    team: Team
    folder: Path
    count: int = 8
    answers: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.count):
            thread = threading.Thread(target=self._send, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def acknowledged(self) -> list[str]:
        """The ids on disk. A line that a crash of ours cut short was not acknowledged to anybody."""
        return [line for path in self.folder.glob("*.ledger") for line in path.read_text().split("\n")[:-1]]

    def acknowledged_count(self) -> int:
        with self._lock:
            return self.answers["202"]

    def _send(self, number: int) -> None:
        with (self.folder / f"{number}.ledger").open("a") as ledger:
            line = _Line(self.team)
            for n in itertools.count():
                if self._stop.is_set():
                    return
                message_id, body = f"{number}-{n}", _body(number, n)
                while (status := line.post(message_id, body)) != 202:
                    self._note(status)
                    if self._stop.is_set():
                        return
                    time.sleep(0.05)
                ledger.write(f"{message_id}\n")
                ledger.flush()
                os.fsync(ledger.fileno())
                self._note(status)
                if n % _REPEATED == 0:
                    self._note(line.post(message_id, body), "again ")

    def _note(self, status: int | None, prefix: str = "") -> None:
        with self._lock:
            self.answers[f"{prefix}{status or 'no answer'}"] += 1


class _Line:
    """A kept connection to the door, made anew when it breaks."""

    def __init__(self, team: Team) -> None:
        self._secret = team.secret
        parts = urlsplit(team.source_url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)

    def post(self, message_id: str, body: bytes) -> int | None:
        """The status; None when there was no whole answer."""
        headers = signed_headers(self._secret, message_id, int(time.time()), body)
        try:
            self._connection.request(
                "POST", self._path, body, {**headers, "Content-Type": "application/json"}
            )
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        return response.status


@dataclass(frozen=True)
class Audit:
    """What became of the acknowledged deliveries."""

    acknowledged: int
    # Acknowledged ids without a delivery, or without its fact.
    lost: list[str]
    # Deliveries beyond one for each id.
    stored_twice: int
    # Facts beyond one for each delivery, and what day totals are off by.
    applied_wrongly: int

    @property
    def is_clean(self) -> bool:
        return not self.lost and self.stored_twice == 0 and self.applied_wrongly == 0


def audit(senders: Senders, database_url: str) -> Audit:
    """Compare the ledgers with the database, once everything is settled."""
    acknowledged = senders.acknowledged()
    with psycopg.connect(database_url, autocommit=True) as connection:
        taken = {
            row[0]
            for row in connection.execute(
                "SELECT d.external_id FROM outcomes_delivery d JOIN workspaces_workspace w ON w.id = d.workspace_id"
                " JOIN outcomes_observation o ON o.workspace_id = w.id AND o.stated_by = d.external_id"
                " WHERE w.key = %s AND d.state = 'done' AND d.taken = 1",
                [senders.team.slug],
            )
        }
        stored_twice = _number(
            connection,
            "SELECT count(*) - count(DISTINCT (source_id, external_id)) FROM outcomes_delivery",
            senders.team.slug,
        )
        facts = _number(connection, "SELECT count(*) FROM outcomes_observation", senders.team.slug)
        total = _number(
            connection, "SELECT coalesce(sum(total), 0) FROM outcomes_metricday", senders.team.slug
        )
    lost = [message_id for message_id in acknowledged if message_id not in taken]
    wrongly = max(0, facts - len(taken)) + abs(total - facts)
    return Audit(len(acknowledged), lost, stored_twice, wrongly)


def wait_until_settled(team: Team, database_url: str, seconds: float) -> None:
    """Wait until nothing of a team's waits to be interpreted or computed."""
    until = time.monotonic() + seconds
    with psycopg.connect(database_url, autocommit=True) as connection:
        while left := (
            _number(connection, "SELECT count(*) FROM outcomes_mark", team.slug)
            + _number(
                connection, "SELECT count(*) FROM outcomes_delivery", team.slug, " AND state = 'pending'"
            )
        ):
            assert time.monotonic() < until, f"{left} are still waiting after {seconds} s"
            time.sleep(0.2)


def _number(connection: psycopg.Connection, query: str, slug: str, rest: str = "") -> int:
    workspace = " WHERE workspace_id = (SELECT id FROM workspaces_workspace WHERE key = %s)"
    row = connection.execute(f"{query}{workspace}{rest}", [slug]).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


def _body(number: int, n: int) -> bytes:
    at = (_START + timedelta(days=n // _OF_ONE_DAY % _DAYS, seconds=n % 86_400)).isoformat()
    row = {"metric": METRIC, "series": f"c{number}", "at": at, "value": 1}
    return json.dumps({"observations": [row]}).encode()
