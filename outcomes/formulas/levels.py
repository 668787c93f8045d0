"""Periods of a cadence, and the level of a metric over a window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
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
    reported (for mean, last, min and max: that have a value of the metric's own, for nothing else stands for
    one), `coverage` their share (0 when the window holds no complete period). `newest_on` is the day of
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


# Asked for every outcome of every item, with few different answers.
@lru_cache(maxsize=4096)
def window_before(released_on: date, cadence: str) -> tuple[date, date]:
    """Return (first, last) of the baseline's window: whole periods that end before the release."""
    period = previous_period(period_of(released_on, cadence), cadence)
    return _periods_back(period, cadence).start, period.end


@lru_cache(maxsize=4096)
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
    whole = complete_periods(first, last, cadence, today)
    inside = [row for row in rows if whole.holds(row.on)]
    totals = WindowTotals(
        count=sum(row.count for row in rows),
        # fsum, so that the order of the rows does not show in the last digit.
        total=fsum(row.total for row in rows),
        whole_count=sum(row.count for row in inside),
        whole_total=fsum(row.total for row in inside),
        low=min((row.low for row in rows), default=None),
        high=max((row.high for row in rows), default=None),
        last=newest_of(rows),
        days=frozenset(row.on for row in rows),
    )
    return level_of(totals, aggregation=aggregation, cadence=cadence, whole=whole, covered=covered)


@dataclass(frozen=True, slots=True)
class DayRange(Collection[date]):
    """Every day from the first to the last: days without a hole among them, at the cost of two."""

    first: date
    last: date

    def __contains__(self, on: object) -> bool:
        return isinstance(on, date) and self.first <= on <= self.last

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=offset) for offset in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def spans(self, whole: WholePeriods) -> bool:
        return (
            whole.first is not None
            and whole.last is not None
            and (self.first <= whole.first and whole.last <= self.last)
        )


@dataclass(frozen=True, slots=True)
class WindowTotals:
    """The rows of a window taken together, over all series.

    `count` and `total` are of all rows, `whole_count` and `whole_total` of those in complete periods; `last` is
    the newest value (of two at one instant the larger). `days` are the days that have rows.
    """

    count: int = 0
    total: float = 0.0
    whole_count: int = 0
    whole_total: float = 0.0
    low: float | None = None
    high: float | None = None
    last: float | None = None
    days: Collection[date] = ()


@dataclass(frozen=True, slots=True)
class WholePeriods:
    """The complete periods of a window: how many, and the first and last day of them (None without any)."""

    number: int
    first: date | None
    last: date | None

    def holds(self, on: date) -> bool:
        return self.first is not None and self.last is not None and self.first <= on <= self.last


@lru_cache(maxsize=4096)
def complete_periods(first: date, last: date, cadence: str, today: date) -> WholePeriods:
    """Return the periods of `cadence` that lie wholly in [first, last] and ended before `today`."""
    end = min(last, today - _DAY)
    if cadence in ("daily", "hourly"):
        return (
            WholePeriods((end - first).days + 1, first, end) if end >= first else WholePeriods(0, None, None)
        )
    periods = list(whole_periods(first, end, cadence))
    if not periods:
        return WholePeriods(0, None, None)
    return WholePeriods(len(periods), periods[0].start, periods[-1].end)


def level_of(
    totals: WindowTotals, *, aggregation: str, cadence: str, whole: WholePeriods, covered: Collection[date]
) -> Level:
    """Return the level over a window from its totals; see `level`."""
    is_amount = aggregation in ("sum", "count")
    # A day that was reported without the metric is a zero of an amount; it is no value of anything else.
    reported = _reported(totals.days, covered if is_amount else (), cadence, whole)
    newest_on = _last_of(totals.days)
    if is_amount:
        amount = totals.whole_total if aggregation == "sum" else totals.whole_count
        value = amount / reported if reported else None
        if newest_on is not None and not whole.holds(newest_on):
            newest_on = max((on for on in totals.days if whole.holds(on)), default=None)
    elif aggregation == "mean":
        value = totals.total / totals.count if totals.count else None
    elif aggregation in ("last", "min", "max"):
        value = {"last": totals.last, "min": totals.low, "max": totals.high}[aggregation]
    else:
        raise ValueError(f"unknown aggregation: {aggregation!r}")
    coverage = reported / whole.number if whole.number else 0.0
    return Level(value, whole.number, reported, coverage, newest_on)


def _last_of(days: Collection[date]) -> date | None:
    return days.last if isinstance(days, DayRange) else max(days, default=None)


def newest_of(rows: Sequence[DayTotal]) -> float | None:
    """Two series may report at the same instant: the larger value, so that the order of rows is no matter."""
    newest = max(rows, key=lambda row: (row.last_at, row.last), default=None)
    return newest.last if newest else None


def _reported(days: Collection[date], covered: Collection[date], cadence: str, whole: WholePeriods) -> int:
    """Return how many of the complete periods were covered or have rows."""
    if whole.first is None or whole.last is None:
        return 0
    if isinstance(days, DayRange) and days.spans(whole):
        return whole.number
    if cadence in ("daily", "hourly"):
        # Period by period, not day by day of a long history.
        return sum(
            (on := whole.first + timedelta(days=offset)) in covered or on in days
            for offset in range(whole.number)
        )
    touched = {period_of(on, cadence).start for on in covered if whole.holds(on)}
    touched.update(period_of(on, cadence).start for on in days if whole.holds(on))
    return len(touched)


def _periods_back(period: Period, cadence: str) -> Period:
    """Return the first of the window's periods when `period` is its last."""
    if cadence in ("daily", "hourly"):
        first = period.start - timedelta(days=WINDOW_PERIODS[cadence] - 1)
        return Period(first, first)
    for _ in range(WINDOW_PERIODS[cadence] - 1):
        period = previous_period(period, cadence)
    return period


def _months(year: int, month: int, count: int) -> Period:
    """Return the period of `count` months that starts with `month`."""
    after = date(year + (month + count > 12), (month + count - 1) % 12 + 1, 1)
    return Period(date(year, month, 1), after - _DAY)
