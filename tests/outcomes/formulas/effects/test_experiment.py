from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.effects.experiment import (
    MISMATCH_BELOW,
    Variant,
    compare,
    sample_ratio_mismatch,
)
from outcomes.formulas.effects.verdict import adjusted_confidence, verdict_of
from tests.golden_values import golden

counted = st.integers(20, 100_000).flatmap(lambda n: st.tuples(st.integers(10, n - 10), st.just(n)))


def share(converted: int, people: int) -> Variant:
    return Variant(people, converted, converted)


@pytest.mark.parametrize("row", golden("experiment_lift"))
def test_the_lift_matches_the_published_interval(row: dict[str, Any]) -> None:
    found = compare(share(*row["control"]), share(*row["treatment"]), "increase")
    assert found is not None
    assert found.relative == pytest.approx(row["lift"], abs=1e-6)
    assert found.relative_low == pytest.approx(row["low"], abs=1e-6)
    assert found.relative_high == pytest.approx(row["high"], abs=1e-6)
    assert found.probability_better == pytest.approx(row["probability_better"], abs=1e-4)


@pytest.mark.parametrize("row", golden("sample_ratio_mismatch_p"))
def test_the_split_is_tested_as_published(row: dict[str, Any]) -> None:
    assert sample_ratio_mismatch(row["observed"], row["ratio"]) == pytest.approx(row["p"], rel=1e-2)


def test_moving_the_gate_to_40_was_worse_after_a_week() -> None:
    found = compare(share(8502, 44_700), share(8279, 45_489), "increase")
    assert found is not None
    points = [round(100 * value, 2) for value in (found.estimate, found.low, found.high)]
    assert points == [-0.82, -1.33, -0.31]
    assert verdict_of(found.low, found.high, "increase") == "worse"


def test_moving_the_gate_to_40_told_nothing_after_a_day() -> None:
    found = compare(share(20_034, 44_700), share(20_119, 45_489), "increase")
    assert found is not None
    assert verdict_of(found.low, found.high, "increase") == "inconclusive"


@given(counted, counted)
def test_swapping_the_variants_turns_the_difference_round(a: tuple[int, int], b: tuple[int, int]) -> None:
    there, back = compare(share(*a), share(*b), "increase"), compare(share(*b), share(*a), "increase")
    assert there is not None
    assert back is not None
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.low == pytest.approx(-back.high)


@given(counted, counted)
def test_less_is_better_where_the_metric_says_so(a: tuple[int, int], b: tuple[int, int]) -> None:
    more, less = compare(share(*a), share(*b), "increase"), compare(share(*a), share(*b), "decrease")
    assert more is not None
    assert less is not None
    assert more.probability_better == pytest.approx(1 - less.probability_better)


@given(counted, st.floats(0.5, 0.999))
def test_asking_to_be_surer_widens_the_interval(a: tuple[int, int], confidence: float) -> None:
    usual = compare(share(*a), share(*a), "increase", confidence=confidence)
    surer = compare(share(*a), share(*a), "increase", confidence=confidence + (1 - confidence) / 2)
    assert usual is not None
    assert surer is not None
    assert surer.high - surer.low > usual.high - usual.low


def test_a_mean_of_amounts_has_the_spread_of_its_values() -> None:
    values = [3.0, 5.0, 10.0, 2.0] * 10
    one = Variant(40, sum(values), sum(value * value for value in values))
    mean = sum(values) / 40
    assert one.variance_of_mean == pytest.approx(sum((value - mean) ** 2 for value in values) / 39 / 40)


def test_a_handful_of_people_is_shown_and_not_judged() -> None:
    found = compare(share(0, 10), share(10, 10), "increase")
    assert found is not None
    assert not found.is_enough


def test_nobody_is_compared_with_nobody() -> None:
    assert compare(Variant(0, 0, 0), share(5, 10), "increase") is None


def test_a_lift_on_nothing_is_not_told() -> None:
    found = compare(share(0, 1000), share(20, 1000), "increase")
    assert found is not None
    assert found.relative is None
    assert found.estimate == pytest.approx(0.02)


def test_a_split_that_went_wrong_is_seen() -> None:
    assert sample_ratio_mismatch([821_588, 815_482], [1, 1]) < MISMATCH_BELOW
    assert sample_ratio_mismatch([9_000, 1_010], [90, 10]) > MISMATCH_BELOW
    assert sample_ratio_mismatch([0, 0], [1, 1]) == 1.0


def test_a_split_needs_a_part_for_every_variant() -> None:
    with pytest.raises(ValueError, match="part above zero"):
        sample_ratio_mismatch([1, 2], [1])
    with pytest.raises(ValueError, match="part above zero"):
        sample_ratio_mismatch([1, 2], [1, 0])


@pytest.mark.parametrize(
    ("low", "high", "direction", "margin", "verdict"),
    [
        (0.1, 2, "increase", 0, "better"),
        (0.1, 2, "decrease", 0, "worse"),
        (-2, -0.1, "decrease", 0, "better"),
        (-1, 1, "increase", 0, "inconclusive"),
        (0, 1, "increase", 0, "inconclusive"),
        (-2, -0.1, "increase", 0.5, "inconclusive"),
        (-2, -0.6, "increase", 0.5, "worse"),
        (0.6, 2, "decrease", 0.5, "worse"),
        (0.1, 2, "increase", 0.5, "better"),
    ],
)
def test_a_verdict_needs_the_whole_interval(
    low: float, high: float, direction: str, margin: float, verdict: str
) -> None:
    assert verdict_of(low, high, direction, margin=margin) == verdict


def test_many_questions_share_the_doubt_of_one() -> None:
    assert adjusted_confidence(1) == 0.95
    assert adjusted_confidence(5) == pytest.approx(0.99)


def test_a_verdict_needs_to_know_which_way_is_better() -> None:
    with pytest.raises(ValueError, match="unknown direction"):
        verdict_of(0, 1, "sideways")
