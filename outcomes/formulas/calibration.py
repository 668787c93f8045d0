"""How well people foretell: what they expected against what came, with the doubt that small numbers leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, floor

from .tracking import HIT_FROM, HitRate, rate_of

FEWEST = 8
"""With fewer items than this nothing is said of how well somebody foretells."""

CONFIDENCES = ((0.0, 0.5, "up to 0.5"), (0.5, 0.8, "0.5 to 0.8"), (0.8, 1.0, "above 0.8"))
"""Bands of declared confidence (above the first, up to the second), parted where the evidence caps it."""


@dataclass(frozen=True, slots=True)
class ReachCalibration:
    """Actual over predicted reach of `items`: 1 is as foretold, 0.5 half of it.

    `low` to `high` hold the middle 80% of the items (10th and 90th percentile); `median_low` to `median_high`
    is the 95% interval of the median. All but `items` are None below FEWEST items.
    """

    items: int
    median: float | None = None
    low: float | None = None
    high: float | None = None
    median_low: float | None = None
    median_high: float | None = None


def reach_calibration(pairs: Sequence[tuple[float, float]]) -> ReachCalibration:
    """Return how (predicted, actual) reaches compare; a prediction that is not above 0 foretells nothing.

    Percentiles interpolate linearly between the ordered ratios (Hyndman and Fan 1996, type 7). The interval of
    the median is distribution-free, between two order statistics (Conover 1999, 3.2).
    """
    ratios = sorted(actual / predicted for predicted, actual in pairs if predicted > 0)
    if len(ratios) < FEWEST:
        return ReachCalibration(len(ratios))
    below = _median_rank(len(ratios))
    return ReachCalibration(
        items=len(ratios),
        median=percentile(ratios, 0.5),
        low=percentile(ratios, 0.1),
        high=percentile(ratios, 0.9),
        median_low=ratios[below],
        median_high=ratios[len(ratios) - 1 - below],
    )


def hit_calibration(attainments: Sequence[float]) -> HitRate:
    """Return the hit rate of items by the attainment of each (0.9 of the way is a hit), with its 95% Wilson
    interval; no rate below FEWEST items."""
    hits = sum(attainment >= HIT_FROM for attainment in attainments)
    if len(attainments) < FEWEST:
        return HitRate(len(attainments), hits, None, None, None)
    return rate_of(hits, len(attainments))


def confidence_band(confidence: float | None) -> str | None:
    """Return the band of a declared confidence (0..1); None when nobody declared one."""
    if confidence is None:
        return None
    return next(
        (name for above, up_to, name in CONFIDENCES if above < confidence <= up_to), CONFIDENCES[0][2]
    )


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the value below which `part` (0..1) of the ordered values lie, interpolated linearly."""
    place = (len(ordered) - 1) * part
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _median_rank(number: int) -> int:
    """How many of the ordered values may be left out at either end so that the median lies between the rest
    with 95% probability: the largest r with P(Binomial(n, 1/2) < r) <= 2.5%."""
    tail, rank = 0.0, 0
    while True:
        tail += comb(number, rank) / 2**number
        if tail > 0.025:
            # Zero-based: the value of this rank is the first that is kept.
            return max(rank - 1, 0)
        rank += 1
