"""What is kept for how long: bodies of deliveries for a month, facts for ever unless a setting says otherwise.

Days and values derived from facts stay whatever is dropped beneath them, so the months that are gone are closed:
rows for them are refused, and their days are never computed again.
"""

from __future__ import annotations

import logging
import time
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from outcomes.pipeline import partitions

logger = logging.getLogger(__name__)

# What days are recomputed from. Snapshots and the days of actors are read by verdicts, and stay.
RAW_FACTS = ("outcomes_observation", "outcomes_usageevent")
BODIES_AT_A_TIME = 500


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


_FORGET_BODIES = """
    UPDATE outcomes_delivery SET body = NULL
    WHERE id IN (SELECT id FROM outcomes_delivery
                 WHERE body IS NOT NULL AND received_at < %s AND state <> 'pending'
                 ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
