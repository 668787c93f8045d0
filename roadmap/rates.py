"""How often something happens before and after a day, and whether it has changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import betaincinv

PERIOD_DAYS = 28
"""Rates are told per this many days."""

RELIEVED, WORSE, INCONCLUSIVE, TOO_EARLY, NO_HISTORY = (
    "relieved",
    "worse",
    "inconclusive",
    "too_early",
    "no_history",
)
RELIEF_VERDICTS = (RELIEVED, WORSE, INCONCLUSIVE, TOO_EARLY, NO_HISTORY)


@dataclass(frozen=True, slots=True)
class RateChange:
    """Events per PERIOD_DAYS before and after, and after / before with its 95% interval.

    `ratio` is None when nothing happened before, `high` when it has no end. `verdict` is one of RELIEF_VERDICTS.
    """

    before: float | None
    after: float | None
    ratio: float | None
    low: float | None
    high: float | None
    verdict: str


def rate_change(before: int, before_days: int, after: int, after_days: int) -> RateChange:
    """Compare the rates of two spans, in which `before` and `after` events were counted.

    Given how many there were in all, those after are binomial; the interval is Clopper and Pearson's for that
    share, turned into a ratio of rates. Source: Przyborowski and Wilenski (1940). Under PERIOD_DAYS on either
    side there is no verdict.
    """
    told_before = PERIOD_DAYS * before / before_days if before_days > 0 else None
    told_after = PERIOD_DAYS * after / after_days if after_days > 0 else None
    if before_days < PERIOD_DAYS:
        return RateChange(told_before, told_after, None, None, None, NO_HISTORY)
    if after_days < PERIOD_DAYS:
        return RateChange(told_before, told_after, None, None, None, TOO_EARLY)
    scale = before_days / after_days
    ratio = scale * after / before if before else None
    if before + after == 0:
        return RateChange(told_before, told_after, None, None, None, INCONCLUSIVE)
    least = float(betaincinv(after, before + 1, 0.025)) if after else 0.0
    most = float(betaincinv(after + 1, before, 0.975)) if before else 1.0
    low = scale * least / (1.0 - least)
    high = scale * most / (1.0 - most) if most < 1.0 else None
    verdict = INCONCLUSIVE
    if high is not None and high < 1.0:
        verdict = RELIEVED
    elif low > 1.0:
        verdict = WORSE
    return RateChange(told_before, told_after, ratio, low, high, verdict)
