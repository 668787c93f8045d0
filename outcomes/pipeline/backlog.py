"""How far the worker is behind: what waits, and since when the oldest of it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from outcomes.models import Delivery

# Counting goes no further: that it is at least so many is all one needs to know.
COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts stop at COUNTED. An age is in seconds, of the oldest that waits; 0 when nothing does."""

    pending: int
    oldest_pending_seconds: float
    set_aside: int
    marks: Mapping[str, int]
    oldest_mark_seconds: float

    @property
    def mark_count(self) -> int:
        return sum(self.marks.values())

    @property
    def lag_seconds(self) -> float:
        """How old the oldest fact is that a value may not show yet."""
        return max(self.oldest_pending_seconds, self.oldest_mark_seconds)


def measure(workspace_id: int | None = None, *, now: datetime | None = None) -> Backlog:
    """Measure the backlog of one workspace, or of all, from the indexes of what waits."""
    moment = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, {"workspace": workspace_id, "most": COUNTED})
        pending, oldest_pending, set_aside = cursor.fetchone()
        cursor.execute(_MARKS, {"workspace": workspace_id, "most": COUNTED})
        marks = cursor.fetchall()
    return Backlog(
        pending=pending,
        oldest_pending_seconds=_age(oldest_pending, moment),
        set_aside=set_aside,
        marks={kind: count for kind, count, _ in marks},
        oldest_mark_seconds=_age(min((oldest for _, _, oldest in marks), default=None), moment),
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Notices that wait, how long the oldest has been due, in seconds, and endpoints that want a person."""

    waiting: int
    late_seconds: float
    failing: int
    disabled: int


def measure_outgoing(workspace_id: int | None = None, *, now: datetime | None = None) -> Outgoing:
    """Measure what has still to go out of one workspace, or of all."""
    moment = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_OUTGOING, {"workspace": workspace_id, "most": COUNTED})
        waiting, due, failing, disabled = cursor.fetchone()
    return Outgoing(waiting, _age(due, moment), failing, disabled)


def last_received_at(workspace_id: int) -> datetime | None:
    """When the newest delivery of a workspace came in."""
    newest = Delivery.objects.filter(workspace_id=workspace_id).aggregate(at=Max("received_at"))
    at: datetime | None = newest["at"]
    return at


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


_DELIVERIES = """
    SELECT (SELECT count(*) FROM (
                SELECT FROM outcomes_delivery WHERE state = 'pending'
                  AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) LIMIT %(most)s) AS pending),
           (SELECT min(received_at) FROM (
                SELECT received_at FROM outcomes_delivery WHERE state = 'pending'
                  AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
                ORDER BY id LIMIT 1000) AS oldest),
           (SELECT count(*) FROM (
                SELECT FROM outcomes_delivery WHERE state IN ('failed', 'quarantined')
                  AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) LIMIT %(most)s) AS set_aside)
"""

_OUTGOING = """
    WITH waiting AS MATERIALIZED (
        SELECT due_at FROM outcomes_notice WHERE state = 'pending'
          AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s) LIMIT %(most)s
    ), endpoints AS MATERIALIZED (
        SELECT failing_since, disabled_at, disabled_reason FROM outcomes_endpoint
        WHERE %(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s
    )
    SELECT (SELECT count(*) FROM waiting), (SELECT min(due_at) FROM waiting),
           (SELECT count(*) FROM endpoints WHERE failing_since IS NOT NULL AND disabled_at IS NULL),
           (SELECT count(*) FROM endpoints WHERE disabled_reason IN ('gone', 'failing'))
"""

_MARKS = """
    SELECT kind, count(*), min(marked_at) FROM (
        SELECT kind, marked_at FROM outcomes_mark
        WHERE %(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s
        ORDER BY id LIMIT %(most)s) AS marks
    GROUP BY kind ORDER BY kind
"""
