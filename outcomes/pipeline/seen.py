"""What sources have spoken of: days and items. Unions over statements, so their order never matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection

from outcomes.models import ItemSource, MetricSource, Source, SourceDay
from roadmap.models import Evidence


def see_days(
    source: Source,
    days: Iterable[date],
    *,
    has_usage: bool = False,
    has_observations: bool = False,
    is_stated: bool = False,
) -> list[date]:
    """Note that the source reported on these days; return those on which this is news."""
    wanted = set(days)
    if not wanted:
        return []
    columns = {"has_usage": has_usage, "has_observations": has_observations, "is_stated": is_stated}
    flags = {name: True for name, is_set in columns.items() if is_set}
    # Looked up first: an upsert would lock the row of today for every delivery of the day.
    known = SourceDay.objects.filter(source=source, on__in=wanted, **flags).values_list("on", flat=True)
    fresh = sorted(wanted - set(known))
    if fresh:
        SourceDay.objects.bulk_create(
            [SourceDay(workspace_id=source.workspace_id, source=source, on=on, **flags) for on in fresh],
            update_conflicts=True,
            unique_fields=["source", "on"],
            update_fields=list(flags),
        )
    return fresh


def see_items(source: Source, facts: Sequence[tuple[Any, ...]], shape: str) -> list[tuple[int, date]]:
    """Note the items a source speaks of, by facts (item_id, on, ...) of one shape: events or snapshots.

    Returns (item_id, first day) of those the source had not spoken of before, or not that far back.
    """
    stated: dict[int, list[Any]] = {}
    for fact in facts:
        item_id, on = fact[0], fact[1]
        is_share = shape == "snapshots" and fact[5] is not None
        entry = stated.setdefault(item_id, [on, on, False, False, False])
        entry[0], entry[1] = min(entry[0], on), max(entry[1], on)
        entry[2] |= shape == "events"
        entry[3] |= shape == "snapshots" and not is_share
        entry[4] |= is_share
    rows = {row.item_id: row for row in ItemSource.objects.filter(source=source, item_id__in=stated)}
    news: list[tuple[int, date]] = []
    stale: list[tuple[Any, ...]] = []
    for item_id, entry in sorted(stated.items()):
        known = rows.get(item_id)
        shapes = (known.has_events, known.has_counts, known.has_shares) if known else (False, False, False)
        is_news = (
            known is None
            or entry[0] < known.first_on
            or any(new and not old for new, old in zip(entry[2:], shapes, strict=True))
        )
        if is_news:
            news.append((item_id, entry[0]))
        if is_news or (known is not None and entry[1] > known.last_on):
            stale.append((item_id, *entry))
    _write_items(source, stale)
    return news


def see_metrics(source: Source, metric_ids: Iterable[int]) -> None:
    """Note the metrics a source reports."""
    wanted = set(metric_ids)
    known = MetricSource.objects.filter(source=source, metric_id__in=wanted).values_list(
        "metric_id", flat=True
    )
    fresh = sorted(wanted - set(known))
    MetricSource.objects.bulk_create(
        [MetricSource(workspace_id=source.workspace_id, source=source, metric_id=id_) for id_ in fresh],
        ignore_conflicts=True,
    )


def problems_of_customers(customer_ids: Sequence[int]) -> list[int]:
    """Return the problems that these customers gave evidence for: their revenue at stake moves with mrr."""
    if not customer_ids:
        return []
    problems = Evidence.objects.filter(customer_id__in=customer_ids).values_list("problem_id", flat=True)
    return sorted(set(problems))


def _write_items(source: Source, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    item_ids, firsts, lasts, events, counts, shares = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_itemsource (workspace_id, source_id, item_id, first_on, last_on, has_events,
                                             has_counts, has_shares)
            SELECT %s, %s, * FROM unnest(%s::bigint[], %s::date[], %s::date[], %s::boolean[], %s::boolean[],
                                         %s::boolean[])
            ON CONFLICT (item_id, source_id) DO UPDATE SET
                first_on = least(outcomes_itemsource.first_on, excluded.first_on),
                last_on = greatest(outcomes_itemsource.last_on, excluded.last_on),
                has_events = outcomes_itemsource.has_events OR excluded.has_events,
                has_counts = outcomes_itemsource.has_counts OR excluded.has_counts,
                has_shares = outcomes_itemsource.has_shares OR excluded.has_shares
            """,
            [
                source.workspace_id,
                source.pk,
                list(item_ids),
                list(firsts),
                list(lasts),
                list(events),
                list(counts),
                list(shares),
            ],
        )
