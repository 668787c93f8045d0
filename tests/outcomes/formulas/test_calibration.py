from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outcomes.formulas.calibration import (
    FEWEST,
    confidence_band,
    hit_calibration,
    percentile,
    reach_calibration,
)
from outcomes.formulas.intervals import wilson
from outcomes.formulas.portfolio import Estimate, movements, overlapping, shrunk_sum
from tests.golden_values import golden

some = st.floats(-1e6, 1e6, allow_nan=False)
START = date(2026, 1, 1)


@pytest.mark.parametrize("case", golden("james_stein"))
def test_a_sum_is_shrunk_as_james_and_stein_say(case: dict) -> None:
    found = shrunk_sum([Estimate(value, case["se"]) for value in case["effects"]])
    assert found.raw == pytest.approx(case["sum_raw"], abs=1e-6)
    assert found.factor == pytest.approx(case["factor"], abs=1e-6)
    assert found.total == pytest.approx(case["sum_shrunk"], abs=1e-6)


def test_five_effects_are_added_up_and_not_shrunk() -> None:
    found = shrunk_sum([Estimate(1.0, 0.5)] * 5)
    assert (found.raw, found.factor, found.total) == (5.0, None, None)


@given(st.lists(st.tuples(some, st.floats(0.01, 1e3)), min_size=6, max_size=40))
def test_shrinking_never_turns_a_sum_around_and_never_enlarges_it(rows: list[tuple[float, float]]) -> None:
    found = shrunk_sum([Estimate(value, se) for value, se in rows])
    assert found.factor is not None
    assert 0 <= found.factor <= 1
    assert found.total == pytest.approx(found.raw * found.factor)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=30))
def test_windows_overlap_as_comparing_every_pair_says(spans: list[tuple[int, int]]) -> None:
    windows = {
        number: (START + timedelta(days=first), START + timedelta(days=first + length))
        for number, (first, length) in enumerate(spans)
    }
    found = overlapping(windows)
    for one, (first, last) in windows.items():
        assert set(found[one]) == {
            other
            for other, (begins, ends) in windows.items()
            if other != one and begins <= last and first <= ends
        }


def test_effects_that_overlap_through_others_are_one_movement() -> None:
    assert movements({"a": ["b"], "b": ["c"], "c": [], "d": []}) == [["a", "b", "c"], ["d"]]
    assert movements({"a": ["nobody"], "b": []}) == [["a"], ["b"]]
    assert movements({}) == []


def test_reach_is_half_of_what_was_foretold() -> None:
    found = reach_calibration([(100.0, ratio * 100) for ratio in (0.1, 0.2, 0.4, 0.5, 0.5, 0.6, 0.9, 2.0)])
    assert (found.items, found.median) == (8, 0.5)
    assert (found.low, found.high) == (pytest.approx(0.17), pytest.approx(1.23))
    # Of eight, the smallest and the largest hold the median with 95%.
    assert (found.median_low, found.median_high) == (0.1, 2.0)


@pytest.mark.parametrize("number", [8, 9, 17, 30, 101])
def test_the_interval_of_the_median_covers_it_with_95_percent(number: int) -> None:
    found = reach_calibration([(1.0, float(value)) for value in range(1, number + 1)])
    assert found.median_low is not None
    below = int(found.median_low) - 1
    covered = 1 - 2 * stats.binom.cdf(below, number, 0.5)
    wider = 1 - 2 * stats.binom.cdf(below + 1, number, 0.5)
    assert covered >= 0.95
    assert wider < 0.95


def test_seven_items_say_nothing() -> None:
    assert reach_calibration([(1.0, 1.0)] * (FEWEST - 1)).median is None
    assert reach_calibration([(0.0, 1.0)] * 20).items == 0
    assert hit_calibration([1.0] * (FEWEST - 1)).rate is None


def test_a_hit_is_nine_tenths_of_the_way_and_its_rate_has_wilson_s_interval() -> None:
    found = hit_calibration([0.9, 1.2, 0.89, -1.0, 0.9, 0.0, 0.5, 0.91])
    assert (found.known, found.hits, found.rate) == (8, 4, 0.5)
    assert (found.low, found.high) == wilson(4, 8)


@pytest.mark.parametrize(
    ("confidence", "band"),
    [
        (None, None),
        (0.0, "up to 0.5"),
        (0.5, "up to 0.5"),
        (0.51, "0.5 to 0.8"),
        (0.8, "0.5 to 0.8"),
        (1.0, "above 0.8"),
    ],
)
def test_confidence_is_told_in_bands(confidence: float | None, band: str | None) -> None:
    assert confidence_band(confidence) == band


@given(st.lists(some, min_size=1), st.floats(0, 1))
def test_a_percentile_is_that_of_a_spreadsheet(values: list[float], part: float) -> None:
    ordered = sorted(values)
    expected = stats.scoreatpercentile(ordered, part * 100)
    assert percentile(ordered, part) == pytest.approx(expected, rel=1e-6, abs=1e-3)
