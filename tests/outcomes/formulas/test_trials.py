"""What the totals of an experiment say."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from math import sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from outcomes.formulas.trials import (
    Measure,
    Reading,
    Total,
    arrange,
    in_unit_of_metric,
    people_needed,
    read,
    unit_of_difference,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
PERCENT = Measure("retention", "%", "increase")
GATES = arrange([], "gate_30", ["gate_30", "gate_40"])


def share(n: int, yes: int) -> Total:
    return Total(AT, n, yes, yes)


def gates(control: tuple[int, int], treatment: tuple[int, int], measure: Measure = PERCENT) -> Reading:
    return read(GATES, measure, {"gate_30": share(*control), "gate_40": share(*treatment)}, questions=1)


def test_cookie_cats_lost_players_on_day_7() -> None:
    found = gates((44_700, 8_502), (45_489, 8_279)).differences[0]
    assert (found.estimate, found.low, found.high) == pytest.approx((-0.820, -1.328, -0.312), abs=0.001)
    assert found.p == pytest.approx(0.0016, abs=0.0001)
    assert found.verdict == "worse"


def test_cookie_cats_day_1_is_inconclusive_and_says_how_many_more_it_takes() -> None:
    found = gates((44_700, 20_034), (45_489, 20_119)).differences[0]
    assert found.p == pytest.approx(0.074, abs=0.001)
    assert found.verdict == "inconclusive"
    more = found.people_needed
    assert more is not None
    # With that many people in all, an error of a 2.8th of the difference: 1.96 for the interval, 0.84 for power.
    error = (found.high - found.low) / 2 / 1.959964 * sqrt(90_189 / (90_189 + more))
    assert abs(found.estimate) / error == pytest.approx(2.8016, abs=0.001)


def test_a_metric_where_less_is_better_turns_the_verdict_round() -> None:
    less = Measure("churn", "%", "decrease")
    assert gates((44_700, 8_502), (45_489, 8_279), less).differences[0].verdict == "better"


def test_a_split_that_is_not_as_intended_voids_the_verdict() -> None:
    found = gates((10_000, 1_000), (11_000, 1_500))
    assert found.is_void
    assert found.differences[0].verdict == "void"


def test_an_uneven_split_that_was_intended_voids_nothing() -> None:
    nine_to_one = arrange([{"key": "a", "split": 90}, {"key": "b", "split": 10}], "a", [])
    totals = {"a": share(9_000, 900), "b": share(1_000, 150)}
    found = read(nine_to_one, PERCENT, totals, questions=1)
    assert not found.is_void
    assert found.differences[0].verdict == "better"


def test_a_handful_of_people_is_no_verdict() -> None:
    assert gates((40, 1), (40, 39)).differences[0].verdict == "inconclusive"


def test_a_variant_without_anybody_is_not_compared() -> None:
    assert read(GATES, PERCENT, {"gate_30": share(10, 5)}, questions=1).differences == []
    assert read(GATES, PERCENT, {}, questions=1).split_p is None


def test_numbers_that_are_not_shares_keep_their_unit() -> None:
    totals = {"gate_30": Total(AT, 100, 500.0, 3_000.0), "gate_40": Total(AT, 100, 600.0, 4_200.0)}
    found = read(GATES, PERCENT, totals, questions=1)
    assert found.differences[0].estimate == pytest.approx(1.0)
    assert found.variants[0].sd == pytest.approx(sqrt((3_000 - 2_500) / 99))


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        # Everybody bought for 5, everybody bought for 6.
        ((100, 500.0, 2_500.0), (100, 600.0, 3_600.0)),
        # Squares that vanish, and such that all digits of a double are not enough for.
        ((100, 1e-198, 0.0), (100, 3e-198, 0.0)),
        ((1_000, 1e12, 1e21 + 1e5), (1_000, 1.1e12, 1.21e21)),
    ],
)
def test_values_that_do_not_vary_give_no_verdict(
    control: tuple[int, float, float], treatment: tuple[int, float, float]
) -> None:
    totals = {"gate_30": Total(AT, *control), "gate_40": Total(AT, *treatment)}
    found = read(GATES, PERCENT, totals, questions=1).differences[0]
    assert (found.verdict, found.is_without_noise) == ("inconclusive", True)


@given(unit=st.floats(1e-100, 1e100), shift=st.floats(-2, 2))
def test_the_unit_of_values_is_no_matter(unit: float, shift: float) -> None:
    chance = random.Random(3)
    people = [chance.gauss(10, 3) for _ in range(200)]

    def verdict(unit: float) -> str:
        told = [[unit * value for value in people], [unit * (value + shift) for value in people[::-1]]]
        totals = {
            name: Total(AT, 200, sum(values), sum(value * value for value in values))
            for name, values in zip(("gate_30", "gate_40"), told, strict=True)
        }
        return read(GATES, PERCENT, totals, questions=1).differences[0].verdict

    assume(abs(abs(shift) - 0.588) > 0.05)
    assert verdict(unit) == verdict(1.0)


def test_a_guardrail_may_fall_by_its_margin() -> None:
    within = Measure("retention", "%", "increase", is_guardrail=True, margin=2.0)
    assert gates((44_700, 8_502), (45_489, 8_279), within).differences[0].verdict == "inconclusive"


def test_more_questions_make_wider_intervals() -> None:
    totals = {"gate_30": share(1_000, 100), "gate_40": share(1_000, 130)}
    one, five = (read(GATES, PERCENT, totals, questions=n).differences[0] for n in (1, 5))
    assert five.confidence == pytest.approx(0.99)
    assert five.low < one.low
    assert five.high > one.high


def test_variants_nobody_declared_are_those_that_report() -> None:
    assert arrange([], "", ["b", "control", "a"]).split == {
        "control": pytest.approx(1 / 3), "a": pytest.approx(1 / 3), "b": pytest.approx(1 / 3),
    }  # fmt: skip
    assert arrange([], "", []).treatments == ["treatment"]
    assert arrange([], "", ["blue"]).treatments == ["blue"]


def test_the_split_is_of_one_whatever_unit_it_was_told_in() -> None:
    declared = [{"key": "a", "split": 3}, {"key": "b"}]
    assert arrange(declared, "b", []).split == {"b": 0.25, "a": 0.75}
    assert arrange(declared, "b", []).control == "b"


def test_a_metric_that_adds_up_changes_by_the_lift_of_its_baseline() -> None:
    found = gates((1_000, 100), (1_000, 120), Measure("orders", "", "increase")).differences[0]
    assert in_unit_of_metric(found, "mean", None) == (found.estimate, found.low, found.high)
    assert in_unit_of_metric(found, "sum", None) is None
    estimate, low, high = in_unit_of_metric(found, "sum", 500.0) or (0.0, 0.0, 0.0)
    assert estimate == pytest.approx(100.0)
    assert low < estimate < high


def test_a_difference_of_shares_is_told_in_points() -> None:
    assert [unit_of_difference(unit) for unit in ("%", " Percent", "EUR", "")] == [
        "points",
        "points",
        "EUR",
        "",
    ]


def test_nothing_seen_takes_nobody_knows_how_many() -> None:
    assert people_needed(0.0, 1.0, 100, 0.95) is None


@given(
    control=st.tuples(st.integers(2, 10**6), st.floats(0, 1)),
    treatment=st.tuples(st.integers(2, 10**6), st.floats(0, 1)),
)
def test_the_estimate_lies_in_its_interval_and_swapping_the_variants_turns_its_sign(
    control: tuple[int, float], treatment: tuple[int, float]
) -> None:
    one, other = (share(n, int(n * part)) for n, part in (control, treatment))
    there = read(GATES, PERCENT, {"gate_30": one, "gate_40": other}, questions=1).differences[0]
    back = read(GATES, PERCENT, {"gate_30": other, "gate_40": one}, questions=1).differences[0]
    assert there.low <= there.estimate <= there.high
    assert there.estimate == pytest.approx(-back.estimate)
    assert 0 <= there.p <= 1
