from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.levels import (
    AGGREGATIONS,
    CADENCES,
    DayTotal,
    Level,
    Period,
    level,
    next_period,
    period_of,
    previous_period,
    whole_periods,
    window_before,
    window_now,
)

MONDAY = date(2026, 5, 4)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


def reported(on: date, *values: float, hour: int = 12) -> DayTotal:
    at = datetime.combine(on, time(hour), UTC)
    return DayTotal(on, len(values), sum(values), min(values), max(values), values[-1], at)


def over_a_week(rows: list[DayTotal], aggregation: str, **asked: Any) -> Level:
    """The level of Monday to Sunday, asked on Sunday, everything covered."""
    week = [MONDAY + timedelta(days=offset) for offset in range(7)]
    typed = {"cadence": "daily", "first": week[0], "last": week[-1], "covered": week, "today": week[-1]}
    return level(rows, aggregation=aggregation, **{**typed, **asked})


@pytest.mark.parametrize(
    ("cadence", "start", "end"),
    [
        ("hourly", "2026-02-11", "2026-02-11"),
        ("daily", "2026-02-11", "2026-02-11"),
        ("weekly", "2026-02-09", "2026-02-15"),
        ("monthly", "2026-02-01", "2026-02-28"),
        ("quarterly", "2026-01-01", "2026-03-31"),
    ],
)
def test_a_day_lies_in_the_period_of_its_cadence(cadence: str, start: str, end: str) -> None:
    assert period_of(day("2026-02-11"), cadence) == Period(day(start), day(end))


def test_december_and_the_last_quarter_end_with_the_year() -> None:
    assert period_of(day("2026-12-31"), "monthly") == Period(day("2026-12-01"), day("2026-12-31"))
    assert period_of(day("2026-11-01"), "quarterly") == Period(day("2026-10-01"), day("2026-12-31"))


def test_an_unknown_cadence_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnightly"):
        period_of(MONDAY, "fortnightly")


@given(days, st.sampled_from(CADENCES))
def test_periods_follow_one_another_without_a_hole(on: date, cadence: str) -> None:
    period = period_of(on, cadence)
    after = next_period(period, cadence)
    assert period.start <= on <= period.end
    assert after.start - period.end == timedelta(days=1)
    assert previous_period(after, cadence) == period


def test_only_whole_periods_of_a_window_are_taken() -> None:
    found = list(whole_periods(day("2026-01-15"), day("2026-04-15"), "monthly"))
    assert [period.start for period in found] == [day("2026-02-01"), day("2026-03-01")]


@pytest.mark.parametrize(
    ("cadence", "first", "last"),
    [
        ("daily", "2026-02-02", "2026-03-01"),
        ("hourly", "2026-02-02", "2026-03-01"),
        ("weekly", "2026-01-05", "2026-03-01"),
        ("monthly", "2025-12-01", "2026-02-28"),
        ("quarterly", "2025-01-01", "2025-12-31"),
    ],
)
def test_the_baseline_reads_whole_periods_before_the_release(cadence: str, first: str, last: str) -> None:
    assert window_before(day("2026-03-02"), cadence) == (day(first), day(last))


@pytest.mark.parametrize(
    ("cadence", "first"),
    [
        ("daily", "2026-04-04"),
        ("weekly", "2026-03-09"),
        ("monthly", "2026-03-01"),
        ("quarterly", "2025-07-01"),
    ],
)
def test_the_current_level_reads_up_to_and_including_today(cadence: str, first: str) -> None:
    assert window_now(day("2026-05-01"), cadence) == (day(first), day("2026-05-01"))


def test_sum_is_the_mean_of_complete_days_and_today_does_not_count_yet() -> None:
    rows = [reported(MONDAY, 10, 20), reported(MONDAY + timedelta(days=6), 900)]
    found = over_a_week(rows, "sum")
    assert found == Level(value=30 / 6, periods=6, covered_periods=6, coverage=1.0, newest_on=MONDAY)


