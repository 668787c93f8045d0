from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import GLS

from benchmarks.effects import LEAST_POWER, MOST_FALSE, doubt, false_share, power
from benchmarks.simulated import Cell, series_of
from outcomes.formulas.effects.before_after import PHIS, before_after, design_of, fitted
from outcomes.formulas.effects.detectable import smallest_detectable
from outcomes.formulas.effects.series import Estimate, Window

SERIES = 300
CELL = Cell(56, 28, 0.5)


def window(values: list[float], before: int, positions: list[int] | None = None) -> Window:
    at = tuple(positions or range(len(values)))
    return Window(at, tuple(values), tuple(position % 7 for position in at), before)


def estimate_of(values: list[float], before: int = 56, **said: object) -> Estimate:
    found = before_after(window(values, before), **said)  # type: ignore[arg-type]
    assert found is not None
    return found


def one_series(seed: int = 1, cell: Cell = CELL) -> list[float]:
    return [float(value) for value in series_of(cell, 1, seed)[0]]


@pytest.mark.parametrize("phi_index", [5, 30, 55])
def test_at_one_phi_it_is_generalised_least_squares(phi_index: int) -> None:
    values = np.array(one_series())
    positions = [day for day in range(84) if day not in (10, 11, 40)]
    design = design_of(positions, [day % 7 for day in positions], 54)
    fit = fitted(design, values[positions], positions)
    assert fit is not None
    gaps = np.abs(np.subtract.outer(positions, positions))
    sigma = np.sign(PHIS[phi_index]) ** gaps * np.abs(PHIS[phi_index]) ** gaps
    oracle = GLS(values[positions], design, sigma=sigma).fit()
    assert fit.coefficients[phi_index] == pytest.approx(oracle.params)
    errors = fit.scales(np.eye(design.shape[1]))[phi_index]
    assert errors == pytest.approx(oracle.bse)


def test_the_weights_of_the_grid_are_the_restricted_likelihood_of_the_textbook() -> None:
    values = np.array(one_series())
    design = design_of(range(84), [day % 7 for day in range(84)], 56)
    fit = fitted(design, values, range(84))
    assert fit is not None
    n, columns = design.shape
    told = []
    for phi in PHIS:
        matrix = phi ** np.abs(np.subtract.outer(range(n), range(n))) / (1 - phi**2)
        inverse = np.linalg.inv(matrix)
        inner = design.T @ inverse @ design
        left = values - design @ np.linalg.solve(inner, design.T @ inverse @ values)
        log_likelihood = -0.5 * (np.linalg.slogdet(matrix)[1] + np.linalg.slogdet(inner)[1])
        likelihood = log_likelihood - 0.5 * (n - columns) * np.log(left @ inverse @ left)
        # The prior (1 - phi²)^-3/4 on a grid that is even in atanh(phi).
        told.append(likelihood + 0.25 * np.log(1 - phi**2))
    weights = np.exp(np.array(told) - max(told))
    assert fit.weights == pytest.approx(weights / weights.sum(), abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000), st.floats(-1e3, 1e3), st.floats(-5, 5), st.floats(-50, 50))
def test_a_level_and_a_trend_do_not_move_the_effect_and_a_step_moves_it_by_itself(
    seed: int, level: float, slope: float, step: float
) -> None:
    plain = estimate_of(one_series(seed))
    moved = [
        value + level + slope * day + (step if day >= 56 else 0) for day, value in enumerate(one_series(seed))
    ]
    found = estimate_of(moved)
    assert found.estimate == pytest.approx(plain.estimate + step, abs=1e-5)
    assert found.high - found.low == pytest.approx(plain.high - plain.low, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000), st.floats(0.01, 1000))
def test_another_unit_gives_the_same_effect_in_that_unit(seed: int, unit: float) -> None:
    plain, scaled = (
        estimate_of(one_series(seed)),
        estimate_of([unit * value for value in one_series(seed)]),
    )
    assert scaled.estimate == pytest.approx(unit * plain.estimate, rel=1e-5, abs=1e-6 * unit)
    assert scaled.relative == pytest.approx(plain.relative, rel=1e-4, abs=1e-6)


def test_being_surer_takes_a_wider_interval() -> None:
    usual, surer = estimate_of(one_series()), estimate_of(one_series(), confidence=0.99)
    assert surer.low < usual.low <= usual.estimate <= usual.high < surer.high


def test_a_metric_that_never_moved_has_no_effect() -> None:
    found = estimate_of([7.5] * 84)
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_a_step_without_noise_is_what_it_is_and_nothing_says_how_sure_that_is() -> None:
    found = estimate_of([10.0] * 56 + [20.0] * 28)
    assert (found.low, found.high) == (pytest.approx(10), pytest.approx(10))
    assert found.relative == pytest.approx(1)
    assert found.is_without_noise


def test_the_counterfactual_is_what_was_seen_less_the_effect_on_average() -> None:
    values = one_series(3)
    found = estimate_of(values)
    gap = np.mean(np.array(values[56:]) - found.counterfactual[56:])
    assert gap == pytest.approx(found.estimate, abs=1.0)
    assert np.all(found.lows < found.counterfactual)
    assert np.all(found.counterfactual < found.highs)


def test_too_short_a_window_tells_nothing() -> None:
    assert before_after(window(one_series()[:10], 5)) is None


def test_days_that_are_missing_cost_precision_and_not_the_estimate() -> None:
    values = one_series(5, Cell(56, 28, 0.5, shift=20))
    kept = [day for day in range(84) if day % 5]
    found = before_after(window([values[day] for day in kept], sum(day < 56 for day in kept), kept))
    assert found is not None
    assert found.low < 20 < found.high


@pytest.mark.parametrize("cell", [Cell(56, 28, 0.8, growth=0.02), Cell(28, 28, 0.5), Cell(182, 28, 0.8)])
def test_where_nothing_happened_it_seldom_says_otherwise(cell: Cell) -> None:
    assert false_share(cell, SERIES, seed=7) <= MOST_FALSE + doubt(MOST_FALSE, SERIES)


@pytest.mark.parametrize("span", LEAST_POWER)
def test_what_did_happen_is_mostly_seen(span: tuple[int, int]) -> None:
    least = LEAST_POWER[span]
    assert power(Cell(*span, 0.5, shift=5.0), SERIES, seed=7) >= least - doubt(least, SERIES)


def test_an_effect_of_the_smallest_detectable_size_is_seen_in_four_of_five_cases() -> None:
    seen = 0
    seasons = [day % 7 for day in range(210)]
    for values in series_of(Cell(182, 28, 0.5), 100, 11):
        history = [float(value) for value in values[:182]]
        told = smallest_detectable(range(182), history, seasons[:182], seasons[182:])
        assert told is not None
        found = estimate_of([*history, *(float(value) + told.effect for value in values[182:])], 182)
        seen += found.low > 0
    assert 65 <= seen <= 92


def test_more_time_after_shows_smaller_effects() -> None:
    history = one_series(2, Cell(182, 28, 0.5))[:182]
    seasons = [day % 7 for day in range(182)]
    told = [
        smallest_detectable(range(182), history, seasons, [day % 7 for day in range(182, 182 + days)])
        for days in (14, 28, 84)
    ]
    effects = [one.effect for one in told if one]
    assert effects == sorted(effects, reverse=True)
    assert len(effects) == 3
