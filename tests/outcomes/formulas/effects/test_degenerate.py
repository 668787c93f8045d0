"""Series that do not vary, hardly exist or are of an absurd size: no verdict comes of rounding, nor of the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf, isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.formulas.digits import settled
from outcomes.formulas.effects.arranging import Series
from outcomes.formulas.effects.detectable import smallest_detectable
from outcomes.formulas.effects.strongest import Finding, Question, find
from outcomes.formulas.effects.windows import after_window
from outcomes.formulas.levels import DayTotal

RELEASED, BEFORE, AFTER = date(2026, 3, 2), 56, 28
DAYS = BEFORE + AFTER
NOISE = np.random.default_rng(4).normal(0, 3, (2, DAYS))
FLAT = [5.0] * DAYS
MOVED = [*(100 + NOISE[0, :BEFORE]), *(112 + NOISE[0, BEFORE:])]
UNITS = (1e-300, 1e-160, 1e-12, 0.1, 3.0, 1e12, 1e160, 1e300)


def series(values: Sequence[float]) -> Series:
    days = []
    for number, value in enumerate(values):
        on = RELEASED + timedelta(days=number - BEFORE)
        at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        days.append(DayTotal(on, 1, float(value), float(value), float(value), float(value), at))
    return Series(days, frozenset(day.on for day in days), "mean")


def effect_of(values: Sequence[float], *controls: Sequence[float], **said: float) -> Finding:
    after = after_window(RELEASED, "daily")
    assert after is not None
    asked = Question("daily", "increase", RELEASED, after, after.decided_on, 0.95)
    found = find(replace(asked, **said), series(values), [series(one) for one in controls])  # type: ignore[arg-type]
    assert found is not None
    return found


def codes(found: Finding) -> set[str]:
    return {caveat["code"] for caveat in found.caveats}


@pytest.mark.parametrize("values", [FLAT, [0.0] * DAYS, [0.1] * DAYS, [5.0] * BEFORE + [7.0] * AFTER])
@pytest.mark.parametrize("controls", [[], [50 + NOISE[1]], [FLAT]])
def test_what_does_not_vary_is_inconclusive_and_says_so(
    values: list[float], controls: list[list[float]]
) -> None:
    found = effect_of(values, *controls)
    assert (found.verdict, "no_noise" in codes(found)) == ("inconclusive", True)
    assert found.estimate.low == found.estimate.high


def test_a_straight_line_is_its_own_trend() -> None:
    found = effect_of([0.1 * day for day in range(DAYS)])
    assert (found.verdict, codes(found), found.estimate.estimate) == ("inconclusive", {"no_noise"}, 0.0)


def test_a_metric_that_began_with_the_release_is_not_compared_with_nothing() -> None:
    found = effect_of([0.0] * BEFORE + list(5 + NOISE[0, BEFORE:]), 50 + NOISE[1])
    assert (found.design, "controls_not_usable" in codes(found)) == ("before_after", True)
    assert isfinite(found.estimate.estimate)


def test_a_control_that_never_moved_is_none() -> None:
    assert effect_of(MOVED, FLAT).design == "before_after"
    assert effect_of(MOVED, FLAT, 50 + NOISE[1]).design == "comparison"


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_one_day_that_differs_is_no_effect(value: float) -> None:
    for day in (10, BEFORE - 1, BEFORE, BEFORE + 1, DAYS - 1):
        values = [1.0 - value] * DAYS
        values[day] = value
        found = effect_of(values, 50 + NOISE[1])
        assert found.verdict == "inconclusive"
        assert isfinite(found.estimate.estimate)


@pytest.mark.parametrize(("day", "on"), [(BEFORE, "2026-03-02"), (BEFORE - 1, "2026-03-01")])
def test_a_launch_of_a_single_day_is_no_effect_and_the_day_is_named(day: int, on: str) -> None:
    values = list(100 + NOISE[0])
    values[day] += 300
    found = effect_of(values)
    assert found.verdict == "inconclusive"
    assert {"code": "one_period", "on": on} in found.caveats
    assert effect_of(MOVED).verdict == "better"


def test_numbers_too_small_for_their_digits_are_inconclusive_and_say_so() -> None:
    found = effect_of([value * 1e-315 for value in MOVED])
    assert (found.verdict, codes(found)) == ("inconclusive", {"too_small"})


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("controls", [[], [50 + NOISE[1]]])
def test_the_unit_of_the_metric_is_no_matter(unit: float, controls: list[list[float]]) -> None:
    for values in (list(100 + NOISE[0]), MOVED):
        plain = effect_of(values, *controls, margin=4.0)
        scaled = effect_of([unit * value for value in values], *controls, margin=4.0 * unit)
        assert (scaled.design, scaled.verdict, codes(scaled)) == (plain.design, plain.verdict, codes(plain))
        for name in ("estimate", "low", "high"):
            assert getattr(scaled.estimate, name) / unit == pytest.approx(getattr(plain.estimate, name))
        assert scaled.estimate.relative == pytest.approx(plain.estimate.relative)
        assert np.all(np.isfinite(scaled.estimate.highs))


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_a_control_is_no_matter(unit: float) -> None:
    plain, scaled = effect_of(MOVED, 50 + NOISE[1]), effect_of(MOVED, unit * (50 + NOISE[1]))
    assert (scaled.design, scaled.verdict) == ("comparison", plain.verdict)
    assert scaled.estimate.estimate == pytest.approx(plain.estimate.estimate)


@settings(max_examples=40, deadline=None)
@given(
    noise=st.lists(st.floats(-10, 10), min_size=DAYS, max_size=DAYS),
    shift=st.floats(-20, 20),
    unit=st.floats(1e-250, 1e250),
    is_compared=st.booleans(),
)
def test_multiplying_a_series_changes_no_verdict(
    noise: list[float], shift: float, unit: float, is_compared: bool
) -> None:
    values = [100 + at + (shift if day >= BEFORE else 0) for day, at in enumerate(noise)]
    controls = [50 + NOISE[1]] if is_compared else []
    plain, scaled = effect_of(values, *controls), effect_of([unit * value for value in values], *controls)
    size = plain.estimate.high - plain.estimate.low
    if min(abs(plain.estimate.low), abs(plain.estimate.high)) > 1e-6 * size:
        assert (scaled.verdict, codes(scaled)) == (plain.verdict, codes(plain))


def test_stored_numbers_are_those_that_were_told_where_nothing_happened() -> None:
    found = effect_of(FLAT)
    assert set(found.estimate.counterfactual) == {5.0}
    assert (found.estimate.estimate, found.estimate.relative) == (0.0, 0.0)
    moved = effect_of([5.1] * BEFORE + [7.3] * AFTER)
    assert moved.estimate.estimate == 2.2
    assert set(moved.estimate.lows[BEFORE:]) == {5.1}


@pytest.mark.parametrize(
    ("number", "size", "stored"),
    [
        (5.00000000000001, None, 5.0),
        (0.1 + 0.2, None, 0.3),
        (2.2e-16, 5.0, 0.0),
        (-1e-20, 1.0, 0.0),
        (1.23456789e-300, None, 1.23456789e-300),
        (1.7976931348623157e308, None, 1.797693134862e308),
        (inf, None, inf),
        (0.0, None, 0.0),
        (None, None, None),
    ],
)
def test_a_number_is_stored_to_thirteen_digits(
    number: float | None, size: float | None, stored: float | None
) -> None:
    assert settled(number, size) == stored


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_storing_a_number_twice_changes_nothing(number: float) -> None:
    assert settled(settled(number)) == settled(number)
    assert settled(number) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("unit", UNITS)
def test_what_could_be_seen_is_told_in_any_unit(unit: float) -> None:
    seasons = [day % 7 for day in range(DAYS)]
    plain, scaled = (
        smallest_detectable(
            range(BEFORE), [of * value for value in MOVED[:BEFORE]], seasons[:BEFORE], seasons[BEFORE:]
        )
        for of in (1.0, unit)
    )
    assert plain is not None
    assert scaled is not None
    assert scaled.effect / unit == pytest.approx(plain.effect)
