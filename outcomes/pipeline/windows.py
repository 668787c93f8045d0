"""Totals of metrics over windows, read from their days set-wise: what travels is one row a window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from outcomes.formulas.levels import (
    DayRange,
    Level,
    WholePeriods,
    WindowTotals,
    complete_periods,
    level_of,
)
from outcomes.models import Metric, MetricSource, SourceDay
from outcomes.pipeline.prepared import execute_prepared

_NOTHING = WindowTotals()
_NOBODY: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a metric, over one series label or (None) all, and the complete periods in it."""

    metric_id: int
    series: str | None
    first: date
    last: date
    whole: WholePeriods
    # Whether the newest value is asked for, which takes sorting.
    wants_last: bool = False


def window_of(metric: Metric, series: str | None, first: date, last: date, today: date) -> Window:
    """The window [first, last] as of `today`: nothing after it is read."""
    whole = complete_periods(first, last, metric.cadence, today)
    return Window(metric.pk, series, first, min(last, today), whole, metric.aggregation == "last")


class Windows:
    """Levels over windows that are told beforehand, so that all are read at once."""

    def __init__(self, asked: Iterable[Window]) -> None:
        windows = sorted(set(asked), key=lambda one: (one.metric_id, one.first, one.last, one.series or ""))
        self._totals = _totals(windows)
        self._covered = covered_days(
            {window.metric_id for window in windows},
            min((window.first for window in windows), default=date.max),
            max((window.last for window in windows), default=date.min),
        )
        self._levels: dict[Window, Level] = {}

    def level(self, metric: Metric, window: Window) -> Level:
        """The metric's level over a window; that of a window nobody told of is that of one without rows."""
        found = self._levels.get(window)
        if found is None:
            found = self._levels[window] = level_of(
                self._totals.get(window, _NOTHING),
                aggregation=metric.aggregation,
                cadence=metric.cadence,
                whole=window.whole,
                covered=self._covered.get(metric.pk, _NOBODY),
            )
        return found


def covered_days(metric_ids: set[int], first: date, last: date) -> dict[int, frozenset[date]]:
    """The days in [first, last] that any source of a metric reported on, by metric.

    Before the metric's first observation only days that a source said it covers: that it told of other metrics
    then is no zero of one that did not exist yet.
    """
    sources: dict[int, set[int]] = defaultdict(set)
    rows = MetricSource.objects.filter(metric_id__in=metric_ids).values_list("metric_id", "source_id")
    for metric_id, source_id in rows:
        sources[metric_id].add(source_id)
    days: dict[int, set[date]] = defaultdict(set)
    stated: dict[int, set[date]] = defaultdict(set)
    reported = SourceDay.objects.exclude(has_observations=False, is_stated=False).filter(
        source_id__in={source_id for held in sources.values() for source_id in held},
        on__gte=first,
        on__lte=last,
    )
    for source_id, on, is_stated in reported.values_list("source_id", "on", "is_stated"):
        days[source_id].add(on)
        if is_stated:
            stated[source_id].add(on)
    # Most metrics come from the same sources: their days are put together once.
    together: dict[frozenset[int], frozenset[date]] = {}
    for held in sources.values():
        key = frozenset(held)
        if key not in together:
            together[key] = frozenset().union(*(days[source_id] for source_id in key))
    began = _first_days(sources)
    found = {}
    for metric_id, held in sources.items():
        found[metric_id] = together[frozenset(held)]
        began_on = began.get(metric_id)
        if began_on is None or began_on > first:
            said: set[date] = set().union(*(stated[source_id] for source_id in held))
            found[metric_id] = frozenset(
                on for on in found[metric_id] if on in said or (began_on is not None and on >= began_on)
            )
    return found


def _first_days(metric_ids: Iterable[int]) -> dict[int, date]:
    """The first day each metric was observed on: one step into the index of its days."""
    ids = sorted(metric_ids)
    rows = execute_prepared(_FIRST_DAYS, {"metrics": ids}) if ids else ()
    return {metric_id: on for metric_id, on in rows if on is not None}


_FIRST_DAYS = """
    SELECT asked.id, (SELECT day."on" FROM outcomes_metricday day WHERE day.metric_id = asked.id
                      ORDER BY day."on" LIMIT 1)
    FROM unnest(%(metrics)s::bigint[]) AS asked (id)
"""


def _totals(windows: list[Window]) -> dict[Window, WindowTotals]:
    if not windows:
        return {}
    rows = execute_prepared(
        _TOTALS,
        {
            "numbers": list(range(len(windows))),
            "metrics": [window.metric_id for window in windows],
            "series": [window.series for window in windows],
            "firsts": [window.first for window in windows],
            "lasts": [window.last for window in windows],
            "whole_firsts": [window.whole.first for window in windows],
            "whole_lasts": [window.whole.last for window in windows],
            "wants": [window.wants_last for window in windows],
        },
    )
    found = {}
    for (
        number,
        count,
        total,
        whole_count,
        whole_total,
        low,
        high,
        last,
        oldest,
        newest,
        on_days,
        days,
    ) in rows:
        window = windows[number]
        told = (
            DayRange(oldest, newest)
            if (newest - oldest).days + 1 == on_days
            else {window.first + timedelta(days=int(offset)) for offset in days.split(",")}
        )
        found[window] = WindowTotals(count, total, whole_count, whole_total, low, high, last, told)
    return found


# Each window is one range of the index by day. The rows are put in order before they are added up, so that equal
# rows give equal digits; the newest value is of the last instant, of two at one instant the larger.
_TOTALS = """
    SELECT asked.number, d.*
    FROM unnest(%(numbers)s::int[], %(metrics)s::bigint[], %(series)s::text[], %(firsts)s::date[], %(lasts)s::date[],
                %(whole_firsts)s::date[], %(whole_lasts)s::date[], %(wants)s::bool[])
         AS asked (number, metric_id, series, first, last, whole_first, whole_last, wants_last)
    CROSS JOIN LATERAL (
        SELECT sum(count)::bigint AS of_all, sum(total), coalesce(sum(count) FILTER (WHERE is_whole), 0)::bigint,
               coalesce(sum(total) FILTER (WHERE is_whole), 0), min(low), max(high),
               (array_agg(last ORDER BY last_at DESC, last DESC) FILTER (WHERE asked.wants_last))[1],
               min("on"), max("on"), count(*) FILTER (WHERE is_next),
               string_agg(("on" - asked.first)::text, ',') FILTER (WHERE is_next)
        FROM (
            SELECT day.count, day.total, day.low, day.high, day.last, day.last_at, day."on",
                   lag(day."on") OVER (ORDER BY day."on", day.series) IS DISTINCT FROM day."on" AS is_next,
                   coalesce(day."on" BETWEEN asked.whole_first AND asked.whole_last, false) AS is_whole
            FROM outcomes_metricday day
            WHERE day.metric_id = asked.metric_id AND day."on" BETWEEN asked.first AND asked.last
              AND (asked.series IS NULL OR day.series = asked.series)
            ORDER BY day."on", day.series
        ) AS day
    ) AS d
    WHERE d.of_all > 0
"""
