"""What is kept for how long: bodies of deliveries for a month, facts for ever unless a setting says otherwise.

Days and values derived from facts stay whatever is dropped beneath them, so the months that are gone are closed:
rows for them are refused, and their days are never computed again.
"""

from __future__ import annotations

import logging
import time
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from outcomes.models.told import DIGEST, DISABLED, FLAGS_DIGEST, TEST
from outcomes.pipeline import partitions

logger = logging.getLogger(__name__)

# What days are recomputed from. Snapshots and the days of actors are read by verdicts, and stay.
RAW_FACTS = ("outcomes_observation", "outcomes_usageevent")
BODIES_AT_A_TIME = 500
NOTICES_AT_A_TIME = 2000
# Occurrences whose identity counts something that never comes back.
NEVER_AGAIN = ("flag.opened", "flag.resolved", "value.changed", FLAGS_DIGEST, DIGEST, TEST, DISABLED)


def forget_bodies(*, max_seconds: float, now: datetime | None = None) -> int:
    """Forget the bytes of deliveries older than DELIVERY_BODY_DAYS; return of how many.

    Their row, hash and id stay, so that a repeat is still known as one. What is pending keeps its body.
    """
    if not settings.DELIVERY_BODY_DAYS:
        return 0
    before = (now or timezone.now()) - timedelta(days=settings.DELIVERY_BODY_DAYS)
    until = time.monotonic() + max_seconds
    forgotten = 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_BODIES, [before, BODIES_AT_A_TIME])
            if not cursor.rowcount:
                break
            forgotten += cursor.rowcount
    return forgotten


def forget_notices(*, max_seconds: float, now: datetime | None = None) -> int:
    """Forget finished notices, attempts and what only they spoke of, older than NOTICE_DAYS; return how many.

    What could occur again under the same identity stays, so that it is still known and not told twice.
    """
    if not settings.NOTICE_DAYS:
        return 0
    before = (now or timezone.now()) - timedelta(days=settings.NOTICE_DAYS)
    until = time.monotonic() + max_seconds
    forgotten = 0
    steps: tuple[tuple[str, list[Any]], ...] = (
        (_FORGET_ATTEMPTS, [before, NOTICES_AT_A_TIME]),
        (_FORGET_NOTICES, [before, NOTICES_AT_A_TIME]),
        (_FORGET_OCCURRENCES, [before, list(NEVER_AGAIN), NOTICES_AT_A_TIME]),
    )
    for statement, values in steps:
        while time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                if not cursor.rowcount:
                    break
                forgotten += cursor.rowcount
    return forgotten


def drop_old_facts(today: date | None = None) -> list[str]:
    """Drop the partitions of raw facts that lie wholly before what FACT_MONTHS keeps; return their names."""
    first = first_kept(today)
    if first is None:
        return []
    dropped = []
    for table in RAW_FACTS:
        for name in partitions.before(table, first):
            try:
                partitions.drop(name)
            except OperationalError as error:
                # Somebody reads it; the next turn finds it again.
                logger.info("%s is not dropped yet: %s", name, error)
            else:
                dropped.append(name)
    return dropped


def first_kept(today: date | None = None) -> date | None:
    """The first day of the oldest month whose raw facts are kept; None when all are."""
    if not settings.FACT_MONTHS:
        return None
    day = today or timezone.now().date()
    months = day.year * 12 + day.month - 1 - settings.FACT_MONTHS
    return date(months // 12, months % 12 + 1, 1)


def open_from(today: date | None = None) -> date | None:
    """The first day that facts are taken for; None when any is.

    One day into the oldest kept month: the day before may have begun, somewhere, in a month that is gone.
    """
    first = first_kept(today)
    return first + timedelta(days=1) if first else None


# What is to go is named by a CTE: a subquery that locks may be asked again for every row, and then finds others.
_FORGET_BODIES = """
    WITH old AS MATERIALIZED (
        SELECT id FROM outcomes_delivery WHERE body IS NOT NULL AND received_at < %s AND state <> 'pending'
        ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE outcomes_delivery SET body = NULL FROM old WHERE outcomes_delivery.id = old.id
"""

# An attempt goes before its notice: one of a notice that is still pending, too, which may have been sent again by hand.
_FORGET_ATTEMPTS = """
    WITH old AS MATERIALIZED (
        SELECT id FROM outcomes_attempt WHERE started_at < %s
        ORDER BY started_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM outcomes_attempt USING old WHERE outcomes_attempt.id = old.id
"""

_FORGET_NOTICES = """
    WITH old AS MATERIALIZED (
        SELECT id FROM outcomes_notice AS notice
        WHERE finished_at < %s AND NOT EXISTS (SELECT FROM outcomes_attempt WHERE notice_id = notice.id)
        ORDER BY finished_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM outcomes_notice USING old WHERE outcomes_notice.id = old.id
"""

_FORGET_OCCURRENCES = """
    WITH old AS MATERIALIZED (
        SELECT id FROM outcomes_occurrence AS occurrence
        WHERE occurred_at < %s AND event = ANY(%s)
          AND NOT EXISTS (SELECT FROM outcomes_notice WHERE occurrence_id = occurrence.id)
        ORDER BY occurred_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM outcomes_occurrence USING old WHERE outcomes_occurrence.id = old.id
"""
