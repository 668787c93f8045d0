"""Periods of a cadence, and the level of a metric over a window."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import fsum

CADENCES = ("hourly", "daily", "weekly", "monthly", "quarterly")
AGGREGATIONS = ("sum", "count", "mean", "last", "min", "max")

# How much of the past a level reads: 28 days, 8 weeks, 3 months, 4 quarters.
WINDOW_PERIODS = {"hourly": 28, "daily": 28, "weekly": 8, "monthly": 3, "quarterly": 4}

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a cadence: its first and its last day, both included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one series of a metric reported on one day, rolled up.

    `total`, `low`, `high` and `last` are in the metric's unit; `last` is the value of the newest observation,
    made at `last_at` (aware). Several series may each have a row for the same day.
    """

    on: date
    count: int
    total: float
    low: float
    high: float
    last: float
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Level:
    """The level of a metric over a window and how much of that window was reported.

    `periods` are the complete periods of the cadence inside the window, `covered_periods` those that were
    reported, `coverage` their share (0 when the window holds no complete period). `newest_on` is the day of
    the newest row that entered the value.
    """

    value: float | None
    periods: int
    covered_periods: int
    coverage: float
    newest_on: date | None


def period_of(on: date, cadence: str) -> Period:
    """Return the period of `cadence` that holds the day `on`; hourly counts as daily, weeks start on Monday.

    Raises ValueError for an unknown cadence.
    """
    if cadence in ("daily", "hourly"):
        return Period(on, on)
    if cadence == "weekly":
        start = on - timedelta(days=on.weekday())
        return Period(start, start + timedelta(days=6))
    if cadence == "monthly":
        return _months(on.year, on.month, 1)
    if cadence == "quarterly":
        return _months(on.year, (on.month - 1) // 3 * 3 + 1, 3)
    raise ValueError(f"unknown cadence: {cadence!r}")


def next_period(period: Period, cadence: str) -> Period:
    """Return the period of `cadence` right after `period`."""
    return period_of(period.end + _DAY, cadence)


def previous_period(period: Period, cadence: str) -> Period:
    """Return the period of `cadence` right before `period`."""
    return period_of(period.start - _DAY, cadence)


def whole_periods(first: date, last: date, cadence: str) -> Iterator[Period]:
    """Yield, in order, the periods of `cadence` that lie wholly in [first, last]."""
    period = period_of(first, cadence)
    if period.start < first:
        period = next_period(period, cadence)
    while period.end <= last:
        yield period
        period = next_period(period, cadence)


def window_before(released_on: date, cadence: str) -> tuple[date, date]:
    """Return (first, last) of the baseline's window: whole periods that end before the release."""
    period = previous_period(period_of(released_on, cadence), cadence)
    return _periods_back(period, cadence).start, period.end


def window_now(today: date, cadence: str) -> tuple[date, date]:
    """Return (first, last) of the current level's window: the last periods, today's included, up to today."""
    return _periods_back(period_of(today, cadence), cadence).start, today


def level(
    days: Sequence[DayTotal],
    *,
    aggregation: str,
    cadence: str,
    first: date,
    last: date,
    covered: Collection[date],
    today: date,
) -> Level:
    """Return the level of a metric over [first, last] as of `today`.

    sum and count: the mean of the totals of complete periods, which end before `today`; a period that was
    covered (a day of it is in `covered`, or it has rows) but has no rows of this metric counts as 0, a period
    nobody covered is left out. mean: the mean of all observations; last: the newest; min and max: the
    extreme; these four read every row of the window, today's as well. Rows after `today` are never read.
    The value is None when there is nothing to read. Raises ValueError for an unknown aggregation or cadence.
    """
    rows = [row for row in days if first <= row.on <= last and row.on <= today]
    periods = list(whole_periods(first, min(last, today - _DAY), cadence))
    reported = _reported_starts(periods, rows, covered, cadence)
    coverage = len(reported) / len(periods) if periods else 0.0
    if aggregation in ("sum", "count"):
        rows = [row for row in rows if period_of(row.on, cadence).start in reported]
        # fsum, so that the order of the rows does not show in the last digit.
        amount = fsum(row.total if aggregation == "sum" else row.count for row in rows)
        value = amount / len(reported) if reported else None
    else:
        value = _over_rows(rows, aggregation)
    newest_on = max((row.on for row in rows), default=None)
    return Level(value, len(periods), len(reported), coverage, newest_on)


def _over_rows(rows: Sequence[DayTotal], aggregation: str) -> float | None:
    """Return the mean, last, min or max of the observations behind `rows`; None without any."""
    if aggregation == "mean":
        count = sum(row.count for row in rows)
        return fsum(row.total for row in rows) / count if count else None
    if aggregation == "last":
        # Two series may report at the same instant: the larger value, so that the order of rows is no matter.
        newest = max(rows, key=lambda row: (row.last_at, row.last), default=None)
        return newest.last if newest else None
    if aggregation == "min":
        return min((row.low for row in rows), default=None)
    if aggregation == "max":
        return max((row.high for row in rows), default=None)
    raise ValueError(f"unknown aggregation: {aggregation!r}")


def _reported_starts(
    periods: Sequence[Period], rows: Iterable[DayTotal], covered: Collection[date], cadence: str
) -> set[date]:
    """Return the first days of those `periods` that were covered or have rows."""
    if not periods:
        return set()
    first, last = periods[0].start, periods[-1].end
    touched = {period_of(on, cadence).start for on in covered if first <= on <= last}
    touched.update(period_of(row.on, cadence).start for row in rows if first <= row.on <= last)
    return touched


def _periods_back(period: Period, cadence: str) -> Period:
    """Return the first of the window's periods when `period` is its last."""
    for _ in range(WINDOW_PERIODS[cadence] - 1):
        period = previous_period(period, cadence)
    return period


def _months(year: int, month: int, count: int) -> Period:
    """Return the period of `count` months that starts with `month`."""
    after = date(year + (month + count > 12), (month + count - 1) % 12 + 1, 1)
    return Period(date(year, month, 1), after - _DAY)
