"""Flags as a fold over verdict days: when a condition opens one, when it resolves, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from .verdicts import Verdict

VERDICT_REASONS = ("never_adopted", "abandoned", "under_used", "declining")
"""Reasons that follow from verdict days; each is the value of its verdict."""

REASONS = (*VERDICT_REASONS, "missed_target", "regression", "stale_source")

REASON_CLASS = {
    "never_adopted": "unused",
    "abandoned": "unused",
    "under_used": "under_used",
    "declining": "declining",
    "missed_target": "missed_target",
    "regression": "regression",
    "stale_source": "stale_source",
}
"""A dismissed flag stays closed until the class of the reason changes."""

KEEP_FROM_MRR_SHARE = 0.10
"""An item whose users bring this share of the product's revenue is kept."""

WIDE_REACH = 0.30
"""A share of eligible people from which on reach is not the trouble."""

OFTEN = 1.0
"""Active days of an active person per natural period from which on frequency is not the trouble."""


@dataclass(frozen=True, slots=True)
class VerdictSpan:
    """Consecutive days, `first` to `last` included, with one verdict and reason."""

    first: date
    last: date
    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One life of a flag: the condition held since `holding_since`, the flag opened on `opened_on` and, if it
    is over, resolved on `resolved_on`."""

    reason: str
    holding_since: date
    opened_on: date
    resolved_on: date | None = None


def open_episodes(
    spans: Iterable[VerdictSpan], *, open_after: int = 2, resolve_after: int = 7
) -> dict[str, Episode]:
    """Return the latest episode, open or resolved, of each reason that ever had one.

    `spans` are ordered and contiguous. A flag opens on the `open_after`-th consecutive day on which its
    condition holds and resolves on the `resolve_after`-th consecutive day on which it does not. Days of
    data_gap stop both clocks: they neither add a day nor start the count anew.
    """
    told = [span for span in spans if span.verdict != Verdict.DATA_GAP]
    episodes = (
        (reason, _latest_episode(reason, told, open_after, resolve_after)) for reason in VERDICT_REASONS
    )
    return {reason: episode for reason, episode in episodes if episode is not None}


def recommended_action(
    *,
    reason: str,
    reach: float | None = None,
    frequency: float | None = None,
    mrr_share: float | None = None,
    is_week_before_normal: bool | None = None,
) -> str:
    """Return check_tracking, sunset, improve_adoption, improve_frequency or keep.

    `reach` is the share of eligible people (0..1), `frequency` the active days of an active person per
    natural period of the item, `mrr_share` the share of the product's revenue whose customers use it,
    `is_week_before_normal` whether use was normal in the week before it ended. What is unknown never speaks
    for taking a feature away, except that nobody uses it.
    """
    if reason == "stale_source":
        return "check_tracking"
    is_unused = REASON_CLASS.get(reason) == "unused"
    if is_unused and is_week_before_normal:
        return "check_tracking"
    if mrr_share is not None and mrr_share >= KEEP_FROM_MRR_SHARE:
        return "keep"
    if is_unused:
        return "sunset"
    return _by_reach_and_frequency(reach, frequency)


def _by_reach_and_frequency(reach: float | None, frequency: float | None) -> str:
    """Few and rarely: sunset. Few but often: more should find it. Many but rarely: give them more reason."""
    is_wide = reach is not None and reach >= WIDE_REACH
    if frequency is None:
        return "keep" if is_wide else "improve_adoption"
    if frequency >= OFTEN:
        return "keep" if is_wide else "improve_adoption"
    if is_wide:
        return "improve_frequency"
    return "improve_adoption" if reach is None else "sunset"


def _latest_episode(
    reason: str, spans: Iterable[VerdictSpan], open_after: int, resolve_after: int
) -> Episode | None:
    """Fold the spans, without data gaps, into the latest episode of one reason."""
    episode: Episode | None = None
    since: date | None = None
    held = quiet = 0
    for span in spans:
        days = (span.last - span.first).days + 1
        is_open = episode is not None and episode.resolved_on is None
        if span.verdict == reason:
            quiet = 0
            if is_open:
                continue
            since = since or span.first
            if held + days >= open_after:
                episode = Episode(reason, since, _nth_day(span, open_after - held))
            held += days
            continue
        held, since = 0, None
        if episode is not None and is_open:
            if quiet + days >= resolve_after:
                resolved_on = _nth_day(span, resolve_after - quiet)
                episode = Episode(reason, episode.holding_since, episode.opened_on, resolved_on)
            quiet += days
    return episode


def _nth_day(span: VerdictSpan, number: int) -> date:
    """Return the day of the span with this number, the first day being 1."""
    return span.first + timedelta(days=max(number, 1) - 1)
