"""What sources have spoken of: days, items and metrics. Unions over statements, so their order never matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection

from outcomes.models import ItemSource, MetricSource, SourceDay
from outcomes.pipeline.marks import Marks
from roadmap.models import Evidence

Cause = dict[str, Any]
# A source's day: (has_usage, has_observations, is_stated).
_DayFlags = tuple[bool, bool, bool]
# What a source says of an item: first day, last day, has_events, has_counts, has_shares.
_Spoken = tuple[date, date, bool, bool, bool]


class Seen:
    """Collected while deliveries are recorded, written once a transaction and in order.

    Written together because two workers that touch the same rows in different orders would wait for each
    other for ever.
    """

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id
        self._days: dict[tuple[int, date], _DayFlags] = {}
        self._items: dict[tuple[int, int], _Spoken] = {}
        self._metrics: set[tuple[int, int]] = set()
        self._causes: dict[int, Cause] = {}

    def days(
        self,
        source_id: int,
        days: Iterable[date],
        cause: Cause,
        *,
        has_usage: bool = False,
        has_observations: bool = False,
        is_stated: bool = False,
    ) -> None:
        """The source reported on these days."""
        self._causes[source_id] = cause
        for on in days:
            self._add_day((source_id, on), (has_usage, has_observations, is_stated))

    def items(self, source_id: int, facts: Iterable[tuple[Any, ...]], shape: str, cause: Cause) -> None:
        """The source spoke of the items of facts (item_id, on, ...) of one shape: events or snapshots."""
        self._causes[source_id] = cause
        for fact in facts:
            is_share = shape == "snapshots" and fact[5] is not None
            is_count = shape == "snapshots" and not is_share
            spoken = (fact[1], fact[1], shape == "events", is_count, is_share)
            self._add_item((fact[0], source_id), spoken)

    def metrics(self, source_id: int, metric_ids: Iterable[int]) -> None:
        """The source reports these metrics."""
        self._metrics |= {(metric_id, source_id) for metric_id in metric_ids}

    def merge(self, other: Seen) -> None:
        for day, flags in other._days.items():
            self._add_day(day, flags)
        for item, spoken in other._items.items():
            self._add_item(item, spoken)
        self._metrics |= other._metrics
        self._causes |= other._causes

    def write(self, marks: Marks) -> None:
        """Write what is news, and mark what it touches."""
        self._write_metrics()
        for item_id, source_id, first_on in self._write_items():
            # A source that had never spoken of an item changes which days count as covered for it.
            marks.add("item", item_id, from_on=first_on, cause=self._causes[source_id])
        for source_id, first_on in self._write_days():
            marks.add("source", source_id, from_on=first_on, cause=self._causes[source_id])

    def _add_day(self, day: tuple[int, date], flags: _DayFlags) -> None:
        self._days[day] = _either(self._days.get(day, (False, False, False)), flags)

    def _add_item(self, item: tuple[int, int], spoken: _Spoken) -> None:
        known = self._items.get(item)
        self._items[item] = spoken if known is None else _union(known, spoken)

    def _write_metrics(self) -> None:
        metric_ids = {metric_id for metric_id, _ in self._metrics}
        rows = MetricSource.objects.filter(metric_id__in=metric_ids)
        fresh = sorted(self._metrics - set(rows.values_list("metric_id", "source_id")))
        MetricSource.objects.bulk_create(
            [
                MetricSource(workspace_id=self.workspace_id, metric_id=metric_id, source_id=source_id)
                for metric_id, source_id in fresh
            ],
            ignore_conflicts=True,
        )

    def _write_days(self) -> list[tuple[int, date]]:
        """Write the days on which a report is news; return the first of each source."""
        source_ids = {source_id for source_id, _ in self._days}
        rows = SourceDay.objects.filter(source_id__in=source_ids, on__in={on for _, on in self._days})
        known = {
            (row.source_id, row.on): (row.has_usage, row.has_observations, row.is_stated) for row in rows
        }
        nothing = (False, False, False)
        # Looked up first: an upsert of every day would lock the row of today for every delivery of the day.
        fresh = {
            day: flags
            for day, flags in self._days.items()
            if _either(known.get(day, nothing), flags) != known.get(day)
        }
        _upsert_days(self.workspace_id, fresh)
        first: dict[int, date] = {}
        for source_id, on in fresh:
            first[source_id] = min(on, first.get(source_id, on))
        return sorted(first.items())

    def _write_items(self) -> list[tuple[int, int, date]]:
        """Write what is news of items; return (item, source, first day) where an item's sources changed."""
        rows = ItemSource.objects.filter(item_id__in={item_id for item_id, _ in self._items})
        known: dict[tuple[int, int], _Spoken] = {
            (row.item_id, row.source_id): (
                row.first_on,
                row.last_on,
                row.has_events,
                row.has_counts,
                row.has_shares,
            )
            for row in rows
        }
        news = []
        stale: list[tuple[Any, ...]] = []
        for item, spoken in sorted(self._items.items()):
            before = known.get(item)
            after = spoken if before is None else _union(before, spoken)
            if after == before:
                continue
            stale.append((*item, *after))
            if before is None or (after[0], after[2:]) != (before[0], before[2:]):
                news.append((*item, spoken[0]))
        _upsert_items(self.workspace_id, stale)
        return news


def problems_of_customers(customer_ids: Sequence[int]) -> list[int]:
    """Return the problems that these customers gave evidence for: their revenue at stake moves with mrr."""
    if not customer_ids:
        return []
    problems = Evidence.objects.filter(customer_id__in=customer_ids).values_list("problem_id", flat=True)
    return sorted(set(problems))


def _either(one: _DayFlags, other: _DayFlags) -> _DayFlags:
    return one[0] or other[0], one[1] or other[1], one[2] or other[2]


def _union(one: _Spoken, other: _Spoken) -> _Spoken:
    first, last = min(one[0], other[0]), max(one[1], other[1])
    return first, last, one[2] or other[2], one[3] or other[3], one[4] or other[4]


def _upsert_days(workspace_id: int, fresh: dict[tuple[int, date], _DayFlags]) -> None:
    # Rows of one statement must name the same columns, so they are written by what they set.
    by_flags: dict[_DayFlags, list[tuple[int, date]]] = defaultdict(list)
    for day, flags in fresh.items():
        by_flags[flags].append(day)
    for flags, days in sorted(by_flags.items()):
        names = ("has_usage", "has_observations", "is_stated")
        values = {name: True for name, is_set in zip(names, flags, strict=True) if is_set}
        SourceDay.objects.bulk_create(
            [
                SourceDay(workspace_id=workspace_id, source_id=source_id, on=on, **values)
                for source_id, on in sorted(days)
            ],
            update_conflicts=True,
            unique_fields=["source", "on"],
            update_fields=list(values),
        )


def _upsert_items(workspace_id: int, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_itemsource (workspace_id, item_id, source_id, first_on, last_on, has_events,
                                             has_counts, has_shares)
            SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[], %s::boolean[],
                                     %s::boolean[], %s::boolean[])
            ON CONFLICT (item_id, source_id) DO UPDATE SET
                first_on = least(outcomes_itemsource.first_on, excluded.first_on),
                last_on = greatest(outcomes_itemsource.last_on, excluded.last_on),
                has_events = outcomes_itemsource.has_events OR excluded.has_events,
                has_counts = outcomes_itemsource.has_counts OR excluded.has_counts,
                has_shares = outcomes_itemsource.has_shares OR excluded.has_shares
            """,
            [workspace_id, *(list(column) for column in zip(*rows, strict=True))],
        )
