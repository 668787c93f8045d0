"""Which periods of a source were reported, as any day could know it.

Without this an item that is absent from a report and a report that never came look the same. Every answer is
given as of a day and reads only reports dated up to that day, so that a verdict never changes with what came
after it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Protocol

from .levels import CADENCES, Period, next_period, period_of

WEEKS_REMEMBERED = 8
"""A weekday reported in under half of this many weeks is not expected."""

SILENT_AFTER_PERIODS = 2
"""A source is silent when its newest covered period ended more than this many periods ago."""


class Calendar(Protocol):
    """What the verdicts ask of one source, or of several taken together."""

    @property
    def first_on(self) -> date | None:
        """The day of the first report; None when there was none."""

    def is_covered(self, period: Period, day: date | None = None) -> bool:
        """Whether the period that holds `period.end` was reported, as of `day` (or of all that is known)."""

    def is_silent(self, day: date) -> bool:
        """Whether the newest covered period ended more than 2 x cadence before `day`, or there is none."""

    def expected(self, first: date, last: date, day: date) -> tuple[int, int]:
        """Return (expected, covered): of the periods that end in [first, last], those a report was due for
        as of `day`, and those of them that were reported."""

    def covered_days(self, first: date, last: date) -> int:
        """Return the number of days in [first, last] for which the source reported anything."""


class SourceCalendar:
    """The days for which one source reported anything, in the shape of its cadence.

    Built once from all covered days and then asked for hundreds of days: every question costs a few binary
    searches.
    """

    __slots__ = ("_by_weekday", "_days", "_is_daily", "_set", "_starts", "_usual", "cadence")

    def __init__(self, cadence: str, covered: Iterable[date]) -> None:
        if cadence not in CADENCES:
            raise ValueError(f"unknown cadence: {cadence!r}")
        self.cadence = cadence
        self._is_daily = cadence in ("daily", "hourly")
        self._set = {on.toordinal() for on in covered}
        self._days = sorted(self._set)
        self._starts = [] if self._is_daily else self._covered_starts()
        self._by_weekday: list[list[int]] = [[], [], [], [], [], [], []]
        for ordinal in self._days:
            self._by_weekday[ordinal % 7].append(ordinal)
        self._usual: dict[int, bool] = {}

    @property
    def first_on(self) -> date | None:
        """The day of the source's first report; None when it never reported."""
        return date.fromordinal(self._days[0]) if self._days else None

    def is_covered(self, period: Period, day: date | None = None) -> bool:
        """Whether the source's own period that holds `period.end` was reported, as of `day` if given."""
        own = period_of(period.end, self.cadence)
        end = own.end.toordinal() if day is None else min(own.end, day).toordinal()
        return _count(self._days, own.start.toordinal(), end) > 0

    def is_silent(self, day: date) -> bool:
        """Whether the newest covered period ended more than two periods before `day`, or there is none."""
        newest = self._newest(day)
        if newest is None:
            return True
        if self._is_daily:
            return day.toordinal() - newest > SILENT_AFTER_PERIODS
        return day > self._last_due(newest)

    def silent_since(self, day: date) -> date | None:
        """The first day of the silence that `day` is in; None when it is in none, or nothing was ever reported."""
        newest = self._newest(day)
        if newest is None or not self.is_silent(day):
            return None
        return self._last_due(newest) + timedelta(days=1)

    def _newest(self, day: date) -> int | None:
        place = bisect_right(self._days, day.toordinal())
        return self._days[place - 1] if place else None

    def _last_due(self, newest: int) -> date:
        """The last day by which the next report is not yet overdue."""
        if self._is_daily:
            return date.fromordinal(newest + SILENT_AFTER_PERIODS)
        period = period_of(date.fromordinal(newest), self.cadence)
        for _ in range(SILENT_AFTER_PERIODS):
            period = next_period(period, self.cadence)
        return period.end

    def expected(self, first: date, last: date, day: date) -> tuple[int, int]:
        """Return (expected, covered) for the periods that end in [first, last], as of `day`.

        Periods before the first report are not counted. For daily data a weekday that was reported in under
        half of its last 8 occurrences is left out of both numbers.
        """
        if not self._days:
            return 0, 0
        start = max(first.toordinal(), self._days[0])
        end = min(last, day).toordinal()
        if end < start:
            return 0, 0
        if self._is_daily:
            return self._expected_days(start, end, day.toordinal())
        return self._expected_periods(date.fromordinal(start), date.fromordinal(end))

    def covered_days(self, first: date, last: date) -> int:
        """Return the number of days in [first, last] for which the source reported anything."""
        return _count(self._days, first.toordinal(), last.toordinal())

    def expects(self, on: date, day: date) -> bool:
        """Whether, as of `day`, a report was due for the source's period that holds `on`.

        Due are periods that have ended, from the one of the first report on, except unusual weekdays.
        """
        period = period_of(on, self.cadence)
        if not self._days or period.end > day or period.end.toordinal() < self._days[0]:
            return False
        if not self._is_daily:
            return True
        return self._is_usual(day.toordinal() - (day - on).days % 7)

    def _expected_days(self, start: int, end: int, day: int) -> tuple[int, int]:
        """Count the days of [start, end] whose weekday is usual as of `day`; all three are ordinals."""
        usual = [anchor for anchor in range(day - 6, day + 1) if self._is_usual(anchor)]
        if len(usual) == 7:
            return end - start + 1, _count(self._days, start, end)
        expected = covered = 0
        for anchor in usual:
            newest = end - (end - anchor) % 7
            if newest >= start:
                expected += (newest - start) // 7 + 1
                covered += _count(self._by_weekday[anchor % 7], start, end)
        return expected, covered

    def _expected_periods(self, start: date, end: date) -> tuple[int, int]:
        """Count the periods longer than a day that end in [start, end]."""
        expected = covered = 0
        period = period_of(start, self.cadence)
        while period.end <= end:
            expected += 1
            place = bisect_left(self._starts, period.start)
            covered += place < len(self._starts) and self._starts[place] == period.start
            period = next_period(period, self.cadence)
        return expected, covered

    def _is_usual(self, anchor: int) -> bool:
        """Whether the weekday of `anchor` was reported in at least half of its 8 occurrences up to it.

        Occurrences before the first report are not held against it; without any it is expected.
        """
        known = self._usual.get(anchor)
        if known is None:
            oldest = max(anchor - 7 * (WEEKS_REMEMBERED - 1), self._days[0])
            occurrences = range(anchor, oldest - 1, -7)
            reported = sum(ordinal in self._set for ordinal in occurrences)
            known = self._usual[anchor] = 2 * reported >= len(occurrences)
        return known

    def _covered_starts(self) -> list[date]:
        """Return the first days of the covered periods, in order."""
        return sorted({period_of(date.fromordinal(ordinal), self.cadence).start for ordinal in self._days})


