from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.coverage import SourceCalendar, combined
from outcomes.formulas.levels import CADENCES, period_of

MONDAY = date(2026, 1, 5)
offsets = st.sets(st.integers(0, 200), max_size=120)


def on(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def calendar(covered: Iterable[int], cadence: str = "daily") -> SourceCalendar:
    return SourceCalendar(cadence, [on(offset) for offset in covered])


def weekdays(until: int) -> list[int]:
    return [offset for offset in range(until) if offset % 7 < 5]


def test_every_day_is_expected_and_covered_when_every_day_was_reported() -> None:
    assert calendar(range(100)).expected(on(60), on(87), on(87)) == (28, 28)


def test_a_missed_day_is_expected_and_not_covered() -> None:
    assert calendar(set(range(100)) - {70, 71}).expected(on(60), on(87), on(87)) == (28, 26)


def test_days_before_the_first_report_are_not_counted() -> None:
    assert calendar(range(50, 100)).expected(on(40), on(67), on(67)) == (18, 18)
    assert calendar(range(50, 100)).expected(on(20), on(47), on(80)) == (0, 0)
    assert calendar([]).expected(on(20), on(47), on(80)) == (0, 0)


def test_weekends_nobody_ever_reported_are_not_expected() -> None:
    assert calendar(weekdays(100)).expected(on(57), on(84), on(84)) == (20, 20)


def test_a_sunday_reported_once_in_a_while_is_neither_expected_nor_counted() -> None:
    now_and_then = [*weekdays(100), 62]
    assert calendar(now_and_then).expected(on(57), on(84), on(84)) == (20, 20)


def test_a_weekday_reported_in_just_half_of_the_last_eight_weeks_is_expected() -> None:
    thursdays_missed = {7 * week + 3 for week in range(4, 8)}
    covered = set(range(56)) - thursdays_missed
    assert calendar(covered).expected(on(28), on(55), on(55)) == (28, 24)
    assert calendar(covered - {3}).expected(on(28), on(55), on(55)) == (24, 24)


@pytest.mark.parametrize(
    ("cadence", "covered", "last_heard", "silent_from"),
    [
        ("daily", 10, 12, 13),
        ("hourly", 10, 12, 13),
        ("weekly", 9, 27, 28),  # the week of days 7 to 13 ended on 13
        ("monthly", 10, 85, 86),  # January; March ends on day 85
        ("quarterly", 10, 268, 269),  # the first quarter; the third ends on 30 September
    ],
)
def test_a_source_is_silent_two_periods_after_its_newest_covered_one(
    cadence: str, covered: int, last_heard: int, silent_from: int
) -> None:
    source = calendar([covered], cadence)
    assert not source.is_silent(on(covered))
    assert not source.is_silent(on(last_heard))
    assert source.is_silent(on(silent_from))


def test_a_source_that_has_not_reported_yet_is_silent() -> None:
    assert calendar([]).is_silent(on(0))
    assert calendar([5]).is_silent(on(4))


def test_a_weekly_source_is_expected_once_a_week_and_the_running_week_is_not_due() -> None:
    source = calendar([0, 7, 21], "weekly")
    assert source.expected(on(0), on(27), on(27)) == (4, 3)
    assert source.expected(on(0), on(24), on(24)) == (3, 2)
    assert source.expected(on(2), on(24), on(24)) == (3, 2)


def test_a_window_may_end_no_monthly_period_at_all() -> None:
    source = calendar([10, 40], "monthly")
    assert source.expected(on(30), on(50), on(50)) == (0, 0)


def test_a_period_is_covered_by_any_day_in_it_once_that_day_is_there() -> None:
    source = calendar([3], "weekly")
    week = period_of(on(0), "weekly")
    assert source.is_covered(week)
    assert source.is_covered(week, on(3))
    assert not source.is_covered(week, on(2))
    assert not source.is_covered(period_of(on(7), "weekly"))


def test_covered_days_are_the_days_reported() -> None:
    source = calendar([1, 2, 2, 9])
    assert source.covered_days(on(2), on(9)) == 2
    assert source.covered_days(on(9), on(2)) == 0
    assert source.first_on == on(1)


def test_an_unknown_cadence_is_refused() -> None:
    with pytest.raises(ValueError, match="yearly"):
        SourceCalendar("yearly", [])


@given(offsets, st.integers(0, 200), st.integers(1, 60), st.sampled_from(CADENCES))
def test_what_was_reported_after_a_day_changes_no_answer_for_it(
    covered: set[int], day: int, width: int, cadence: str
) -> None:
    whole = calendar(covered, cadence)
    until = calendar({offset for offset in covered if offset <= day}, cadence)
    window = (on(day - width + 1), on(day), on(day))
    assert whole.is_silent(on(day)) == until.is_silent(on(day))
    assert whole.expected(*window) == until.expected(*window)


@given(offsets, st.integers(0, 200), st.integers(1, 60), st.sampled_from(CADENCES))
def test_counting_by_search_agrees_with_counting_one_by_one(
    covered: set[int], day: int, width: int, cadence: str
) -> None:
    source = calendar(covered, cadence)
    first, last = on(day - width + 1), on(day)
    ends = [first + timedelta(days=offset) for offset in range(width)]
    periods = [period for end in ends if (period := period_of(end, cadence)).end == end]
    due = [period for period in periods if source.expects(period.end, on(day))]
    assert source.expected(first, last, on(day)) == (
        len(due),
        sum(source.is_covered(period, on(day)) for period in due),
    )


@given(offsets, st.integers(0, 200), st.integers(1, 60), st.sampled_from(CADENCES))
def test_a_source_twice_is_the_same_as_once(covered: set[int], day: int, width: int, cadence: str) -> None:
    once, twice = calendar(covered, cadence), combined([calendar(covered, cadence)] * 2)
    first, last = on(day - width + 1), on(day)
    assert twice.expected(first, last, last) == once.expected(first, last, last)
    assert twice.covered_days(first, last) == once.covered_days(first, last)
    assert twice.is_silent(last) == once.is_silent(last)
    assert twice.first_on == once.first_on


def test_one_source_alone_is_its_own_calendar() -> None:
    alone = calendar([1])
    assert combined([alone]) is alone


def test_several_sources_are_silent_only_together() -> None:
    both = combined([calendar(range(10)), calendar(range(50))])
    assert not both.is_silent(on(51))
    assert both.is_silent(on(52))
    assert both.expected(on(30), on(39), on(39)) == (10, 10)


def test_what_one_source_missed_the_other_may_have_covered() -> None:
    even, odd = calendar(range(0, 60, 2)), calendar(range(1, 60, 2))
    assert combined([even, odd]).expected(on(30), on(57), on(57)) == (28, 28)


def test_a_weekly_source_covers_the_days_of_its_weeks() -> None:
    daily, weekly = calendar(set(range(60)) - set(range(42, 49))), calendar([42], "weekly")
    assert combined([daily, weekly]).expected(on(30), on(57), on(57)) == (28, 28)


def test_no_source_at_all_is_silent_and_expects_nothing() -> None:
    none = combined([])
    assert none.is_silent(on(0))
    assert none.expected(on(0), on(27), on(27)) == (0, 0)
    assert none.first_on is None
