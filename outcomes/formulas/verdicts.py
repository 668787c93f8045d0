"""Is anybody using it? The verdict on one item on one day, from what was known for that day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from .intervals import RatioInterval, ratio_interval, wilson

MINIMUM_ELIGIBLE = 5
"""With fewer eligible people than this there is no audience to judge by."""

DECLINING_BELOW = 0.5
"""A share below this part of the one before, or of the same ratio a year earlier, is a decline."""

EVENTS = "events"
COUNTS = "counts"
SHORT_COUNTS = "short_counts"
SHARES = "shares"
KINDS = (EVENTS, COUNTS, SHORT_COUNTS, SHARES)
"""Read from: actors of events; snapshots that cover the window; shorter snapshots; bare shares."""


class Verdict(StrEnum):
    """The usage state of an item on a day. The first whose rule holds is the verdict."""

    EXEMPT = "exempt"
    TOO_NEW = "too_new"
    NOT_INSTRUMENTED = "not_instrumented"
    DATA_GAP = "data_gap"
    NEVER_ADOPTED = "never_adopted"
    ABANDONED = "abandoned"
    UNDER_USED = "under_used"
    DECLINING = "declining"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a workspace, or an item of its own, calls new, under-used and adopted. Shares are 0..1."""

    window_days: int = 28
    grace_days: int = 28
    under_used_below: float = 0.05
    target_adoption: float = 0.30

    def window_for(self, natural_period_days: int | None) -> int:
        """Return W: at least twice the item's natural period, so a quarterly feature gets 180 days."""
        return max(self.window_days, 2 * (natural_period_days or 0))

    def for_natural_period(self, natural_period_days: int | None) -> Thresholds:
        """Return the thresholds to judge an item of this natural period by."""
        window_days = self.window_for(natural_period_days)
        return self if window_days == self.window_days else replace(self, window_days=window_days)


@dataclass(frozen=True, slots=True)
class Before:
    """Use in the window right before W.

    `only_before` and `only_now` count the actors active in one of the two windows alone, when identities are
    known. `share` is the mean daily share, for bare shares and short snapshots.
    """

    active: float | None = None
    eligible: float | None = None
    share: float | None = None
    only_before: float | None = None
    only_now: float | None = None


