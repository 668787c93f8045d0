from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from outcomes.formulas.attainment import Attainment, attainment, pace
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
