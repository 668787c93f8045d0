"""The daily totals of metrics over long spans, loaded at once for a batch of effects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection

from outcomes.formulas.effects.arranging import Series
from outcomes.formulas.levels import DayTotal
from outcomes.models import Metric, MetricSource, SourceDay

# (metric, first day, last day)
Span = tuple[int, date, date]


class SeriesOf:
    """The series behind the spans asked for, by metric and label."""

    def __init__(self, wanted: Iterable[Span]) -> None:
        spans = sorted(set(wanted))
        self._totals = _totals(spans)
        self._covered = _covered(spans)

    def of(self, metric: Metric, label: str | None) -> Series:
        """Return a metric's daily totals of one label, or (None) of all of them."""
        rows = self._totals.get(metric.pk, {})
        labels = rows if label is None else {label: rows.get(label, [])}
        days = [total for totals in labels.values() for total in totals]
        return Series(days, self._covered.get(metric.pk, frozenset()), metric.aggregation)


def _totals(spans: Sequence[Span]) -> dict[int, dict[str, list[DayTotal]]]:
    found: dict[int, dict[str, list[DayTotal]]] = defaultdict(lambda: defaultdict(list))
    if not spans:
        return found
    metrics, firsts, lasts = zip(*spans, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT d.metric_id, d.series, d."on", d.count, d.total, d.low, d.high, d.last, d.last_at
            FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS asked (metric_id, first, last)
            JOIN outcomes_metricday d ON d.metric_id = asked.metric_id
                                     AND d."on" BETWEEN asked.first AND asked.last
            ORDER BY d.metric_id, d.series, d."on"
            """,
            [list(metrics), list(firsts), list(lasts)],
        )
        for metric_id, series, *row in cursor.fetchall():
            found[metric_id][series].append(DayTotal(*row))
    return found


def _covered(spans: Sequence[Span]) -> dict[int, frozenset[date]]:
    """The days that any source of a metric reported on."""
    if not spans:
        return {}
    sources: dict[int, list[int]] = defaultdict(list)
    told = MetricSource.objects.filter(metric_id__in={metric_id for metric_id, *_ in spans})
    for metric_id, source_id in told.values_list("metric_id", "source_id"):
        sources[source_id].append(metric_id)
    first = min(first for _, first, _ in spans)
    last = max(last for *_, last in spans)
    days: dict[int, set[date]] = defaultdict(set)
    reported = SourceDay.objects.exclude(has_observations=False, is_stated=False)
    for source_id, on in reported.filter(source_id__in=sources, on__range=(first, last)).values_list(
        "source_id", "on"
    ):
        for metric_id in sources[source_id]:
            days[metric_id].add(on)
    return {metric_id: frozenset(on) for metric_id, on in days.items()}
