from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from outcomes.formulas.effects.arranging import Arranged, Series, arranged, history
from outcomes.formulas.effects.windows import REACH, after_window, first_read, last_read
from outcomes.formulas.levels import DayTotal

RELEASED = date(2026, 3, 2)


def total(on: date, value: float = 1.0) -> DayTotal:
    return DayTotal(on, 1, value, value, value, value, datetime(on.year, on.month, on.day, 12, tzinfo=UTC))


def daily(first: date, last: date, value: float = 1.0) -> list[DayTotal]:
    return [total(first + timedelta(days=n), value) for n in range((last - first).days + 1)]


def arrange(
    series: Series, cadence: str = "daily", *, today: date = date(2027, 1, 1), **said: int
) -> Arranged | None:
    after = after_window(RELEASED, cadence, **said)
    assert after is not None
    return arranged(
        series,
        (),
        cadence=cadence,
        released_on=RELEASED,
        after=after,
        today=today,
        most_before=REACH[cadence].most_before,
        whole=REACH[cadence].whole,
    )


def test_half_a_year_before_and_four_weeks_after_are_read() -> None:
    found = arrange(Series(daily(date(2025, 1, 1), date(2026, 12, 31)), (), "mean"))
    assert found is not None
    assert (found.window.n_before, found.window.n_after, found.coverage) == (182, 28, 1)
    assert (found.periods[0].start, found.periods[-1].end) == (date(2025, 9, 1), date(2026, 3, 29))


def test_a_shorter_past_is_cut_to_whole_weeks() -> None:
    found = arrange(Series(daily(RELEASED - timedelta(days=40), date(2026, 12, 31)), (), "mean"))
    assert found is not None
    assert found.window.n_before == 35


@pytest.mark.parametrize(("today", "after"), [(15, None), (16, 14), (23, 21), (30, 28), (31, 28)])
def test_today_has_not_ended_and_only_whole_weeks_count(today: int, after: int | None) -> None:
    on = date(2026, 3, 1) + timedelta(days=today - 1)
    found = arrange(Series(daily(date(2025, 1, 1), date(2026, 12, 31)), (), "mean"), today=on)
    assert (found and found.window.n_after) == after


def test_a_reported_day_without_a_row_is_0_of_a_sum_and_left_out_of_a_mean() -> None:
    gap = date(2026, 3, 10)
    rows = [row for row in daily(date(2025, 1, 1), date(2026, 12, 31)) if row.on != gap]
    as_sum, as_mean = arrange(Series(rows, {gap}, "sum")), arrange(Series(rows, {gap}, "mean"))
    assert as_sum is not None
    assert as_mean is not None
    assert (as_sum.window.n_after, min(as_sum.window.values)) == (28, 0)
    assert as_mean.window.n_after == 27
    assert as_mean.window.positions[-1] - as_mean.window.positions[0] == 209


def test_days_before_a_sum_was_first_reported_are_not_zero() -> None:
    first = RELEASED - timedelta(days=28)
    covered = {row.on for row in daily(date(2025, 1, 1), date(2026, 12, 31))}
    found = arrange(Series(daily(first, date(2026, 12, 31)), covered, "sum"))
    assert found is not None
    assert (found.window.n_before, min(found.window.values)) == (28, 1)


def test_series_labels_of_one_day_are_taken_together() -> None:
    rows = daily(date(2025, 1, 1), date(2026, 12, 31), 2.0)
    both, mean = arrange(Series(rows + rows, (), "sum")), arrange(Series(rows + rows, (), "mean"))
    assert both is not None
    assert mean is not None
    assert (both.window.values[0], mean.window.values[0]) == (4, 2)


def test_a_week_that_holds_the_release_counts_from_the_release_on() -> None:
    # A Thursday; what was added up over that week is partly of before.
    released = date(2026, 3, 5)
    after = after_window(released, "weekly")
    assert after is not None
    assert (after.first.start, after.last.end, after.decided_on) == (
        date(2026, 3, 2),
        date(2026, 4, 26),
        date(2026, 4, 27),
    )
    rows = daily(date(2025, 1, 1), date(2026, 12, 31))
    asked = {
        "cadence": "weekly",
        "released_on": released,
        "after": after,
        "today": date(2027, 1, 1),
        "most_before": 26,
    }
    mean = arranged(Series(rows, (), "mean"), (), **asked)  # type: ignore[arg-type]
    added = arranged(Series(rows, (), "sum"), (), **asked)  # type: ignore[arg-type]
    assert mean is not None
    assert added is not None
    assert (mean.window.n_before, mean.window.n_after, added.window.n_after) == (26, 8, 7)


def test_a_washout_is_read_by_neither_side() -> None:
    found = arrange(
        Series(daily(date(2025, 1, 1), date(2026, 12, 31)), (), "mean"), washout_days=10, after_periods=14
    )
    assert found is not None
    starts = {period.start for period in found.periods}
    assert not starts & {RELEASED + timedelta(days=n) for n in range(10)}
    assert (found.window.n_after, found.periods[-1].end) == (14, date(2026, 3, 25))


@pytest.mark.parametrize("cadence", REACH)
def test_nothing_is_read_outside_of_what_is_loaded(cadence: str) -> None:
    after = after_window(RELEASED, cadence)
    assert after is not None
    found = arrange(
        Series(daily(date(2000, 1, 1), date(2030, 1, 1)), (), "mean"), cadence, today=date(2030, 1, 1)
    )
    assert found is not None
    assert first_read(RELEASED, cadence) <= found.periods[0].start
    assert after.last.end <= last_read(RELEASED, cadence, washout_days=0, after_periods=None)


@pytest.mark.parametrize("on", [date.min, date.max, date(9999, 12, 1)])
def test_the_ends_of_the_calendar_break_nothing(on: date) -> None:
    after_window(on, "quarterly", washout_days=3650, after_periods=3650)
    assert date.min <= first_read(on, "quarterly") <= on


def test_at_the_beginning_of_the_calendar_there_is_no_history() -> None:
    assert history(Series([], (), "mean"), cadence="quarterly", until=date.min) is None


def test_a_history_ends_before_the_period_of_its_end() -> None:
    told = history(
        Series(daily(date(2025, 1, 1), date(2026, 12, 31)), (), "mean"), cadence="daily", until=RELEASED
    )
    assert told is not None
    assert (len(told.values), told.periods[-1].end) == (182, date(2026, 3, 1))
