"""Whether anything worsened after a feature was taken away: its outcomes' metrics before and after."""

# Every query is a constant of this room; values are parameters.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from outcomes.formulas.levels import WINDOW_PERIODS, DayTotal, level, period_of, window_before
from outcomes.formulas.tracking import change_around
from outcomes.insights.asking import Question, Told, read
from outcomes.pipeline.windows import covered_days

MINIMUM_COVERAGE = 0.8
# No window of any cadence is longer: four quarters and the one that is running.
_LONGEST_DAYS = 460


@dataclass(frozen=True, slots=True)
class SunsetsSummary:
    """Metrics of features that were taken away: worsened by a tenth or more, held, or not known yet."""

    items: int
    metrics: int
    worsened: int
    held: int
    unknown: int


@dataclass(frozen=True, slots=True)
class SunsetCheck:
    """A metric of a feature that was taken away: its level in the window before and in the same length after,
    so far. Directional: what else happened at the time is not taken out."""

    item_id: int
    item: str
    title: str
    sunset_on: date
    metric: str
    role: str
    unit: str
    before: float | None
    after: float | None
    difference: float | None
    relative: float | None
    has_worsened: bool | None
    after_days: int


# The day on which the item last left for sunset, by the record of changes; of one that came here as sunset
# already nobody knows it.
_GONE = """
    SELECT item.id AS item_id, item.key AS item, item.title, gone.sunset_on, outcome.metric_id,
           outcome.series, outcome.role, metric.key AS metric, metric.unit, metric.direction,
           metric.aggregation, metric.cadence
    FROM roadmap_item item
    CROSS JOIN LATERAL (
        SELECT (change.at AT TIME ZONE %(zone)s)::date AS sunset_on FROM workspaces_change change
        WHERE change.workspace_id = %(workspace)s AND change.type = 'item' AND change.object_id = item.id
          AND change.action <> 'created' AND change.values -> 'status' ->> 0 = 'released'
          AND change.values -> 'status' ->> 1 IN ('sunset', 'archived')
        ORDER BY change.position DESC, change.id DESC LIMIT 1
    ) AS gone
    JOIN outcomes_outcome outcome ON outcome.item_id = item.id
    JOIN outcomes_metric metric ON metric.id = outcome.metric_id AND metric.archived_at IS NULL
    WHERE item.workspace_id = %(workspace)s AND item.status IN ('sunset', 'archived')
      AND (%(product)s::bigint IS NULL OR item.product_id = %(product)s)
      AND gone.sunset_on <= %(today)s
    ORDER BY item.id, outcome.id
"""

_TOTALS = """
    SELECT d.metric_id, d.series, d."on", d.count, d.total, d.low, d.high, d.last, d.last_at
    FROM unnest(%(metrics)s::bigint[], %(firsts)s::date[], %(lasts)s::date[]) AS asked (metric_id, first, last)
    JOIN outcomes_metricday d ON d.metric_id = asked.metric_id AND d."on" BETWEEN asked.first AND asked.last
"""


def sunset_check(question: Question) -> Told[SunsetsSummary, SunsetCheck]:
    """Metrics of features that were taken away, those that worsened most first."""
    gone = read(_GONE, question, zone=question.workspace.time_zone)
    totals, covered = _read_days(question, gone)
    checks = [_check(row, totals, covered, question.today) for row in gone]
    checks.sort(key=lambda one: (not one.has_worsened, -abs(one.relative or 0.0), one.item_id, one.metric))
    summary = SunsetsSummary(
        items=len({one.item_id for one in checks}),
        metrics=len(checks),
        worsened=sum(one.has_worsened is True for one in checks),
        held=sum(one.has_worsened is False for one in checks),
        unknown=sum(one.has_worsened is None for one in checks),
    )
    return Told(summary, checks[: question.limit])


def _read_days(
    question: Question, gone: list[dict[str, Any]]
) -> tuple[Mapping[int, list[tuple[str, DayTotal]]], Mapping[int, frozenset[date]]]:
    totals: dict[int, list[tuple[str, DayTotal]]] = defaultdict(list)
    if not gone:
        return totals, {}
    around = timedelta(days=_LONGEST_DAYS)
    spans: dict[int, tuple[date, date]] = {}
    for row in gone:
        first, last = spans.get(row["metric_id"], (date.max, date.min))
        begin, end = row["sunset_on"] - around, min(row["sunset_on"] + around, question.today)
        spans[row["metric_id"]] = (min(first, begin), max(last, end))
    metrics = sorted(spans)
    firsts, lasts = [spans[id_][0] for id_ in metrics], [spans[id_][1] for id_ in metrics]
    for row in read(_TOTALS, question, metrics=metrics, firsts=firsts, lasts=lasts):
        metric_id, series = row.pop("metric_id"), row.pop("series")
        totals[metric_id].append((series, DayTotal(**row)))
    return totals, covered_days(set(metrics), min(firsts), max(lasts))


def _check(
    row: dict[str, Any],
    totals: Mapping[int, list[tuple[str, DayTotal]]],
    covered: Mapping[int, frozenset[date]],
    today: date,
) -> SunsetCheck:
    cadence, sunset_on = row["cadence"], row["sunset_on"]
    days = [
        total
        for series, total in totals.get(row["metric_id"], [])
        if row["series"] is None or series == row["series"]
    ]
    first, last = window_before(sunset_on, cadence)
    end = min(_end_of_window_after(sunset_on, cadence), today)
    asked: dict[str, Any] = {
        "aggregation": row["aggregation"],
        "cadence": cadence,
        "covered": covered.get(row["metric_id"], frozenset()),
    }
    before = level(days, first=first, last=last, today=today, **asked)
    after = level(days, first=sunset_on, last=end, today=today, **asked)
    known_before = before.value if before.coverage >= MINIMUM_COVERAGE else None
    known_after = after.value if after.periods == 0 or after.coverage >= MINIMUM_COVERAGE else None
    change = change_around(known_before, known_after, row["direction"])
    return SunsetCheck(
        item_id=row["item_id"],
        item=row["item"],
        title=row["title"],
        sunset_on=sunset_on,
        metric=row["metric"],
        role=row["role"],
        unit=row["unit"],
        before=known_before,
        after=known_after,
        difference=change.difference,
        relative=change.relative,
        has_worsened=change.has_worsened,
        after_days=(end - sunset_on).days + 1,
    )


def _end_of_window_after(on: date, cadence: str) -> date:
    """The last day of as many whole periods after `on` as the window before it holds."""
    period = period_of(on, cadence)
    for _ in range(WINDOW_PERIODS[cadence]):
        period = period_of(period.end + timedelta(days=1), cadence)
    return period.end
