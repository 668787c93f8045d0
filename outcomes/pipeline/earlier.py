"""Use of an item on days older than those that were gathered: what a flag that has stood for long wants to know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.db import connection


def asking_earlier(
    item_id: int, snapshots_from: int | None, *, by_customer: bool
) -> Callable[[date, date], bool]:
    """Return what tells whether anybody used an item between two days, by events or by the snapshots of a source."""

    def was_used_between(first: date, last: date) -> bool:
        asked = {"item": item_id, "source": snapshots_from, "by_customer": by_customer}
        with connection.cursor() as cursor:
            cursor.execute(_WAS_USED, {**asked, "first": first, "last": last})
            return bool(cursor.fetchone()[0])

    return was_used_between


_WAS_USED = """
    SELECT EXISTS (SELECT FROM outcomes_usageday u
                   WHERE u.item_id = %(item)s AND u."on" BETWEEN %(first)s AND %(last)s
                     AND (NOT %(by_customer)s OR u.customer_id IS NOT NULL))
        OR EXISTS (SELECT FROM outcomes_usagesnapshot s
                   WHERE s.item_id = %(item)s AND s.source_id = %(source)s::bigint
                     AND s."on" BETWEEN %(first)s AND %(last)s AND NOT s.is_retracted
                     AND (s.active > 0 OR s.share > 0))
"""
