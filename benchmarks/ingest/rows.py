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


def measure(system: System, *, rounds: int, batches: int, size: int = 1000) -> float:
    """Interleaved rounds of both; returns the ratio of their median rates."""
    team = system.team("rows")
    for metric in range(4):
        team.make("metrics/", {"key": f"m{metric}", "name": f"M{metric}"})
    workspace = system.ask("SELECT id FROM workspaces_workspace WHERE key = %s", team.slug)
    target = system.target(team)
    rates: dict[str, list[float]] = {"rows": [], "bare": []}
    for number in range(rounds + 1):
        rates["bare"].append(_bare(system, number, batches, size))
        bodies = [_body(number, batch, size) for batch in range(batches)]
        requests = [target.request(uuid.uuid4().hex, body) for body in bodies]
        before = system.ask(_ROWS, workspace)
        started = time.monotonic()
        answers = post_all(target.address, requests, 4)
        assert set(answers.statuses) == {202}, answers.statuses
        system.wait_until(_ROWS, before + batches * size, 600, workspace)
        rates["rows"].append(batches * size / (time.monotonic() - started))
        system.settle()
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
