"""Which deliveries are read next: the sources that wait take turns, so that a flood of one starves nobody.

A claim is a transaction of its own. It counts an attempt before the work is done, so that a delivery which kills its
worker is known by its attempts.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from outcomes.pipeline.repeatable import repeatable

BATCH = 200
# A transaction takes about this much at a time, so that two workers share a load of large bodies.
BATCH_BYTES = 512 * 1024


class _Waiting(NamedTuple):
    id: int
    attempts: int
    body_bytes: int
    is_fresh: bool


def claim() -> tuple[list[int], bool]:
    """Count an attempt on the next pending deliveries; return their ids, and whether more were waiting.

    Whatever was tried before goes alone: it must not take the others down with it.
    """
    with repeatable(), connection.cursor() as cursor:
        cursor.execute(_NEXT, {"batch": BATCH})
        rows = [_Waiting(*row) for row in cursor.fetchall()]
        is_full = len(rows) == BATCH
        spent = [row.id for row in rows if row.attempts >= settings.DELIVERY_MAX_ATTEMPTS]
        if spent:
            _set_aside(cursor, spent)
            rows = [row for row in rows if row.id not in spent]
        if not rows:
            return [], is_full
        ids = _within_bytes(list(takewhile(lambda row: row.is_fresh, rows))) or [rows[0].id]
        cursor.execute(
            # Nobody else's for a moment, until its rows are locked; and, if its worker dies, tried again after
            # longer and longer: workers that are ended from outside must not make it look like a poison.
            "UPDATE outcomes_delivery SET attempts = attempts + 1,"
            " retry_at = clock_timestamp() + make_interval(secs => power(2, least(attempts, 6) + 1))"
            " WHERE id = ANY(%s)",
            [ids],
        )
        return ids, is_full or len(ids) < len(rows)


def give_back(ids: list[int]) -> None:
    """Take back the attempt that a batch counted before it was ended: one of them may be to blame, not all.

    Each goes alone from here on, and then pays for itself.
    """
    with repeatable(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outcomes_delivery SET attempts = greatest(attempts - 1, 0), retry_at = clock_timestamp()"
            " WHERE id IN (SELECT id FROM outcomes_delivery WHERE id = ANY(%s) AND state = 'pending'"
            " ORDER BY id FOR UPDATE SKIP LOCKED)",
            [ids],
        )


def _set_aside(cursor: Any, ids: list[int]) -> None:
    """Quarantine what every worker that tried it died of before it could say why."""
    cursor.execute(
        # What it was counted as among the candidates stays with it, or a replay would count it twice.
        "UPDATE outcomes_delivery SET state = 'quarantined',"
        " outcome = %s::jsonb || jsonb_strip_nulls(jsonb_build_object('unclaimed', outcome->'unclaimed'))"
        " WHERE id = ANY(%s)",
        [json.dumps({"error": "Interpreting it ended its worker.", "refused": [], "more": 0}), ids],
    )


def _within_bytes(rows: list[_Waiting]) -> list[int]:
    ids: list[int] = []
    total = 0
    for row in rows:
        total += row.body_bytes
        if ids and total > BATCH_BYTES:
            break
        ids.append(row.id)
    return ids


# The sources that wait are found by steps along an index, never by reading all that waits. Each is asked for its
# oldest, a bounded number of all of them; then workspaces take turns, and within a workspace its sources. Twice as
# many are looked at as are taken, for those that another worker takes at the same moment.
_NEXT = """
    WITH RECURSIVE sources (source_id) AS (
        (SELECT source_id FROM outcomes_delivery WHERE state = 'pending' ORDER BY source_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.source_id FROM outcomes_delivery d
                WHERE d.state = 'pending' AND d.source_id > sources.source_id ORDER BY d.source_id LIMIT 1)
        FROM sources WHERE sources.source_id IS NOT NULL
    ), share AS (
        SELECT least(2 * %(batch)s, greatest(5, 20 * %(batch)s / greatest(1, count(source_id)))) AS most
        FROM sources
    ), oldest AS (
        SELECT d.id, d.workspace_id, row_number() OVER (PARTITION BY d.source_id ORDER BY d.id) AS turn
        FROM sources CROSS JOIN share CROSS JOIN LATERAL (
            SELECT id, workspace_id, source_id FROM outcomes_delivery d
            WHERE d.source_id = sources.source_id AND d.state = 'pending'
              AND (d.retry_at IS NULL OR d.retry_at <= clock_timestamp())
            ORDER BY d.id LIMIT share.most
        ) AS d
    ), turns AS MATERIALIZED (
        SELECT id, row_number() OVER (PARTITION BY workspace_id ORDER BY turn, id) AS turn FROM oldest
        ORDER BY turn, id LIMIT 2 * %(batch)s
    )
    SELECT d.id, d.attempts, d.body_bytes, d.attempts = 0 AND d.retry_at IS NULL
    FROM turns JOIN outcomes_delivery d ON d.id = turns.id
    WHERE d.state = 'pending' AND (d.retry_at IS NULL OR d.retry_at <= clock_timestamp())
    ORDER BY turns.turn, d.id LIMIT %(batch)s
    FOR UPDATE OF d SKIP LOCKED
"""