@dataclass(frozen=True, slots=True)
class UsageOn:
    """All that the verdict on one item on one day depends on; only facts dated up to that day.

    `is_exempt`: not released, archived, sunset, or mandatory or exempt by policy. `expected` and `covered`
    count the periods of its sources in W, the `_before` pair those of the window before. `active` and
    `eligible` are people or customers in W; for short snapshots those of the best one, `share` being the
    lower bound of the reach, `upper_share` the upper, and `mean_share` the mean daily share in W. For bare
    shares `share` is the mean over covered days. `year_ago_ratio` is W over the window before, a year
    earlier; None with under 13 months of data.
    """

    kind: str = EVENTS
    is_exempt: bool = False
    released_on: date | None = None
    has_usage_ever: bool = False
    is_silent: bool = False
    expected: int = 0
    covered: int = 0
    expected_before: int = 0
    covered_before: int = 0
    active: float | None = None
    eligible: float | None = None
    eligible_from: str | None = None
    share: float | None = None
    upper_share: float | None = None
    mean_share: float | None = None
    has_active_since_release: bool = False
    before: Before | None = None
    year_ago_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the numbers it rests on. `low` and `high` bound the share (95%, Wilson), not for bare
    shares; `ratio` is the share in W over that of the window before, when the two may be compared."""

    verdict: Verdict
    reason: str | None
    active: float | None
    eligible: float | None
    eligible_from: str | None
    share: float | None
    low: float | None
    high: float | None
    ratio: float | None


_EXEMPT = Verdict.EXEMPT
_TOO_NEW = Verdict.TOO_NEW
_NOT_INSTRUMENTED = Verdict.NOT_INSTRUMENTED
_DATA_GAP = Verdict.DATA_GAP
_NEVER_ADOPTED = Verdict.NEVER_ADOPTED
_ABANDONED = Verdict.ABANDONED
_UNDER_USED = Verdict.UNDER_USED
_DECLINING = Verdict.DECLINING
_HEALTHY = Verdict.HEALTHY


def judge(usage: UsageOn, thresholds: Thresholds, day: date) -> Judgement:
    """Return the verdict on an item on `day`: the first of the nine rules that holds, with its numbers.

    `thresholds.window_days` is the W that the usage was gathered for (see `for_natural_period`).
    """
    eligible = eligible_of(usage)
    share, low, high = share_of(usage, eligible)
    change = change_of(usage, eligible) if may_compare(usage, thresholds, day) else None
    reason: str | None = None
    if is_exempt(usage, day):
        verdict = _EXEMPT
    elif is_too_new(usage, thresholds, day):
        verdict = _TOO_NEW
    elif not usage.has_usage_ever:
        verdict = _NOT_INSTRUMENTED
    elif (reason := gap_of(usage, eligible)) is not None:
        verdict = _DATA_GAP
    elif not usage.has_active_since_release:
        verdict = _NEVER_ADOPTED
    elif is_idle(usage):
        verdict = _ABANDONED
    elif is_under_used(usage, thresholds, high):
        verdict = _UNDER_USED
    elif is_declining(change, usage.year_ago_ratio):
        verdict = _DECLINING
    else:
        verdict = _HEALTHY
        reason = "eligible_unknown" if share is None else None
    return Judgement(
        verdict,
        reason,
        usage.active,
        eligible,
        usage.eligible_from,
        share,
        low,
        high,
        change.ratio if change else None,
    )


def is_exempt(usage: UsageOn, day: date) -> bool:
    """Rule 1: nobody asks whether it is used; on days before its release neither."""
    return usage.is_exempt or usage.released_on is None or usage.released_on > day


def is_too_new(usage: UsageOn, thresholds: Thresholds, day: date) -> bool:
    """Rule 2: fewer than max(grace, W) days since the first release."""
    if usage.released_on is None:
        return False
    return (day - usage.released_on).days < max(thresholds.grace_days, thresholds.window_days)


def gap_of(usage: UsageOn, eligible: float | None) -> str | None:
    """Rule 4: why the data cannot carry a verdict (silent, not_covered, no_audience); None when it can."""
    if usage.is_silent:
        return "silent"
    if not is_covered_enough(usage.expected, usage.covered):
        return "not_covered"
    if eligible is not None and eligible < MINIMUM_ELIGIBLE:
        return "no_audience"
    return None


def is_idle(usage: UsageOn) -> bool:
    """Rule 6: no active user in W. An unknown number is not none."""
    return usage.share == 0 if usage.kind == SHARES else usage.active == 0


def is_under_used(usage: UsageOn, thresholds: Thresholds, high: float | None) -> bool:
    """Rule 7: even the upper 95% bound of the share is below the threshold; for bare shares the share."""
    measured = usage.share if usage.kind == SHARES else high
    return measured is not None and measured < thresholds.under_used_below


def is_declining(change: RatioInterval | None, year_ago_ratio: float | None) -> bool:
    """Rule 8: less than half of the share before, surely less than all of it, and not the season."""
    if change is None or change.ratio >= DECLINING_BELOW or change.high >= 1.0:
        return False
    return year_ago_ratio is None or change.ratio < DECLINING_BELOW * year_ago_ratio


def is_covered_enough(expected: int, covered: int) -> bool:
    """Whether at least 80% of the expected periods were covered. Where none was due, none is missing."""
    return 5 * covered >= 4 * expected


def may_compare(usage: UsageOn, thresholds: Thresholds, day: date) -> bool:
    """Whether W may be compared with the window before it.

    Both must lie wholly after release + grace, when the curiosity of the first days has gone, and the one
    before must have been covered to 80%.
    """
    if usage.before is None or usage.released_on is None:
        return False
    first_before = day - timedelta(days=2 * thresholds.window_days - 1)
    if (first_before - usage.released_on).days <= thresholds.grace_days:
        return False
    return is_covered_enough(usage.expected_before, usage.covered_before)


def change_of(usage: UsageOn, eligible: float | None) -> RatioInterval | None:
    """Return the share in W over the share before, with its interval; None when either is unknown or zero.

    Means of daily shares carry no interval: the ratio stands alone, as its own bounds.
    """
    before = usage.before
    if before is None:
        return None
    if usage.kind in (SHARES, SHORT_COUNTS):
        share = usage.share if usage.kind == SHARES else usage.mean_share
        if share is None or not before.share:
            return None
        ratio = share / before.share
        return RatioInterval(ratio, ratio, ratio)
    if usage.active is None or eligible is None or before.active is None or before.eligible is None:
        return None
    eligible_before = max(before.eligible, before.active)
    return ratio_interval(
        usage.active, eligible, before.active, eligible_before, before.only_before, before.only_now
    )


def eligible_of(usage: UsageOn) -> float | None:
    """Return the eligible people, never below the active ones; None when unknown or not counted."""
    if usage.eligible is None or usage.kind == SHARES:
        return None
    if usage.active is not None and usage.active > usage.eligible:
        return usage.active
    return usage.eligible


def share_of(usage: UsageOn, eligible: float | None) -> tuple[float | None, float | None, float | None]:
    """Return (share, low, high). For short snapshots low belongs to the lower bound, high to the upper."""
    if usage.kind == SHARES:
        return usage.share, None, None
    if usage.active is None or not eligible:
        return None, None, None
    if usage.kind == SHORT_COUNTS:
        lower = usage.active / eligible if usage.share is None else usage.share
        upper = lower if usage.upper_share is None else max(lower, usage.upper_share)
        return lower, wilson(lower * eligible, eligible)[0], wilson(upper * eligible, eligible)[1]
    low, high = wilson(usage.active, eligible)
    return usage.active / eligible, low, high
