from __future__ import annotations

import numpy as np
import pytest

from benchmarks.effects import MOST_FALSE, doubt, false_share
from benchmarks.simulated import Cell
from outcomes.formulas.effects.comparison import comparison, difference_in_differences, judged, placebos
from outcomes.formulas.effects.series import Estimate, Window
from outcomes.formulas.effects.verdict import verdict_of

BEFORE, AFTER = 90, 28


def a_window(seed: int = 1, *, shift: float = 0.0, share: float = 2.0, touched: float = 0.0) -> Window:
    """A metric that follows its control, with noise of its own; `touched` is what happened to the control."""
    chance = np.random.default_rng(seed)
    count = BEFORE + AFTER
    after = np.arange(count) >= BEFORE
    control = 50 + np.cumsum(chance.normal(0, 1, count))
    values = 10 + share * control + chance.normal(0, 1, count) + shift * after
    seasons = tuple(day % 7 for day in range(count))
    columns = (control + touched * after)[:, None]
    return Window(tuple(range(count)), tuple(float(value) for value in values), seasons, BEFORE, columns)


def estimate_of(window: Window, confidence: float = 0.95) -> Estimate:
    found = comparison(window, confidence=confidence)
    assert found is not None
    return found


def test_what_the_control_explains_is_no_effect() -> None:
    verdicts = [estimate.low <= 0 <= estimate.high for estimate in map(estimate_of, map(a_window, range(60)))]
    assert sum(verdicts) >= 52


@pytest.mark.parametrize("shift", [-4.0, 6.0])
def test_what_it_does_not_explain_is(shift: float) -> None:
    found = estimate_of(a_window(3, shift=shift))
    assert found.low < shift < found.high
    assert found.low * found.high > 0


def test_the_effect_is_the_mean_of_what_was_seen_over_what_would_have_been() -> None:
    window = a_window(4, shift=5)
    found = estimate_of(window)
    gap = np.mean(np.array(window.values[BEFORE:]) - found.counterfactual[BEFORE:])
    assert gap == pytest.approx(found.estimate)
    assert np.all(found.lows <= found.counterfactual)


def test_the_scale_and_the_place_of_a_control_do_not_matter() -> None:
    window = a_window(5, shift=5)
    other = Window(window.positions, window.values, window.seasons, BEFORE, 1000 - 0.001 * window.controls)
    assert estimate_of(other).estimate == pytest.approx(estimate_of(window).estimate, rel=1e-6)


def test_a_control_that_never_moved_says_nothing_and_breaks_nothing() -> None:
    window = a_window(6, shift=5)
    flat = np.column_stack([window.controls[:, 0], np.full(len(window.values), 7.0)])
    other = Window(window.positions, window.values, window.seasons, BEFORE, flat)
    assert estimate_of(other).estimate == pytest.approx(estimate_of(window).estimate)


def test_a_placebo_is_quiet_for_a_control_and_speaks_of_one_that_was_touched() -> None:
    (quiet,) = placebos(a_window(7), "increase")
    (touched,) = placebos(a_window(7, touched=60.0), "increase")
    assert quiet["verdict"] == "inconclusive"
    assert touched["verdict"] == "better"


def test_the_simple_form_takes_what_the_control_did_from_what_the_metric_did() -> None:
    simple = difference_in_differences(a_window(8, shift=5, share=1.0))
    assert simple is not None
    estimate, low, high = simple
    assert low < 5 < high
    assert low <= estimate <= high


def test_without_controls_there_is_no_simple_form() -> None:
    window = a_window(8)
    bare = Window(window.positions, window.values, window.seasons, BEFORE)
    assert difference_in_differences(bare) is None
    assert comparison(bare) is not None


def test_a_level_that_drifts_widens_the_interval() -> None:
    window = a_window(9)
    drift = np.cumsum(np.random.default_rng(1).normal(0, 1, BEFORE + AFTER))
    values = tuple(float(value) for value in np.array(window.values) + drift)
    other = Window(window.positions, values, window.seasons, BEFORE, window.controls)
    still, moving = estimate_of(window), estimate_of(other)
    assert moving.high - moving.low > still.high - still.low


def test_more_controls_than_the_time_before_can_carry_tell_nothing() -> None:
    window = a_window(10)
    many = np.random.default_rng(2).normal(size=(BEFORE + AFTER, BEFORE))
    assert comparison(Window(window.positions, window.values, window.seasons, BEFORE, many)) is None


@pytest.mark.parametrize(("before", "phi"), [(28, 0.5), (28, 0.8), (56, 0.8)])
def test_errors_that_remember_are_rarely_taken_for_an_effect(before: int, phi: float) -> None:
    share = false_share(Cell(before, 28, phi), 60, seed=3, design="comparison")
    assert share <= MOST_FALSE + doubt(MOST_FALSE, 60)


@pytest.mark.parametrize("before", [28, 56])
def test_a_random_walk_that_no_control_explains_is_rarely_taken_for_an_effect(before: int) -> None:
    share = false_share(Cell(before, 28, 0.0, walk=1.0), 100, seed=3, design="comparison")
    assert share <= MOST_FALSE + doubt(MOST_FALSE, 100)


def a_remembering_window(seed: int) -> Window:
    chance = np.random.default_rng(seed)
    window, noise = a_window(seed), np.zeros(BEFORE + AFTER)
    for day in range(1, BEFORE + AFTER):
        noise[day] = 0.8 * noise[day - 1] + chance.normal(0, 3)
    kept = slice(BEFORE - 28, None)
    values = (np.array(window.values) + noise)[kept]
    seasons = window.seasons[kept]
    return Window(tuple(range(len(values))), tuple(values), seasons, 28, window.controls[kept])


def test_a_verdict_that_such_errors_would_leave_open_is_open_and_its_interval_says_so() -> None:
    opened = 0
    for window in map(a_remembering_window, range(30)):
        alone, found = comparison(window), judged(window, "increase")
        assert alone is not None
        assert found is not None
        estimate, verdict = found
        assert verdict == verdict_of(estimate.low, estimate.high, "increase")
        assert estimate.estimate == alone.estimate
        if "remembered" in estimate.detail:
            opened += 1
            assert verdict == "inconclusive"
            assert estimate.low <= min(alone.low, estimate.detail["remembered"]["low"])
            assert estimate.highs[-1] - estimate.lows[-1] > alone.highs[-1] - alone.lows[-1]
            assert np.all(estimate.lows[:28] == alone.lows[:28])
    assert opened >= 3


def test_a_verdict_that_they_share_keeps_its_interval() -> None:
    window = a_window(3, shift=6)
    alone, found = comparison(window), judged(window, "increase")
    assert alone is not None
    assert found is not None
    assert (found[0].low, found[0].high, found[1]) == (alone.low, alone.high, "better")
