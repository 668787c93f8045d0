"""Monthly partitions of the fact tables, made ahead by the clock or by the worker, never in a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.db import connection, transaction

PARTITIONED = (
    "outcomes_observation",
    "outcomes_usageevent",
    "outcomes_usagesnapshot",
    "outcomes_usageday",
)
# Older facts share one partition, so that a wild date cannot make a thousand tables.
FIRST_YEAR = 2000
MONTHS_AHEAD = 2
_LOCK = 0x70726F64  # one maker at a time

Month = tuple[int, int]


class Missing(Exception):
    """Facts are to be written to months that have no partition yet."""

    def __init__(self, table: str, months: list[Month]) -> None:
        super().__init__(f"{table} has no partition for {months}")
        self.table = table
        self.months = months


def missing(table: str, days: Iterable[date]) -> list[Month]:
    """Return the months among these days for which `table` has no partition."""
    months = sorted({(day.year, day.month) for day in days if day.year >= FIRST_YEAR})
    if not months:
        return []
    names = {_name(table, month): month for month in months}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [list(names)])
        there = {row[0] for row in cursor.fetchall()}
    return [month for name, month in names.items() if name not in there]


def make(table: str, months: Iterable[Month]) -> None:
    """Make the partitions of these months, each in a transaction of its own."""
    for month in months:
        _make(table, month)


def make_ahead(now: datetime | None = None) -> None:
    """Make this month's partitions and those of the next months."""
    today = (now or datetime.now(UTC)).date()
    months = [date(today.year, today.month, 1)]
    for _ in range(MONTHS_AHEAD):
        months.append(_next_month(months[-1]))
    for table in PARTITIONED:
        make(table, missing(table, months))


def before(table: str, day: date) -> list[str]:
    """Return the partitions of a table that hold nothing of `day` or later, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname",
            [table],
        )
        names = [row[0] for row in cursor.fetchall()]
    last = _name(table, (day.year, day.month))
    # The year 2000 and later: a name's month sorts like its time.
    return [name for name in names if re.fullmatch(rf"{table}_\d{{4}}_\d{{2}}", name) and name < last]


def drop(name: str) -> None:
    """Drop a partition and its facts. Raises OperationalError when it is in use for longer than a moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # Readers of the whole table queue behind this lock, so it is not waited for.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(name)}")


def _name(table: str, month: Month) -> str:
    return f"{table}_{month[0]:04d}_{month[1]:02d}"


def _make(table: str, month: Month) -> None:
    first = date(*month, 1)
    name = _name(table, month)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return
        # Made apart and then attached: that takes a weaker lock on the parent than PARTITION OF.
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
            [first, _next_month(first)],
        )
        if table == "outcomes_observation":
            # Whoever writes to the partition itself is held to the same.
            cursor.execute("SELECT outcomes_hold_observations(%s::regclass)", [name])


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
