"""Where outcomes stand on a day: baseline, current, attainment and pace, read set-wise from daily totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from outcomes.formulas.attainment import Attainment, attainment, pace
from outcomes.formulas.levels import DayTotal, Level, level, window_before, window_now
from outcomes.models import Metric, MetricSource, Outcome, SourceDay
from productops.workspaces.models import Workspace
from roadmap.models import Item

# A baseline needs this part of its window reported.
MINIMUM_COVERAGE = 0.8
OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One outcome on one day. Levels are in the metric's unit; `missing` names what could not be said."""

    outcome: Outcome
    baseline: float | None
    baseline_from: str | None
    current: float | None
    newest_on: date | None
    attainment: Attainment
    pace: float | None
    grade: str
    missing: tuple[str, ...]
    # The decided effect on it is worse: it lowers the whole value, whatever its role.
    is_worse: bool = False

    def as_json(self) -> dict[str, Any]:
        """The outcome as the item's explanation and card show it."""
        return {
            "id": self.outcome.pk,
            "metric": self.outcome.metric.key,
            "series": self.outcome.series,
            "role": self.outcome.role,
            "weight": self.outcome.weight,
            "baseline": self.baseline,
            "baseline_from": self.baseline_from,
            "target": self.outcome.target,
            "current": self.current,
            "newest_on": self.newest_on.isoformat() if self.newest_on else None,
            "attainment": self.attainment.value,
            "reason": self.attainment.reason,
            "pace": self.pace,
            "grade": self.grade,
            "due_on": self.outcome.due_on.isoformat() if self.outcome.due_on else None,
            "missing": list(self.missing),
        }


class OutcomeLevels:
    """The outcomes of a batch of items with the daily totals behind them; asked for two days."""

    def __init__(
        self,
        workspace: Workspace,
        items: Mapping[int, Item],
        days: Sequence[date],
        outcomes: Sequence[Outcome] | None = None,
    ) -> None:
        """`outcomes` are those of the items with their metrics, read from the database if they are not given."""
        self._items = items
        if outcomes is None:
            held = Outcome.objects.filter(item_id__in=items, metric__archived_at=None)
            outcomes = list(held.select_related("metric").order_by("item_id", "id"))
        self._outcomes = outcomes
        wanted = [span for outcome in self._outcomes for span in self._windows(outcome, days)]
        self._totals = _totals(wanted)
        self._covered = _covered({outcome.metric_id for outcome in self._outcomes}, wanted)

    def on(self, day: date) -> dict[int, list[Standing]]:
        """Return how every outcome stood on `day`, by item."""
        standings: dict[int, list[Standing]] = defaultdict(list)
        for outcome in self._outcomes:
            standings[outcome.item_id].append(self._standing(outcome, day))
        return standings

    def _windows(self, outcome: Outcome, days: Sequence[date]) -> Iterable[tuple[int, date, date]]:
        released_on = self._items[outcome.item_id].released_on
        for day in days:
            first, last = window_now(day, outcome.metric.cadence)
            yield outcome.metric_id, first, last
        if released_on is not None and outcome.baseline is None:
            first, last = window_before(released_on, outcome.metric.cadence)
            yield outcome.metric_id, first, last

    def _standing(self, outcome: Outcome, day: date) -> Standing:
        metric = outcome.metric
        released_on = self._items[outcome.item_id].released_on
        is_after = released_on is not None and released_on <= day
        first, last = window_now(day, metric.cadence)
        current = self._level(
            outcome, max(first, released_on) if is_after and released_on else first, last, day
        )
        baseline, baseline_from = outcome.baseline, "typed"
        if baseline is None:
            baseline, baseline_from = self._baseline(outcome, released_on if is_after else None, day)
        reached = attainment(baseline, outcome.target, current.value, metric.direction)
        if not is_after:
            reached = Attainment(None, "not_released")
        missing = tuple(
            name
            for name, value in (
                ("baseline", baseline),
                ("target", outcome.target),
                ("current", current.value),
            )
            if value is None
        )
        return Standing(
            outcome=outcome,
            baseline=baseline,
            baseline_from=baseline_from if baseline is not None else None,
            current=current.value,
            newest_on=current.newest_on,
            attainment=reached,
            pace=pace(reached.value, released_on, outcome.due_on, day),
            grade=OBSERVED,
            missing=missing,
        )

    def _baseline(self, outcome: Outcome, released_on: date | None, day: date) -> tuple[float | None, str]:
        if released_on is None:
            return None, "before_release"
        first, last = window_before(released_on, outcome.metric.cadence)
        before = self._level(outcome, first, last, day)
        return (before.value if before.coverage >= MINIMUM_COVERAGE else None), "before_release"

    def _level(self, outcome: Outcome, first: date, last: date, day: date) -> Level:
        metric: Metric = outcome.metric
        rows = self._totals.get(metric.pk, {})
        series = rows if outcome.series is None else {outcome.series: rows.get(outcome.series, [])}
        return level(
            [total for totals in series.values() for total in totals],
            aggregation=metric.aggregation,
            cadence=metric.cadence,
            first=first,
            last=last,
            covered=self._covered.get(metric.pk, frozenset()),
            today=day,
        )


def _totals(wanted: Sequence[tuple[int, date, date]]) -> dict[int, dict[str, list[DayTotal]]]:
    found: dict[int, dict[str, list[DayTotal]]] = defaultdict(lambda: defaultdict(list))
    spans = sorted(set(wanted))
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


def _covered(metric_ids: set[int], wanted: Sequence[tuple[int, date, date]]) -> dict[int, frozenset[date]]:
    """The days that any source of a metric reported on, in the days wanted."""
    if not wanted:
        return {}
    sources: dict[int, list[int]] = defaultdict(list)
    for metric_id, source_id in MetricSource.objects.filter(metric_id__in=metric_ids).values_list(
        "metric_id", "source_id"
    ):
        sources[source_id].append(metric_id)
    first = min(span[1] for span in wanted)
    last = max(span[2] for span in wanted) + timedelta(days=1)
    days: dict[int, set[date]] = defaultdict(set)
    reported = SourceDay.objects.exclude(has_observations=False, is_stated=False)
    for source_id, on in reported.filter(source_id__in=sources, on__gte=first, on__lte=last).values_list(
        "source_id", "on"
    ):
        for metric_id in sources[source_id]:
            days[metric_id].add(on)
    return {metric_id: frozenset(on) for metric_id, on in days.items()}
