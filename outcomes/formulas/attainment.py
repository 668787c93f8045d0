"""How far an outcome has come towards its target, and whether it will be there in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import inf, isfinite

# Attainments are added up, held against the time that has passed, and averaged: none of it may overflow.
_MOST = 1e100


@dataclass(frozen=True, slots=True)
class Attainment:
    """The part of the way from baseline to target that was covered: 0 at the baseline, 1 at the target,
    below 0 when it got worse. Without a value, `reason` is one of no_baseline, no_target, no_current,
    already_met and not_finite: the way is so short that its part is beyond 1e100."""

    value: float | None
    reason: str | None = None


def attainment(
    baseline: float | None, target: float | None, current: float | None, direction: str
) -> Attainment:
    """Return (current - baseline) / (target - baseline) for a metric of `direction` increase or decrease.

    Null when a number is unknown, or `already_met` when the target does not lie beyond the baseline in the
    metric's direction. Raises ValueError for another direction.
    """
    if direction not in ("increase", "decrease"):
        raise ValueError(f"unknown direction: {direction!r}")
    if target is None:
        return Attainment(None, "no_target")
    if baseline is None:
        return Attainment(None, "no_baseline")
    is_beyond = target > baseline if direction == "increase" else target < baseline
    if not is_beyond:
        return Attainment(None, "already_met")
    if current is None:
        return Attainment(None, "no_current")
    return _part(current, target, baseline)


def attainment_by_effect(
    baseline: float | None,
    target: float | None,
    direction: str,
    *,
    estimate: float,
    low: float,
    high: float,
    verdict: str | None,
) -> Attainment | None:
    """Return estimate / (target - baseline) of a decided effect, None where what was observed has to do.

    An effect that is better or worse counts, and so does one that says precisely that there was little: its
    interval [low, high] is narrower than the way to the target. One without any width knows nothing of how sure it
    is. Raises ValueError for another direction.
    """
    # The effect takes the place of what was reached; whether there is a way to go does not depend on it.
    way = attainment(0.0 if baseline is None else baseline, target, target, direction)
    if baseline is None or target is None or way.value is None:
        return None
    is_precise = 0.0 < high - low < abs(target - baseline)
    if verdict not in ("better", "worse") and not is_precise:
        return None
    whole = target - baseline
    return _computable(estimate / whole if isfinite(whole) else estimate / 2 / (target / 2 - baseline / 2))


def _part(current: float, target: float, baseline: float) -> Attainment:
    covered, way = current - baseline, target - baseline
    if not (isfinite(covered) and isfinite(way)):
        # Half of what lies between two numbers is finite whatever they are; of a way that vanishes it says nothing.
        covered, way = current / 2 - baseline / 2, target / 2 - baseline / 2
    return _computable(covered / way if way else inf)


def _computable(value: float) -> Attainment:
    return Attainment(value) if abs(value) <= _MOST else Attainment(None, "not_finite")


def pace(attainment: float | None, start: date | None, due_on: date | None, today: date) -> float | None:
    """Return attainment over the elapsed share of the time from `start` (the release) to `due_on`.

    1 is on time, below 1 is late. After `due_on` the elapsed share stays 1. None when attainment, start or
    due date is unknown, the due date is not after the start, or no day has passed.
    """
    if attainment is None or start is None or due_on is None:
        return None
    whole, passed = (due_on - start).days, (today - start).days
    if whole <= 0 or passed <= 0:
        return None
    return attainment / min(1.0, passed / whole)