def test_count_counts_observations() -> None:
    assert over_a_week([reported(MONDAY, 10, 20)], "count").value == pytest.approx(2 / 6)


def test_a_day_nobody_reported_is_left_out_of_the_mean_of_days() -> None:
    found = over_a_week([reported(MONDAY, 10, 20)], "sum", covered=[MONDAY, MONDAY + timedelta(days=1)])
    assert (found.value, found.covered_periods, found.coverage) == (15, 2, pytest.approx(2 / 6))


def test_a_day_with_rows_is_covered_without_anybody_saying_so() -> None:
    found = over_a_week([reported(MONDAY, 30)], "sum", covered=[])
    assert (found.value, found.covered_periods) == (30, 1)


@pytest.mark.parametrize(("aggregation", "value"), [("mean", 16), ("last", 40), ("min", 4), ("max", 40)])
def test_today_counts_at_once_for_mean_last_min_and_max(aggregation: str, value: float) -> None:
    rows = [reported(MONDAY, 4, 4), reported(MONDAY + timedelta(days=6), 40)]
    found = over_a_week(rows, aggregation)
    assert (found.value, found.newest_on) == (value, MONDAY + timedelta(days=6))


def test_mean_weighs_observations_and_not_days() -> None:
    assert (
        over_a_week([reported(MONDAY, 1, 1, 1), reported(MONDAY + timedelta(days=1), 5)], "mean").value == 2
    )


def test_last_is_the_newest_instant_and_not_the_last_row() -> None:
    rows = [reported(MONDAY, 5, hour=18), reported(MONDAY, 9, hour=6)]
    assert over_a_week(rows, "last").value == 5


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_rows_after_today_or_outside_the_window_are_never_read(aggregation: str) -> None:
    inside = [reported(MONDAY, 4), reported(MONDAY + timedelta(days=1), 8)]
    outside = [reported(MONDAY - timedelta(days=1), 99), reported(MONDAY + timedelta(days=5), 99)]
    today = MONDAY + timedelta(days=3)
    assert over_a_week(inside + outside, aggregation, today=today) == over_a_week(
        inside, aggregation, today=today
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_without_any_data_there_is_no_level(aggregation: str) -> None:
    assert over_a_week([], aggregation, covered=[]) == Level(None, 6, 0, 0.0, None)


def test_silence_is_not_zero_but_a_covered_silence_is() -> None:
    assert over_a_week([], "sum").value == 0
    assert over_a_week([], "mean").value is None


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_day_reported_without_the_metric_is_covered_for_amounts_alone(aggregation: str) -> None:
    found = over_a_week([reported(MONDAY, 5)], aggregation)
    assert found.covered_periods == (6 if aggregation in ("sum", "count") else 1)


def test_on_the_day_of_release_no_period_is_complete() -> None:
    found = over_a_week([reported(MONDAY, 5)], "sum", last=MONDAY, today=MONDAY)
    assert (found.value, found.periods, found.coverage) == (None, 0, 0.0)


def test_a_week_is_covered_by_one_report_in_it() -> None:
    rows = [reported(MONDAY, 7), reported(MONDAY + timedelta(days=3), 7)]
    found = over_a_week(
        rows, "sum", cadence="weekly", last=MONDAY + timedelta(days=20), today=MONDAY + timedelta(days=21)
    )
    assert (found.value, found.periods, found.covered_periods) == (14, 3, 1)


def test_an_unknown_aggregation_is_refused() -> None:
    with pytest.raises(ValueError, match="median"):
        over_a_week([reported(MONDAY, 1)], "median")


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3)), max_size=10
    ),
    st.sampled_from(AGGREGATIONS),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_changes_nothing(
    rows: list[tuple[int, list[float]]], aggregation: str, random: Any
) -> None:
    taken = [reported(MONDAY + timedelta(days=offset), *values) for offset, values in rows]
    shuffled = list(taken)
    random.shuffle(shuffled)
    assert over_a_week(shuffled, aggregation) == over_a_week(taken, aggregation)
