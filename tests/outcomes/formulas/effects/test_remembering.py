from __future__ import annotations

import numpy as np
import pytest

from outcomes.formulas.effects.before_after import PHIS, fitted
from outcomes.formulas.effects.remembering import remembered, stepped
from outcomes.formulas.effects.series import Window

BEFORE, AFTER = 60, 14


def a_window(positions: list[int]) -> Window:
    chance = np.random.default_rng(4)
    values = 20 + np.cumsum(chance.normal(0, 0.4, len(positions))) + chance.normal(0, 1, len(positions))
    return Window(positions, tuple(values), [0] * len(positions), BEFORE)


@pytest.mark.parametrize("gap", [0, 5])
def test_it_is_the_prediction_of_a_regression_with_ar_errors(gap: int) -> None:
    """The same, by the whole covariance of the errors at each phi instead of its closed form."""
    positions = [*range(BEFORE), *range(BEFORE + gap, BEFORE + gap + AFTER)]
    window = a_window(positions)
    columns = np.column_stack([np.ones(len(positions)), np.sin(positions)])
    fit = fitted(columns[:BEFORE], np.array(window.values[:BEFORE]), positions[:BEFORE])
    assert fit is not None
    at = np.array(positions)
    mean, square = 0.0, 0.0
    for phi, weight, coefficients, root, variance in zip(
        PHIS, fit.weights, fit.coefficients, fit.roots, fit.variances, strict=True
    ):
        whole = phi ** np.abs(np.subtract.outer(at, at)) / (1 - phi**2)
        gains = whole[BEFORE:, :BEFORE] @ np.linalg.inv(whole[:BEFORE, :BEFORE])
        average = np.full(AFTER, 1 / AFTER)
        rows = average @ (columns[BEFORE:] - gains @ columns[:BEFORE])
        centre = rows @ coefficients + average @ gains @ np.array(window.values[:BEFORE])
        left = whole[BEFORE:, BEFORE:] - gains @ whole[:BEFORE, BEFORE:]
        spread = (average @ left @ average + ((rows @ root) ** 2).sum()) * variance
        mean += weight * centre
        square += weight * (centre**2 + spread * fit.freedom / (fit.freedom - 2))
    found = remembered(window, columns, confidence=0.95)
    assert found is not None
    middle = float(np.mean(window.values[BEFORE:])) - mean
    deviation = np.sqrt(square - mean**2)
    assert found.low < middle < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.12)


def test_the_step_is_that_of_before_and_after_without_a_trend() -> None:
    """With no season and no trend worth the name it lies by the difference of the means, and its errors are wider
    than those of days that know nothing of each other."""
    chance = np.random.default_rng(2)
    values = 20 + chance.normal(0, 1, BEFORE + AFTER) + 3.0 * (np.arange(BEFORE + AFTER) >= BEFORE)
    window = Window(range(BEFORE + AFTER), tuple(values), [0] * len(values), BEFORE)
    found = stepped(window, np.ones((len(values), 1)), confidence=0.95)
    assert found is not None
    assert found.low < values[BEFORE:].mean() - values[:BEFORE].mean() < found.high
    assert found.high - found.low > 2 * 1.96 * np.sqrt(1 / BEFORE + 1 / AFTER) * 0.8


def test_a_step_that_the_controls_take_themselves_tells_nothing() -> None:
    window = a_window(list(range(BEFORE + AFTER)))
    columns = np.column_stack([np.ones(len(window.values)), np.arange(len(window.values)) >= BEFORE])
    assert stepped(window, columns.astype(float), confidence=0.95) is None


def test_a_past_too_short_for_the_regression_tells_nothing() -> None:
    window = a_window(list(range(BEFORE + AFTER)))
    columns = np.random.default_rng(1).normal(size=(BEFORE + AFTER, BEFORE - 1))
    assert remembered(window, columns, confidence=0.95) is None
