"""How often toggles were found on and off: each delivery reports, a day is the sum of its reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection


def report(
    rows: Sequence[tuple[int, date, int, int]], *, workspace_id: int, source_id: int, report_id: str
) -> int:
    """Keep what one delivery reports as (item, day, on, off), no item and day twice; return how many are news."""
    if not rows:
        return 0
    ordered = sorted(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_exposurereport (workspace_id, source_id, report, item_id, on_date, on_count,
                                                 off_count)
            SELECT %s, %s, %s, s.* FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[]) AS s
            ON CONFLICT (item_id, on_date, source_id, report) DO NOTHING RETURNING item_id
            """,
            [workspace_id, source_id, report_id, *(list(column) for column in zip(*ordered, strict=True))],
        )
        return len(cursor.fetchall())


def sum_up(workspace_id: int, days: Iterable[tuple[int, date]]) -> None:
    """Recompute the exposures of (item, day) from their reports.

    The day's row is locked first, in a statement of its own: the sum then sees what every other transaction
    that held the lock has reported.
    """
    ordered = sorted(set(days))
    if not ordered:
        return
    items, dates = (list(column) for column in zip(*ordered, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_exposure AS there (workspace_id, item_id, on_date, on_count, off_count)
            SELECT %s, s.*, 0, 0 FROM unnest(%s::bigint[], %s::date[]) AS s ORDER BY 2, 3
            ON CONFLICT (item_id, on_date) DO UPDATE SET on_count = there.on_count
            """,
            [workspace_id, items, dates],
        )
        cursor.execute(
            """
            UPDATE outcomes_exposure AS there SET on_count = summed.on_count, off_count = summed.off_count
            FROM (SELECT r.item_id, r.on_date, sum(r.on_count) AS on_count, sum(r.off_count) AS off_count
                  FROM unnest(%s::bigint[], %s::date[]) AS s (item_id, on_date)
                  JOIN outcomes_exposurereport r USING (item_id, on_date) GROUP BY 1, 2) AS summed
            WHERE there.item_id = summed.item_id AND there.on_date = summed.on_date
            """,
            [items, dates],
        )
