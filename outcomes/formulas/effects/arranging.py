"""From daily totals to the values of periods before and after a release, whole and comparable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum, isfinite

import numpy as np

from outcomes.formulas.effects.series import Window
from outcomes.formulas.effects.windows import (
    REACH,
    AfterWindow,
    before_periods,
    periods_between,
    season_of,
)
from outcomes.formulas.levels import DayTotal, Period, newest_of, period_of


@dataclass(frozen=True, slots=True)
class Series:
    """The daily totals of a metric with the days that were reported for it; `aggregation` says what they mean."""

    days: Sequence[DayTotal]
    covered: Collection[date]
    aggregation: str


@dataclass(frozen=True, slots=True)
class Arranged:
    """What an effect is estimated from: the periods that have a value, and how many could have had one."""

    window: Window
    periods: Sequence[Period]
    expected: int

    @property
    def coverage(self) -> float:
        return len(self.periods) / self.expected


def arranged(
    metric: Series,
    controls: Sequence[Series],
    *,
    cadence: str,
    released_on: date,
    after: AfterWindow,
    today: date,
    most_before: int,
    whole: int = 1,
) -> Arranged | None:
    """Return the values before and after; None while there are too few of them.

    Only periods that ended before `today` count, and only those in which the metric and every control have a
    value. Both sides are cut to multiples of `whole` periods, weeks of days, so that every weekday counts alike.
    """
    reach = REACH[cadence]
    columns = [_values(series, cadence, after) for series in (metric, *controls)]
    known = set.intersection(*(set(column) for column in columns))
    earlier = before_periods(released_on, cadence, most_before)
    first_known = next(
        (number for number, period in enumerate(earlier) if period.start in known), len(earlier)
    )
    before = _whole(earlier[first_known:][::-1], whole)[::-1]
    ended = [period for period in periods_between(after.first, after.last, cadence) if period.end < today]
    later = _whole(ended, whole)
    periods = [period for period in (*before, *later) if period.start in known]
    first_after = sum(period.start < after.first.start for period in periods)
    if first_after < reach.least_before or len(periods) - first_after < reach.least_after:
        return None
    # A washout is a gap like any other: positions count the calendar's periods.
    calendar = periods_between(periods[0], periods[-1], cadence)
    numbers = {period.start: number for number, period in enumerate(calendar)}
    window = Window(
        positions=tuple(numbers[period.start] for period in periods),
        values=tuple(columns[0][period.start] for period in periods),
        seasons=tuple(season_of(period.start, cadence) for period in periods),
        first_after=first_after,
        controls=_matrix(columns[1:], periods),
    )
    return Arranged(window, periods, len(before) + len(later))


@dataclass(frozen=True, slots=True)
class History:
    """The values of a metric before something is released."""

    positions: Sequence[int]
    values: Sequence[float]
    seasons: Sequence[int]
    periods: Sequence[Period]


def history(metric: Series, *, cadence: str, until: date) -> History | None:
    """Return the values before the period that holds `until`, as before/after would read them; None while there
    are too few."""
    reach = REACH[cadence]
    values = period_values(metric, cadence)
    earlier = before_periods(until, cadence, reach.most_before)
    first_known = next((n for n, period in enumerate(earlier) if period.start in values), len(earlier))
    read = _whole(earlier[first_known:][::-1], reach.whole)[::-1]
    known = [(number, period) for number, period in enumerate(read) if period.start in values]
    if len(known) < reach.least_before:
        return None
    periods = [period for _, period in known]
    return History(
        positions=tuple(number for number, _ in known),
        values=tuple(values[period.start] for period in periods),
        seasons=tuple(season_of(period.start, cadence) for period in periods),
        periods=periods,
    )


def period_values(
    series: Series, cadence: str, *, days: Sequence[DayTotal] | None = None
) -> dict[date, float]:
    """Return the value of each period that has one, by its first day.

    A covered period without rows is 0 for sums and counts, from the first one with rows on: before that the
    metric was not there to be counted.
    """
    rows: Mapping[date, list[DayTotal]] = defaultdict(list)
    for row in series.days if days is None else days:
        rows[period_of(row.on, cadence).start].append(row)
    if series.aggregation not in ("sum", "count"):
        found = {start: _over_rows(of_period, series.aggregation) for start, of_period in rows.items()}
        return {start: value for start, value in found.items() if value is not None and isfinite(value)}
    name = "total" if series.aggregation == "sum" else "count"
    values = {start: fsum(getattr(row, name) for row in of_period) for start, of_period in rows.items()}
    began = min(values, default=date.max)
    for on in series.covered:
        start = period_of(on, cadence).start
        if start > began:
            values.setdefault(start, 0.0)
    return {start: value for start, value in values.items() if isfinite(value)}


def _values(series: Series, cadence: str, after: AfterWindow) -> dict[date, float]:
    """The values of periods; in the one that holds the release only what came after it counts.

    What was added up over such a period is partly of before, so that it says nothing.
    """
    first, counts_from = after.first.start, after.counts_from
    is_early = [first <= row.on < counts_from for row in series.days]
    values = period_values(
        series, cadence, days=[row for row, early in zip(series.days, is_early, strict=True) if not early]
    )
    is_mixed = any(is_early) or any(first <= on < counts_from for on in series.covered)
    if is_mixed and series.aggregation in ("sum", "count"):
        values.pop(first, None)
    return values


def _over_rows(rows: Sequence[DayTotal], aggregation: str) -> float | None:
    """The mean, last, min or max of the observations behind a period's rows."""
    if aggregation == "mean":
        count = sum(row.count for row in rows)
        return fsum(row.total for row in rows) / count if count else None
    if aggregation == "last":
        return newest_of(rows)
    return min(row.low for row in rows) if aggregation == "min" else max(row.high for row in rows)


def _whole(periods: Sequence[Period], size: int) -> list[Period]:
    """The first periods that make up whole groups of `size`."""
    return list(periods[: len(periods) // size * size])


def _matrix(columns: Sequence[Mapping[date, float]], periods: Sequence[Period]) -> np.ndarray:
    rows = [[column[period.start] for column in columns] for period in periods]
    return np.array(rows, dtype=float).reshape(len(periods), len(columns))
