from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outcomes.formulas.tracking import (
    change_around,
    hit_rate,
    median_of,
    rank_correlation,
    ranks,
    rate_of,
    state_of,
)

TODAY = date(2026, 5, 1)
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))


@pytest.mark.parametrize(
    ("attainment", "pace", "due_on", "state"),
    [
        (0.9, None, None, "hit"),
        (0.9, 0.1, date(2026, 4, 30), "hit"),
        (0.89, 5.0, date(2026, 4, 30), "missed"),
        (0.5, 1.0, TODAY, "on_pace"),
        (0.5, 0.99, TODAY, "behind"),
        (0.5, None, None, "unknown"),
        (None, 1.0, date(2026, 4, 30), "unknown"),
    ],
)
def test_an_outcome_is_hit_missed_or_on_its_way(attainment, pace, due_on, state: str) -> None:
    assert state_of(attainment, pace, due_on, TODAY) == state


def test_the_hit_rate_is_over_those_that_are_known() -> None:
    rate = hit_rate([1.2, 0.9, 0.2, None])
    assert (rate.known, rate.hits, rate.rate) == (3, 2, pytest.approx(2 / 3))
    expected = stats.binomtest(2, 3).proportion_ci(method="wilson")
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))


def test_without_anything_known_there_is_no_rate_and_no_median() -> None:
    assert hit_rate([None]).rate is rate_of(0, 0).low is median_of([None, None]) is None
    assert median_of([3.0, None, 1.0, 2.0]) == 2.0


@given(st.lists(numbers, max_size=30))
def test_ranks_are_those_of_scipy(values: list[float]) -> None:
    assert ranks(values) == pytest.approx(list(stats.rankdata([-value for value in values])))


@given(st.lists(st.tuples(numbers, numbers), min_size=8, max_size=40))
def test_the_rank_correlation_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    rho = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert rho is None
    else:
        assert rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)


def test_fewer_than_eight_pairs_say_nothing() -> None:
    assert rank_correlation([1.0] * 7, [2.0] * 7) is None
    with pytest.raises(ValueError, match="length"):
        rank_correlation([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("before", "after", "direction", "relative", "has_worsened"),
    [
        (10.0, 9.0, "increase", -0.1, True),
        (10.0, 9.1, "increase", -0.09, False),
        (10.0, 11.0, "decrease", 0.1, True),
        (-10.0, -11.0, "increase", -0.1, True),
        (10.0, 20.0, "increase", 1.0, False),
        (0.0, -1.0, "increase", None, True),
        (None, 1.0, "increase", None, None),
        (1.0, None, "decrease", None, None),
    ],
)
def test_a_level_has_worsened_when_it_moved_a_tenth_the_wrong_way(
    before, after, direction: str, relative, has_worsened
) -> None:
    change = change_around(before, after, direction)
    assert change.has_worsened is has_worsened
    assert change.relative == (None if relative is None else pytest.approx(relative))


def test_another_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="direction"):
        change_around(1.0, 2.0, "sideways")
