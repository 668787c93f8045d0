"""How much of the past and of the time after an effect is read, by cadence, and what its season is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from outcomes.formulas.calendar import day_after
from outcomes.formulas.levels import Period, next_period, period_of, previous_period

# Nothing is measured before; stepping back from here would leave the calendar.
_FIRST_DAY = date(2, 1, 1)


@dataclass(frozen=True, slots=True)
class Reach:
    """Periods: at most `most_before`, at least `least_before` and `least_after`; `after` unless the outcome
    says another number; before/after cuts both sides to multiples of `whole`, so that each weekday counts alike."""

    most_before: int
    least_before: int
    least_after: int
    after: int
    whole: int = 1


_DAILY = Reach(most_before=182, least_before=28, least_after=14, after=28, whole=7)
REACH = {
    "hourly": _DAILY,
    "daily": _DAILY,
    "weekly": Reach(most_before=26, least_before=8, least_after=4, after=8),
    "monthly": Reach(most_before=60, least_before=24, least_after=6, after=12),
    "quarterly": Reach(most_before=40, least_before=8, least_after=4, after=8),
}
"""The past of daily and weekly data reaches 182 days back; slower cadences need more to know their season."""

LONGEST_COMPARED = {"hourly": 182, "daily": 182, "weekly": 104, "monthly": 240, "quarterly": 80}
"""With controls the past may be longer: they and a level that drifts say what a straight line could not."""

_LONGEST_DAYS = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92}


def season_of(start: date, cadence: str) -> int:
    """Return which part of its season a period that begins on `start` is: the day of the week of daily data,
    the month of monthly, the quarter of quarterly; weeks have none."""
    if cadence in ("daily", "hourly"):
        return start.weekday()
    if cadence == "monthly":
        return start.month - 1
    if cadence == "quarterly":
        return (start.month - 1) // 3
    return 0


@dataclass(frozen=True, slots=True)
class AfterWindow:
    """The periods that the effect is looked for in, and the day from which their data counts.

    It is full once its last day lies before the day of judgement; decided on the day after it.
    """

    counts_from: date
    first: Period
    last: Period

    @property
    def decided_on(self) -> date:
        return self.last.end + timedelta(days=1)

    def is_full(self, today: date) -> bool:
        return self.last.end < today


def after_window(
    released_on: date, cadence: str, *, washout_days: int = 0, after_periods: int | None = None
) -> AfterWindow | None:
    """Return the window after a release: the release day plus washout is in its first period.

    None when it would end after the last day there is.
    """
    count = REACH[cadence].after if after_periods is None else after_periods
    try:
        counts_from = released_on + timedelta(days=washout_days)
        first = last = period_of(counts_from, cadence)
        for _ in range(count - 1):
            last = next_period(last, cadence)
        _ = last.end + timedelta(days=1)
    except (OverflowError, ValueError):
        return None
    return AfterWindow(counts_from, first, last)


def first_read(released_on: date, cadence: str) -> date:
    """Return a day before which no effect of this release reads anything."""
    return day_after(released_on, -(LONGEST_COMPARED[cadence] + 1) * _LONGEST_DAYS[cadence])


def last_read(released_on: date, cadence: str, *, washout_days: int, after_periods: int | None) -> date:
    """Return a day after which no effect of this release reads anything; the window may end a little before."""
    count = REACH[cadence].after if after_periods is None else after_periods
    return day_after(released_on, washout_days + (count + 1) * _LONGEST_DAYS[cadence])


def before_periods(released_on: date, cadence: str, most: int) -> list[Period]:
    """Return up to `most` periods that end before the one of the release, in order."""
    found: list[Period] = []
    period = period_of(released_on, cadence)
    while len(found) < most and period.start > _FIRST_DAY:
        period = previous_period(period, cadence)
        found.append(period)
    return found[::-1]


def periods_between(first: Period, last: Period, cadence: str) -> list[Period]:
    """Return the periods from `first` to `last`, both included; none when the last lies before."""
    found = []
    while first.start <= last.start:
        found.append(first)
        first = next_period(first, cadence)
    return found
