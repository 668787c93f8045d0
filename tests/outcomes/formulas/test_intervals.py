from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.intervals import ratio_interval, wilson
from tests.golden_values import golden

people = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("row", golden("wilson_95"))
def test_wilson_matches_the_published_interval(row: dict[str, Any]) -> None:
    low, high = wilson(row["active"], row["eligible"])
    assert (round(low, 6), round(high, 6)) == (row["low"], row["high"])


@given(people)
def test_wilson_lies_in_0_to_1_and_holds_the_share(counted: tuple[int, int]) -> None:
    active, eligible = counted
    low, high = wilson(active, eligible)
    assert 0 <= low <= active / eligible <= high <= 1


@given(people)
def test_wilson_narrows_when_more_people_say_the_same(counted: tuple[int, int]) -> None:
    active, eligible = counted
    low, high = wilson(active, eligible)
    more_low, more_high = wilson(4 * active, 4 * eligible)
    assert more_high - more_low < high - low


def test_nobody_eligible_says_nothing_about_the_share() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("row", golden("declining"))
def test_the_ratio_of_two_windows_matches_the_published_interval(row: dict[str, Any]) -> None:
    found = ratio_interval(
        row["active"],
        row["eligible"],
        row["active_before"],
        row["eligible_before"],
        row["only_before"],
        row["only_now"],
    )
    assert found is not None
    assert found.ratio == pytest.approx(row["ratio"], abs=1e-6)
    assert found.low == pytest.approx(row["low"], abs=1e-6)
    assert found.high == pytest.approx(row["high"], abs=1e-6)


@pytest.mark.parametrize("counts", [(0, 10, 5, 10), (5, 10, 0, 10), (5, 0, 5, 10), (5, 10, 5, 0)])
def test_without_people_in_both_windows_there_is_no_ratio(counts: tuple[int, int, int, int]) -> None:
    assert ratio_interval(*counts) is None


def test_the_same_people_in_both_windows_leave_no_doubt() -> None:
    found = ratio_interval(20, 100, 20, 100, only_before=0, only_now=0)
    assert found is not None
    assert (found.low, found.ratio, found.high) == (1.0, 1.0, 1.0)
