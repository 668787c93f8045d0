"""A long history to measure on top of: observations of other months, made by the database itself."""

from __future__ import annotations

import time
from datetime import date

from psycopg import sql

from benchmarks.ingest.system import System, tell

MONTHS = 60
_LAST = (2025, 12)


def fill(system: System, rows: int) -> None:
    """Store `rows` observations over sixty months, a partition at a time, with the keys real ones have."""
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
    each = rows // MONTHS
    with system.connect() as connection:
        connection.execute("SET synchronous_commit = off")
        for first, after in _months():
            name = sql.Identifier(f"outcomes_observation_{first.year:04d}_{first.month:02d}")
            row = connection.execute("SELECT to_regclass(%s)", [name.as_string(connection)]).fetchone()
            if row and row[0] is not None:
                continue
            connection.execute(
                # A table that is attached gets the parent's identity column then, and may have none before.
                sql.SQL(
                    "CREATE TABLE {} (LIKE outcomes_observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
                ).format(name)
            )
            connection.execute(
                sql.SQL(
                    'INSERT INTO {} (id, workspace_id, metric_id, series, at, "on", value, source_id, stated_at,'
                    " stated_by, stated_row) SELECT nextval(pg_get_serial_sequence('outcomes_observation', 'id')),"
                    " %s, %s, 's' || n %% 50, at, at::date, n, %s, at, 'history', n"
                    " FROM (SELECT n, %s::timestamptz + n * ((%s::timestamptz - %s::timestamptz) / %s) AS at"
                    " FROM generate_series(0, %s - 1) AS n) AS made"
                ).format(name),
                [workspace, metric, source, first, after, first, each, each],
            )
            connection.execute(
                sql.SQL(
                    "ALTER TABLE outcomes_observation ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
                ).format(name, sql.Literal(first.isoformat()), sql.Literal(after.isoformat()))
            )
    stored = system.ask("SELECT count(*) FROM outcomes_observation")
    tell("history", stored=stored, seconds=time.monotonic() - started)


def _months() -> list[tuple[date, date]]:
    months = []
    year, month = _LAST
    for _ in range(MONTHS):
        first = date(year, month, 1)
        after = date(year + month // 12, month % 12 + 1, 1)
        months.append((first, after))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return months
