"""Intervals for shares of people. They describe the sampling of people, not of days."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

Z_95 = 1.959963984540054
"""Two-sided 95% quantile of the standard normal distribution."""

Z_95_ROUNDED = 1.96
"""What the rule for declining use is written with, so that anybody can check a verdict by hand."""


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """A ratio of two shares with its 95% interval: 0.4 means that 40% of the earlier share is left."""

    ratio: float
    low: float
    high: float


def wilson(active: float, eligible: float, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval (low, high) of `active` among `eligible`, both in 0..1.

    `active` may be fractional (a mean of days) and is read as at most `eligible`. Nobody eligible says
    nothing about the share, so the answer is the whole range. Source: E. B. Wilson (1927).
    """
    if eligible <= 0:
        return 0.0, 1.0
    share = active / eligible
    share = 0.0 if share < 0.0 else min(share, 1.0)
    z_squared = z * z
    scale = 1.0 + z_squared / eligible
    centre = share + z_squared / (2.0 * eligible)
    spread = z * sqrt(share * (1.0 - share) / eligible + z_squared / (4.0 * eligible * eligible))
    # At the ends the bound is the share itself; rounding would leave 1e-18 or 0.9999999999999999.
    low = 0.0 if share == 0.0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if share == 1.0 else min(1.0, (centre + spread) / scale)
    return low, high


def ratio_interval(
    a1: float,
    e1: float,
    a0: float,
    e0: float,
    only_before: float | None = None,
    only_now: float | None = None,
) -> RatioInterval | None:
    """Return r = (a1/e1) / (a0/e0) with its 95% interval r exp(±1.96 sqrt v); None when it has none.

    `a1` of `e1` are active now, `a0` of `e0` were before. When identities are known, `only_before` and
    `only_now` count the people active in one window alone and v = (b + c) / (a0 a1), the variance for paired
    windows. Without identities the windows are taken as independent: v = 1/a1 - 1/e1 + 1/a0 - 1/e0 (Katz).
    There is no ratio without anybody active in both windows or without anybody eligible.
    """
    if a0 <= 0 or a1 <= 0 or e0 <= 0 or e1 <= 0:
        return None
    ratio = (a1 / e1) / (a0 / e0)
    if only_before is not None and only_now is not None:
        variance = (only_before + only_now) / (a0 * a1)
    else:
        variance = 1.0 / a1 - 1.0 / e1 + 1.0 / a0 - 1.0 / e0
    spread = exp(Z_95_ROUNDED * sqrt(max(variance, 0.0)))
    return RatioInterval(ratio, ratio / spread, ratio * spread)
