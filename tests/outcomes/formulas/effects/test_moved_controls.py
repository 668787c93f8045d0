"""A control that moved at the release is none: it is left out, and what stays says what would have been."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.formulas.effects.strongest import Finding
from tests.outcomes.formulas.effects.test_degenerate import BEFORE, DAYS, codes, effect_of

CHANCE = np.random.default_rng(8)
# What metric and controls share, and what each has of its own.
SHARED, OWN = 100 + CHANCE.normal(0, 3, DAYS), CHANCE.normal(0, 1, (3, DAYS))
MOVED = SHARED + 12 * (np.arange(DAYS) >= BEFORE)
METRIC = 0.8 * SHARED + OWN[0]
QUIET = CHANCE.normal(50, 3, DAYS)


def moved(found: Finding) -> list[int]:
    return [caveat["control"] for caveat in found.caveats if caveat["code"] == "control_moved"]


def verdicts(found: Finding) -> list[object]:
    return [run["verdict"] for run in found.placebo or []]


def test_a_metric_that_stood_still_is_not_worse_because_its_only_control_rose() -> None:
    found = effect_of(METRIC, MOVED)
    assert (found.design, found.verdict) == ("before_after", "inconclusive")
    assert (moved(found), verdicts(found)) == ([0], ["better"])
    assert "controls_not_usable" not in codes(found)


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_what_moved_is_left_out_whichever_way_was_wanted(direction: str) -> None:
    found = effect_of(METRIC, MOVED, direction=direction)
    assert (found.design, found.verdict, moved(found)) == ("before_after", "inconclusive", [0])


def test_the_controls_that_stay_carry_the_comparison() -> None:
    found, without = effect_of(METRIC, QUIET, MOVED), effect_of(METRIC, QUIET)
    assert (found.design, moved(found), verdicts(found)) == ("comparison", [1], ["inconclusive", "better"])
    assert (found.estimate.estimate, found.verdict) == (without.estimate.estimate, "inconclusive")


def test_an_effect_is_still_seen_when_every_control_moved() -> None:
    found = effect_of(METRIC - 12 * (np.arange(DAYS) >= BEFORE), MOVED)
    assert (found.design, found.verdict, moved(found)) == ("before_after", "worse", [0])


def test_what_moved_both_alike_is_no_effect_of_the_release() -> None:
    found, alone = (
        effect_of(METRIC + 0.8 * (MOVED - SHARED), MOVED),
        effect_of(METRIC + 0.8 * (MOVED - SHARED)),
    )
    assert (alone.verdict, found.verdict, moved(found)) == ("better", "inconclusive", [0])
    assert found.design == "before_after"
    assert found.estimate.estimate == alone.estimate.estimate
    assert found.estimate.low < 0 < found.estimate.high == alone.estimate.high


def test_a_control_that_stood_still_is_kept() -> None:
    found = effect_of(METRIC, SHARED)
    assert (found.design, found.verdict, moved(found)) == ("comparison", "inconclusive", [])


def test_a_moved_control_beside_one_that_says_nothing_leaves_before_and_after() -> None:
    found = effect_of(METRIC, MOVED, [5.0] * DAYS)
    assert (found.design, moved(found)) == ("before_after", [0])
    assert "controls_not_usable" in codes(found)
