"""The usage facts of one item, asked for any day of the range they were gathered for. Reads no database."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from outcomes.formulas.coverage import CombinedCalendar, SourceCalendar
from outcomes.formulas.usage import Snapshot, mean_share, reach_from_covering, reach_from_short
from outcomes.formulas.verdicts import (
    COUNTS,
    EVENTS,
    SHARES,
    SHORT_COUNTS,
    Before,
    Thresholds,
    UsageOn,
    change_of,
    eligible_of,
)
from outcomes.pipeline.counted import Points, Steps
from outcomes.pipeline.days import SEASON_DAYS, a_year_before
from roadmap.models import Item


class Shape(NamedTuple):
    """How one source speaks of an item, and between which days."""

    source_id: int
    key: str
    has_events: bool
    has_counts: bool
    has_shares: bool
    first_on: date
    last_on: date


@dataclass(slots=True)
class ItemFacts:
    """Everything the verdicts on one item need, for the days it was gathered for."""

    item: Item
    thresholds: Thresholds
    is_exempt: bool
    first_used_on: date | None = None
    first_active_on: date | None = None
    declared_eligible: int | None = None
    has_season: bool = False
    judged_on: date = date.max
    # The sources that speak of it, those that began first coming first.
    shapes: list[Shape] = field(default_factory=list)
    # The calendar of all sources that had spoken of it, from each day (ordinal) on which one joined.
    calendars: list[tuple[int, SourceCalendar | CombinedCalendar]] = field(default_factory=list)
    # Answers about coverage, shared by all items of the same sources.
    coverage: dict[Any, Any] = field(default_factory=dict)
    # Distinct actors active in W, and in both W and the window before, on any day.
    actors: Steps | Points = field(default_factory=lambda: Steps([]))
    returning: Steps | Points = field(default_factory=lambda: Steps([]))
    # By day: actors seen in any event of the product in W, and how many items those events were of.
    audience: dict[date, tuple[int, int]] = field(default_factory=dict)
    # Snapshots of the primary source: with counts, and shares as days (ordinals) with their running sum.
    counts: list[Snapshot] = field(default_factory=list)
    counts_on: list[int] = field(default_factory=list)
    shares_on: list[int] = field(default_factory=list)
    shares_sum: list[float] = field(default_factory=lambda: [0.0])
    primary: SourceCalendar | None = None
    # What is older than this was not read; whether it was used between two such days is asked when somebody wants it.
    read_from: date = date.min
    was_used_between: Callable[[date, date], bool] | None = None
    # What was answered before: the verdict, the value and its explanation ask for the same days.
    answers: dict[date, UsageOn] = field(default_factory=dict)

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.thresholds.window_days)

    def on(self, day: date) -> UsageOn:
        """Return what was known of the item's use for `day`, from facts dated up to it."""
        known = self.answers.get(day)
        if known is None:
            known = self.answers[day] = self.read_on(day)
        return known

    def read_on(self, day: date) -> UsageOn:
        """As `on`, without keeping the answer: for the many days that are judged once."""
        released_on = self.item.released_on
        has_usage = self.first_used_on is not None and self.first_used_on <= day
        if self.is_exempt or released_on is None or not has_usage:
            return UsageOn(is_exempt=self.is_exempt, released_on=released_on, has_usage_ever=has_usage)
        is_silent, expected, covered, expected_before, covered_before = self._covered(day)
        kind = self._kind(day)
        now = self._reach(kind, day)
        return UsageOn(
            kind=kind,
            is_exempt=False,
            released_on=released_on,
            has_usage_ever=True,
            is_silent=is_silent,
            expected=expected,
            covered=covered,
            expected_before=expected_before,
            covered_before=covered_before,
            active=now.active,
            eligible=now.eligible,
            eligible_from=now.eligible_from,
            share=now.share,
            upper_share=now.upper_share,
            mean_share=now.mean_share,
            has_active_since_release=self.first_active_on is not None and self.first_active_on <= day,
            before=self._before(kind, now.eligible_from, day),
            year_ago_ratio=self._year_ago_ratio(day) if self.has_season else None,
        )

    def still_active(self, day: date) -> tuple[float | None, float | None]:
        """Return (active in the window before W, those of them active in W); None without identities.

        Also None until the window before lies wholly after the release.
        """
        released_on = self.item.released_on
        first_before = day - 2 * self.window + timedelta(days=1)
        if released_on is None or first_before < released_on or self._kind(day) != EVENTS:
            return None, None
        return self.actors.at(day - self.window), self.returning.at(day)

    def newest_on(self, day: date) -> date | None:
        """The newest day up to `day` for which any of the item's sources spoke of it."""
        return max((min(shape.last_on, day) for shape in self.shapes if shape.first_on <= day), default=None)

    def was_normal_before(self, day: date) -> bool:
        """Whether people used it in the window that ended a week before `day`, so that an end is suspicious."""
        return self._was_used(day - timedelta(days=7))

    def _was_used(self, day: date) -> bool:
        """Whether anybody is known to have used it in the window that ends on `day`."""
        first = day - self.window + timedelta(days=1)
        if first < self.read_from and self.was_used_between is not None:
            return self.was_used_between(first, day)
        if self.actors.at(day) > 0:
            return True
        begin = bisect_left(self.counts_on, first.toordinal())
        end = bisect_right(self.counts_on, day.toordinal())
        return any(row.active > 0 for row in self.counts[begin:end]) or self._shares_between(first, day) > 0

    def _covered(self, day: date) -> tuple[bool, int, int, int, int]:
        calendar = self._calendar(day)
        # Items of the same sources ask the same question; it is answered once for all of them.
        question = (id(calendar), self.thresholds.window_days, day)
        answer = self.coverage.get(question)
        if answer is None:
            first = day - self.window + timedelta(days=1)
            before = (first - self.window, first - timedelta(days=1))
            answer = (
                calendar.is_silent(day),
                *calendar.expected(first, day, day),
                *calendar.expected(*before, day),
            )
            self.coverage[question] = answer
        return answer

    def _calendar(self, day: date) -> SourceCalendar | CombinedCalendar:
        """The calendar of the sources that had spoken of the item by `day`."""
        place = bisect_right(self.calendars, day.toordinal(), key=lambda entry: entry[0])
        return self.calendars[place - 1][1]

    def _kind(self, day: date) -> str:
        """What the window is read from: events win over snapshots with counts, those over shares.

        With nothing in the window, by what the item was ever measured with.
        """
        if self.actors.at(day) > 0:
            return EVENTS
        first, last = (day - self.window).toordinal() + 1, day.toordinal()
        begin, end = bisect_left(self.counts_on, first), bisect_right(self.counts_on, last)
        if end > begin:
            covers = any(row.days >= self.thresholds.window_days for row in self.counts[begin:end])
            return COUNTS if covers else SHORT_COUNTS
        if bisect_right(self.shares_on, last) > bisect_left(self.shares_on, first):
            return SHARES
        known = [shape for shape in self.shapes if shape.first_on <= day]
        if any(shape.has_events for shape in known):
            return EVENTS
        return COUNTS if any(shape.has_counts for shape in known) else SHARES

    def _reach(self, kind: str, day: date) -> Reach:
        first = day - self.window + timedelta(days=1)
        if kind == SHARES:
            covered = self.primary.covered_days(first, day) if self.primary else 0
            return Reach(share=mean_share(self._shares_between(first, day), covered))
        stated = self._eligible_stated(first, day)
        measured = self._audience_on(day)
        eligible, eligible_from = next(
            (
                (number, origin)
                for number, origin in (
                    (stated, "snapshot"),
                    (measured, "events"),
                    (self.declared_eligible, "product"),
                )
                if number is not None
            ),
            (None, None),
        )
        if kind == EVENTS:
            return Reach(self.actors.at(day), eligible, eligible_from)
        rows = self.counts[
            bisect_left(self.counts_on, first.toordinal()) : bisect_right(self.counts_on, day.toordinal())
        ]
        rows = [
            row if row.eligible is not None else Snapshot(row.on, row.active, eligible, row.days)
            for row in rows
        ]
        if kind == COUNTS:
            taken = reach_from_covering(rows, first=first, last=day)
            if taken is None:
                return Reach(0.0, eligible, eligible_from)
            return Reach(taken.active, taken.eligible, eligible_from)
        short = reach_from_short(rows, first=first, last=day)
        if short is None:
            return Reach(0.0, eligible, eligible_from)
        daily = [row.active / row.eligible for row in rows if row.eligible]
        return Reach(
            short.active,
            short.eligible,
            eligible_from,
            share=short.lower,
            upper_share=short.upper,
            mean_share=sum(daily) / len(daily) if daily else None,
        )

    def _before(self, kind: str, eligible_from: str | None, day: date) -> Before | None:
        """The window before W, read in the same way; None when that would compare two different things."""
        released_on = self.item.released_on
        past = day - self.window
        first_before = past - self.window + timedelta(days=1)
        if released_on is None or first_before <= released_on:
            return None
        then = self._reach(kind, past)
        if kind == SHARES:
            return Before(share=then.share)
        if then.eligible_from != eligible_from:
            return None
        if kind == SHORT_COUNTS:
            return Before(active=then.active, eligible=then.eligible, share=then.mean_share)
        if kind == COUNTS:
            return Before(active=then.active, eligible=then.eligible)
        active, both = self.actors.at(past), self.returning.at(day)
        return Before(
            active=active,
            eligible=then.eligible,
            only_before=active - both,
            only_now=self.actors.at(day) - both,
        )

    def _year_ago_ratio(self, day: date) -> float | None:
        if self.first_used_on is None or (day - self.first_used_on).days < SEASON_DAYS:
            return None
        then = a_year_before(day)
        kind = self._kind(then)
        if kind != self._kind(day):
            return None
        reach = self._reach(kind, then)
        usage = UsageOn(
            kind=kind,
            active=reach.active,
            eligible=reach.eligible,
            share=reach.share,
            mean_share=reach.mean_share,
            before=self._before(kind, reach.eligible_from, then),
        )
        change = change_of(usage, eligible_of(usage))
        return change.ratio if change else None

    def _audience_on(self, day: date) -> int | None:
        active, item_count = self.audience.get(day, (0, 0))
        # When only this item's events arrive, its audience would be its own users.
        return active if item_count >= 2 else None

    def _eligible_stated(self, first: date, last: date) -> float | None:
        """The newest eligible that a snapshot in the window stated."""
        begin = bisect_left(self.counts_on, first.toordinal())
        end = bisect_right(self.counts_on, last.toordinal())
        for row in reversed(self.counts[begin:end]):
            if row.eligible is not None:
                return row.eligible
        return None

    def _shares_between(self, first: date, last: date) -> float:
        begin = bisect_left(self.shares_on, first.toordinal())
        end = bisect_right(self.shares_on, last.toordinal())
        return self.shares_sum[end] - self.shares_sum[begin]


@dataclass(frozen=True, slots=True)
class Reach:
    active: float | None = None
    eligible: float | None = None
    eligible_from: str | None = None
    share: float | None = None
    upper_share: float | None = None
    mean_share: float | None = None
