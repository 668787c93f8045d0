"""Running totals become observations: the difference of each point to the one before it of the same counter.

The points are the facts. A point that arrives late changes its own difference and that of the point after it, so
both are computed anew from what is stored: any order of arrival ends in the same observations. A counter that
starts again (another start, or a value below the one before) counts from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from outcomes.sources.rows import TotalRow

# What a point says that does not say when its counter began: its first point is then only where counting starts.
UNKNOWN_START = datetime(1970, 1, 1, tzinfo=UTC)
# One of the advisory locks of this project; the other half of it is the source.
_LOCK = 7_301

# (metric, series, at, value)
Difference = tuple[int, str, datetime, float]


def keep(
    points: Sequence[tuple[int, TotalRow]], *, workspace_id: int, source_id: int
) -> tuple[int, list[Difference]]:
    """Store the points; return how many are new and every difference that may be another than before.

    Holds a lock of the source until the transaction ends: two writers of neighbouring points would not see each
    other's. Of two values for one point the higher one stands, whichever came first.
    """
    rows = _rows(points)
    if not rows:
        return 0, []
    metrics, counters, starts, ats, series, values = (list(column) for column in zip(*rows, strict=True))
    places: dict[str, Any] = {
        "source": source_id,
        "metrics": metrics,
        "counters": counters,
        "starts": starts,
        "ats": ats,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, source_id % 2**31])
        cursor.execute(_KEEP, {**places, "workspace": workspace_id, "series": series, "values": values})
        news = len(cursor.fetchall())
        cursor.execute(_DIFFERENCES, {**places, "unknown": UNKNOWN_START})
        return news, [row for row in cursor.fetchall() if row[3] is not None]


def observe(
    differences: Sequence[tuple[int, str, datetime, date, float]],
    *,
    workspace_id: int,
    source_id: int,
    stated_at: datetime,
    stated_by: str,
) -> list[tuple[int, str, datetime]]:
    """Write the differences as observations of this source; return (metric, series, at) of those that changed.

    They are computed and not stated, so the newest computation stands, whoever brought it about.
    """
    if not differences:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_observation AS there (metric_id, series, at, "on", value, workspace_id, source_id,
                                                       stated_at, stated_by, stated_row, is_retracted)
            SELECT s.*, %s, %s, %s, %s, 0, false
            FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::date[], %s::double precision[]) AS s
            ORDER BY 1, 2, 3
            ON CONFLICT (metric_id, series, at) DO UPDATE SET value = excluded.value
            WHERE there.source_id = excluded.source_id AND NOT there.is_retracted
              AND there.value IS DISTINCT FROM excluded.value
            RETURNING metric_id, series, at
            """,
            [
                workspace_id,
                source_id,
                stated_at,
                stated_by,
                *(list(column) for column in zip(*differences, strict=True)),
            ],
        )
        return cursor.fetchall()


def _rows(points: Sequence[tuple[int, TotalRow]]) -> list[tuple[Any, ...]]:
    """One row a point, the highest value of each, in the order of the key."""
    best: dict[tuple[Any, ...], tuple[str, float]] = {}
    for metric_id, point in points:
        key = (metric_id, point.counter, point.started_at or UNKNOWN_START, point.at)
        held = best.get(key)
        if held is None or point.value > held[1]:
            best[key] = (point.series, point.value)
    return [(*key, *best[key]) for key in sorted(best)]


_KEEP = """
    INSERT INTO outcomes_runningtotal AS there (workspace_id, source_id, metric_id, counter, started_at, at,
                                                series, value)
    SELECT %(workspace)s, %(source)s, s.*
    FROM unnest(%(metrics)s::bigint[], %(counters)s::text[], %(starts)s::timestamptz[], %(ats)s::timestamptz[],
                %(series)s::text[], %(values)s::double precision[]) AS s
    ON CONFLICT (source_id, metric_id, counter, started_at, at) DO UPDATE SET value = excluded.value
    WHERE excluded.value > there.value RETURNING metric_id
"""

# The points that were touched and those that follow them; each beside the one before it of its counter.
_DIFFERENCES = """
    WITH touched AS (
        SELECT * FROM unnest(%(metrics)s::bigint[], %(counters)s::text[], %(starts)s::timestamptz[],
                             %(ats)s::timestamptz[]) AS t (metric_id, counter, started_at, at)
    ), moved AS (
        SELECT p.metric_id, p.series, p.at FROM touched t JOIN outcomes_runningtotal p
          ON (p.metric_id, p.counter, p.started_at, p.at) = (t.metric_id, t.counter, t.started_at, t.at)
         AND p.source_id = %(source)s
        UNION
        SELECT p.metric_id, p.series, p.at FROM touched t CROSS JOIN LATERAL (
            SELECT * FROM outcomes_runningtotal p
            WHERE (p.metric_id, p.counter, p.started_at) = (t.metric_id, t.counter, t.started_at)
              AND p.source_id = %(source)s AND p.at > t.at ORDER BY p.at LIMIT 1) AS p
    )
    SELECT p.metric_id, p.series, p.at,
           sum(CASE WHEN before.value IS NULL AND p.started_at = %(unknown)s THEN NULL
                    WHEN before.value IS NULL OR p.value < before.value THEN p.value
                    ELSE p.value - before.value END)
    FROM moved JOIN outcomes_runningtotal p
      ON (p.metric_id, p.series, p.at) = (moved.metric_id, moved.series, moved.at)
     AND p.source_id = %(source)s
    LEFT JOIN LATERAL (
        SELECT b.value FROM outcomes_runningtotal b
        WHERE (b.metric_id, b.counter, b.started_at) = (p.metric_id, p.counter, p.started_at)
          AND b.source_id = %(source)s AND b.at < p.at ORDER BY b.at DESC LIMIT 1) AS before ON true
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
