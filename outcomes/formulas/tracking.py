"""How bets turned out together: hits among outcomes, ranks against ranks, levels around a removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import median

from .intervals import wilson

HIT_FROM = 0.9
"""An outcome that covered this part of the way to its target is a hit."""

FEWEST_RANKED = 8
"""With fewer pairs than this a rank correlation says nothing."""

WORSE_BY = 0.10
"""A level that moved the wrong way by this part of what it was has worsened; less is taken for noise."""

HIT, MISSED, ON_PACE, BEHIND, UNKNOWN = "hit", "missed", "on_pace", "behind", "unknown"
STATES = (HIT, MISSED, ON_PACE, BEHIND, UNKNOWN)


@dataclass(frozen=True, slots=True)
class HitRate:
    """`hits` among the `known` outcomes, with the 95% Wilson interval of the rate; None without any."""

    known: int
    hits: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A level before and after, in the metric's unit. `relative` is to the size of the level before."""

    difference: float | None
    relative: float | None
    has_worsened: bool | None


def state_of(attainment: float | None, pace: float | None, due_on: date | None, today: date) -> str:
    """Return where an outcome stands: hit from 0.9 of the way on, missed when due without it, else by its pace
    (on_pace from 1 on, behind below it), unknown when neither is known."""
    if attainment is None:
        return UNKNOWN
    if attainment >= HIT_FROM:
        return HIT
    if due_on is not None and due_on < today:
        return MISSED
    if pace is None:
        return UNKNOWN
    return ON_PACE if pace >= 1.0 else BEHIND


def hit_rate(attainments: Sequence[float | None]) -> HitRate:
    """Return how many of the outcomes whose attainment is known are hits."""
    known = [value for value in attainments if value is not None]
    hits = sum(value >= HIT_FROM for value in known)
    return rate_of(hits, len(known))


def rate_of(hits: int, known: int) -> HitRate:
    """Return `hits` of `known` as a rate with its interval; the rate is None when nothing is known."""
    if not known:
        return HitRate(0, 0, None, None, None)
    low, high = wilson(hits, known)
    return HitRate(known, hits, hits / known, low, high)


def median_of(numbers: Sequence[float | None]) -> float | None:
    """Return the median of those that are known; None without any."""
    known = [number for number in numbers if number is not None]
    return median(known) if known else None


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 for the highest; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=lambda index: -values[index])
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and values[order[end + 1]] == values[order[begin]]:
            end += 1
        for place in range(begin, end + 1):
            found[order[place]] = (begin + end) / 2 + 1
        begin = end + 1
    return found


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rho of two equally long series: the correlation of their ranks, -1 to 1.

    None below 8 pairs, or when all values of a series are equal. Raises ValueError for different lengths.
    """
    if len(first) != len(second):
        raise ValueError("the two series differ in length")
    if len(first) < FEWEST_RANKED:
        return None
    one, other = ranks(first), ranks(second)
    mean = (len(first) + 1) / 2
    covered = sum((a - mean) * (b - mean) for a, b in zip(one, other, strict=True))
    spread = sqrt(sum((a - mean) ** 2 for a in one) * sum((b - mean) ** 2 for b in other))
    return covered / spread if spread else None


def change_around(before: float | None, after: float | None, direction: str) -> Change:
    """Return how a level of a metric whose better `direction` is increase or decrease has changed.

    Everything is None when either level is unknown; without a size to compare with (a level of 0 before) only
    the direction is told. Raises ValueError for another direction.
    """
    if direction not in ("increase", "decrease"):
        raise ValueError(f"unknown direction: {direction!r}")
    if before is None or after is None:
        return Change(None, None, None)
    difference = after - before
    worse_by = -difference if direction == "increase" else difference
    if before == 0:
        return Change(difference, None, worse_by > 0)
    return Change(difference, difference / abs(before), worse_by >= WORSE_BY * abs(before))
