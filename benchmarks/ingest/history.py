"""What a long history costs: the same rounds on an empty system and on one with a history, taken in turns."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import median
from typing import Protocol

from psycopg import sql

from benchmarks.ingest.door import Door
from benchmarks.ingest.rows import Rows
from benchmarks.ingest.system import System, running, tell

# With a history a figure is at least this part of what it is without.
FLOOR = 0.90
MONTHS = 60
_AT_ONCE = 2
# The months before those that the benchmarks write into.
_LAST = (2025, 12)


class Rounds(Protocol):
    """Something that is done round by round, each at so many a second."""

    def through(self, number: int) -> float: ...


def compare(
    system: System, var: Path, *, stored: int, rounds: int, batches: int, requests: int, connections: int
) -> None:
    """Measure `system` and a second one with `stored` observations, at `var`, in turns within one run."""
    with running(var) as full:
        fill(full, stored)
    # Stopped and started again: what the fill left in memory is on disk by then, and is not written while measuring.
    with running(var) as full:
        pairs: dict[str, tuple[Rounds, Rounds]] = {
            "rows": (Rows(system, batches=batches), Rows(full, batches=batches)),
            "door": (
                Door(system, requests=requests, connections=connections),
                Door(full, requests=requests, connections=connections),
            ),
        }
        for name, (empty, filled) in pairs.items():
            _compare(name, empty, filled, rounds)


def _compare(name: str, empty: Rounds, filled: Rounds, rounds: int) -> None:
    rates: dict[str, list[float]] = {"empty": [], "stored": []}
    for number in range(rounds + 1):
        # Whoever goes second finds the machine as the first left it, so they change places.
        turns = (("empty", empty), ("stored", filled))
        for which, one in turns if number % 2 else turns[::-1]:
            rates[which].append(one.through(number))
    # The first round makes partitions and plans.
    without, with_history = median(rates["empty"][1:]), median(rates["stored"][1:])
    tell(
        f"{name} on top of a history",
        per_second=with_history,
        empty_per_second=without,
        ratio=with_history / without,
        floor=FLOOR,
        rounds={which: [round(rate) for rate in each] for which, each in rates.items()},
    )


def fill(system: System, rows: int) -> None:
    """Store `rows` observations over sixty months, a partition at a time, with the keys real ones have.

    They are then known to the planner, and nothing is left for autovacuum to do while something is measured.
    """
    team = system.team("history")
    team.make("metrics/", {"key": "h", "name": "H"})
    workspace, metric, source = (
        system.ask(query, team.slug)
        for query in (
            "SELECT id FROM workspaces_workspace WHERE key = %s",
            "SELECT m.id FROM outcomes_metric m JOIN workspaces_workspace w ON w.id = workspace_id WHERE w.key = %s",
            "SELECT s.id FROM outcomes_source s JOIN workspaces_workspace w ON w.id = workspace_id WHERE w.key = %s"
            " ORDER BY s.id LIMIT 1",
        )
    )
    started = time.monotonic()
    keys = (workspace, metric, source)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda month: _fill_month(system, keys, rows // MONTHS, *month), _months()))
    with system.connect() as connection:
        connection.execute("VACUUM (ANALYZE, FREEZE) outcomes_observation")
    stored = system.ask("SELECT count(*) FROM outcomes_observation")
    tell("history", stored=stored, seconds=time.monotonic() - started)


def _fill_month(system: System, keys: tuple[int, int, int], rows: int, first: date, after: date) -> None:
    """Fill one partition apart, with its unique key, and attach it, unless it is there."""
    workspace, metric, source = keys
    text = f"outcomes_observation_{first.year:04d}_{first.month:02d}"
    name, bounds = sql.Identifier(text), (sql.Literal(first.isoformat()), sql.Literal(after.isoformat()))
    if system.ask("SELECT to_regclass(%s)::text", text) is not None:
        return
    with system.connect() as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            # A table that is attached gets the parent's identity column then, and may have none before.
            sql.SQL(
                "CREATE TABLE {0} (LIKE outcomes_observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
                " CHECK (at >= {1} AND at < {2}))"
            ).format(name, *bounds)
        )
        connection.execute(
            sql.SQL(
                'INSERT INTO {} (id, workspace_id, metric_id, series, at, "on", value, source_id, stated_at,'
                " stated_by, stated_row) SELECT nextval(pg_get_serial_sequence('outcomes_observation', 'id')),"
                " %s, %s, 's' || n %% 50, at, at::date, n, %s, at, 'history', n"
                " FROM (SELECT n, %s::timestamptz + n * ((%s::timestamptz - %s::timestamptz) / %s) AS at"
                " FROM generate_series(0, %s - 1) AS n) AS made"
            ).format(name),
            [workspace, metric, source, first, after, first, rows, rows],
        )
        connection.execute(sql.SQL("ALTER TABLE {} ADD UNIQUE (metric_id, series, at)").format(name))
        connection.execute(
            sql.SQL(
                "ALTER TABLE outcomes_observation ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
            ).format(name, *bounds)
        )
        connection.execute("SELECT outcomes_hold_observations(%s::regclass)", [text])


def _months() -> list[tuple[date, date]]:
    months = []
    year, month = _LAST
    for _ in range(MONTHS):
        first = date(year, month, 1)
        after = date(year + month // 12, month % 12 + 1, 1)
        months.append((first, after))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return months