class CombinedCalendar:
    """Several sources of the same usage taken together: what any of them reported was reported.

    Counted in periods of the finest cadence among them. A source of a coarser cadence covers, and once its
    period has ended expects, every finer period inside.
    """

    __slots__ = ("_answers", "_calendars", "cadence")

    def __init__(self, calendars: Sequence[SourceCalendar]) -> None:
        self._calendars = tuple(calendars)
        cadences = (calendar.cadence for calendar in self._calendars)
        self.cadence = min(cadences, key=CADENCES.index, default="daily")
        self._answers: dict[tuple[date, date, date], tuple[int, int]] = {}

    @property
    def first_on(self) -> date | None:
        """The day of the first report of any source; None when there was none."""
        return min((calendar.first_on for calendar in self._calendars if calendar.first_on), default=None)

    def is_covered(self, period: Period, day: date | None = None) -> bool:
        """Whether any source covered the period that holds `period.end`."""
        return any(calendar.is_covered(period, day) for calendar in self._calendars)

    def is_silent(self, day: date) -> bool:
        """Whether every source is silent on `day`."""
        return all(calendar.is_silent(day) for calendar in self._calendars)

    def expected(self, first: date, last: date, day: date) -> tuple[int, int]:
        """Return (expected, covered): a period counts when any source expects it, covered when any did."""
        asked = (first, last, day)
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._answers[asked] = self._count_expected(first, min(last, day), day)
        return answer

    def covered_days(self, first: date, last: date) -> int:
        """Return the number of days in [first, last] for which any source reported anything."""
        return sum(
            self._covers_day(first + timedelta(days=offset)) for offset in range((last - first).days + 1)
        )

    def _covers_day(self, on: date) -> bool:
        return any(calendar.covered_days(on, on) for calendar in self._calendars)

    def _count_expected(self, first: date, last: date, day: date) -> tuple[int, int]:
        expected = covered = 0
        period = period_of(first, self.cadence)
        while period.end <= last:
            if any(calendar.expects(period.end, day) for calendar in self._calendars):
                expected += 1
                covered += self.is_covered(period, day)
            period = next_period(period, self.cadence)
        return expected, covered


def combined(calendars: Iterable[SourceCalendar]) -> SourceCalendar | CombinedCalendar:
    """Return one calendar for all sources of an item's usage: silent only when every one of them is."""
    taken = list(calendars)
    return taken[0] if len(taken) == 1 else CombinedCalendar(taken)


def _count(ordinals: Sequence[int], start: int, end: int) -> int:
    """Return how many of the sorted `ordinals` lie in [start, end]."""
    return max(0, bisect_right(ordinals, end) - bisect_left(ordinals, start))
