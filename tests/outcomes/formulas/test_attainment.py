from __future__ import annotations

from datetime import date
from math import isfinite
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outcomes.formulas.attainment import Attainment, attainment, attainment_by_effect, pace
from tests.golden_values import golden

RELEASED, DUE = date(2026, 3, 2), date(2026, 6, 30)


@pytest.mark.parametrize("row", golden("attainment"))
def test_attainment_is_the_part_of_the_way_covered(row: dict[str, Any]) -> None:
    direction = "decrease" if row["target"] < row["baseline"] else "increase"
    found = attainment(row["baseline"], row["target"], row["current"], direction)
    assert found.value == (None if row["attainment"] is None else pytest.approx(row["attainment"]))


@pytest.mark.parametrize(
    ("target", "direction"), [(10, "increase"), (10, "decrease"), (9, "increase"), (11, "decrease")]
)
def test_a_target_that_is_not_beyond_the_baseline_is_already_met(target: float, direction: str) -> None:
    assert attainment(10, target, 12, direction) == Attainment(None, "already_met")


@pytest.mark.parametrize(
    ("baseline", "target", "current", "reason"),
    [(None, 2, 1, "no_baseline"), (1, None, 1, "no_target"), (1, 2, None, "no_current")],
)
def test_what_is_unknown_is_named(
    baseline: float | None, target: float | None, current: float | None, reason: str
) -> None:
    assert attainment(baseline, target, current, "increase") == Attainment(None, reason)


def test_a_metric_without_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        attainment(1, 2, 1, "sideways")


def test_pace_is_attainment_over_the_elapsed_share_of_the_time() -> None:
    assert pace(0.6, RELEASED, DUE, date(2026, 5, 1)) == pytest.approx(1.2)


def test_after_the_due_date_the_pace_is_the_attainment() -> None:
    assert pace(0.6, RELEASED, DUE, date(2027, 1, 1)) == 0.6


@pytest.mark.parametrize(
    ("reached", "start", "due_on", "today"),
    [
        (None, RELEASED, DUE, DUE),
        (0.5, None, DUE, DUE),
        (0.5, RELEASED, None, DUE),
        (0.5, RELEASED, RELEASED, DUE),
        (0.5, RELEASED, DUE, RELEASED),
    ],
)
def test_pace_is_null_when_it_cannot_be_said(
    reached: float | None, start: date | None, due_on: date | None, today: date
) -> None:
    assert pace(reached, start, due_on, today) is None


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers, numbers, st.sampled_from(["increase", "decrease"]))
@example(-1.7e308, 1.7e308, 1e308, "increase")
@example(0.0, 5e-324, 1e308, "increase")
@example(1.7e308, -1.7e308, 5e-324, "decrease")
def test_whatever_the_numbers_an_attainment_is_one_to_go_on_computing_with(
    baseline: float, target: float, current: float, direction: str
) -> None:
    found = attainment(baseline, target, current, direction)
    if found.value is None:
        assert found.reason in ("already_met", "not_finite")
    else:
        assert abs(found.value) <= 1e100
        assert isfinite(pace(found.value, date(1900, 1, 1), date(2199, 12, 31), date(1900, 1, 2)) or 0.0)


def test_a_way_too_long_for_a_number_is_still_divided() -> None:
    assert attainment(-1.5e308, 1.5e308, 0.0, "increase").value == pytest.approx(0.5)
    assert attainment(0.0, 5e-324, 1.0, "increase") == Attainment(None, "not_finite")


@given(numbers, numbers, numbers, numbers, numbers, st.sampled_from(["increase", "decrease"]))
@example(0.0, 5e-324, 1e308, 0.0, 0.0, "increase")
@example(-1.7e308, 1.7e308, 1e308, -1.7e308, 1.7e308, "increase")
def test_whatever_the_effect_so_is_the_attainment_it_shows(
    baseline: float, target: float, estimate: float, low: float, high: float, direction: str
) -> None:
    found = attainment_by_effect(
        baseline, target, direction, estimate=estimate, low=low, high=high, verdict="better"
    )
    assert found is None or found.reason == "not_finite" or abs(found.value or 0.0) <= 1e100
