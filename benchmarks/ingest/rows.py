"""Batches of 1,000 rows through HTTP to facts committed, against a bare upsert loop on one connection."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from statistics import median

from benchmarks.ingest.load import post_all
from benchmarks.ingest.system import System, tell

FLOOR = 0.50
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ROWS = "SELECT coalesce(sum(taken), 0)::bigint FROM outcomes_delivery WHERE workspace_id = %s"
_BARE = """
    INSERT INTO bench_rows (metric, series, at, value)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::double precision[])
    ON CONFLICT (metric, series, at) DO UPDATE SET value = excluded.value
"""


class Rows:
    """A workspace of a system to post batches to, round by round; a round is never posted twice."""

    def __init__(self, system: System, *, batches: int, size: int = 1000) -> None:
        self._system, self._batches, self._size = system, batches, size
        team = system.team("rows")
        for metric in range(4):
            team.make("metrics/", {"key": f"m{metric}", "name": f"M{metric}"})
        self._workspace = system.ask("SELECT id FROM workspaces_workspace WHERE key = %s", team.slug)
        self._target = system.target(team)

    def through(self, number: int) -> float:
        """Rows a second from the first request to all facts committed; what they mark is settled after."""
        bodies = [_body(number, batch, self._size) for batch in range(self._batches)]
        requests = [self._target.request(uuid.uuid4().hex, body) for body in bodies]
        before = self._system.ask(_ROWS, self._workspace)
        started = time.monotonic()
        answers = post_all(self._target.address, requests, 4)
        assert set(answers.statuses) == {202}, answers.statuses
        wanted = before + self._batches * self._size
        self._system.wait_until(_ROWS, wanted, 600, self._workspace)
        rate = self._batches * self._size / (time.monotonic() - started)
        self._system.settle()
        return rate

    def bare(self, number: int) -> float:
        """Rows a second of the loop."""
        return _bare(self._system, number, self._batches, self._size)


def measure(system: System, *, rounds: int, batches: int) -> float:
    """Interleaved rounds of both; returns the ratio of their median rates."""
    rows = Rows(system, batches=batches)
    rates: dict[str, list[float]] = {"rows": [], "bare": []}
    for number in range(rounds + 1):
        rates["bare"].append(rows.bare(number))
        rates["rows"].append(rows.through(number))
    # The first round makes partitions and plans.
    through, floor = median(rates["rows"][1:]), median(rates["bare"][1:])
    tell(
        "rows",
        rows_per_second=through,
        bare_rows_per_second=floor,
        ratio=through / floor,
        floor=FLOOR,
        rounds={name: [round(rate) for rate in each] for name, each in rates.items()},
    )
    return through / floor


def _points(number: int, batch: int, size: int) -> list[tuple[int, str, datetime, float]]:
    """New observations: a minute each, of four metrics and a few series, in the first half of a year."""
    first = (number * 1_000_000 + batch * size) % 200_000
    return [(n % 4, f"r{number}-{n % 5}", _START + timedelta(minutes=first + n), n / 7) for n in range(size)]


def _body(number: int, batch: int, size: int) -> bytes:
    rows = [
        {"metric": f"m{metric}", "series": series, "at": at.isoformat(), "value": value}
        for metric, series, at, value in _points(number, batch, size)
    ]
    return json.dumps({"observations": rows}).encode()


def _bare(system: System, number: int, batches: int, size: int) -> float:
    with system.connect() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, metric bigint NOT NULL,"
            " series text NOT NULL, at timestamptz NOT NULL, value double precision NOT NULL,"
            " UNIQUE (metric, series, at))"
        )
        columns = [
            [list(column) for column in zip(*sorted(_points(number, batch, size)), strict=True)]
            for batch in range(batches)
        ]
        started = time.monotonic()
        for batch in columns:
            connection.execute(_BARE, batch)
        return batches * size / (time.monotonic() - started)
