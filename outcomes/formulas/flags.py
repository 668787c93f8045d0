"""Flags as a fold over verdict days: when a condition opens one, when it resolves, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
    """Return the latest episode, open or resolved, of each reason that ever had one; see `all_episodes`."""
    every = all_episodes(spans, open_after=open_after, resolve_after=resolve_after)
    return {reason: episodes[-1] for reason, episodes in every.items()}


def all_episodes(
    spans: Iterable[VerdictSpan], *, open_after: int = 2, resolve_after: int = 7
) -> dict[str, tuple[Episode, ...]]:
    """Return the episodes, oldest first, of each reason that ever had one; all but the last are resolved.

    `spans` are ordered and contiguous. A flag opens on the `open_after`-th consecutive day on which its
    condition holds and resolves on the `resolve_after`-th consecutive day on which it does not. Days of
    data_gap stop both clocks: they neither add a day nor start the count anew.
    """
    told = [span for span in spans if span.verdict != Verdict.DATA_GAP]
    seen = {span.verdict.value for span in told}
    episodes = {
        reason: tuple(_episodes(reason, (reason,), told, open_after, resolve_after))
        for reason in VERDICT_REASONS
        if reason in seen
    }
    return {reason: found for reason, found in episodes.items() if found}


def class_holding_since(
    reason: str, spans: Iterable[VerdictSpan], *, open_after: int = 2, resolve_after: int = 7
) -> date | None:
    """Return since when the whole class of a reason has held without having stopped; None when it has.

    A class stops as a flag resolves: after `resolve_after` days on which none of its reasons held.
    """
    kin = tuple(one for one in VERDICT_REASONS if REASON_CLASS[one] == REASON_CLASS[reason])
    told = [span for span in spans if span.verdict != Verdict.DATA_GAP]
    latest = None
    for episode in _episodes(reason, kin, told, open_after, resolve_after):
        latest = episode
    return latest.holding_since if latest and latest.resolved_on is None else None


def episode_of(episodes: Iterable[Episode], first: date, last: date) -> Episode | None:
    """Return the latest episode that touches the days `first` to `last`, both included."""
    touching = [
        episode
        for episode in episodes
        if episode.holding_since <= last and (episode.resolved_on is None or episode.resolved_on >= first)
    ]
    return touching[-1] if touching else None


def is_still_answered(*, answered_on: date, holding_since: date | None) -> bool:
    """Whether what a person answered (dismissed, accepted) is still the same: it held then, and ever since."""
    return holding_since is not None and holding_since <= answered_on


def active_days_per_period(
    person_days: float, people: float, window_days: int, period_days: float
) -> float | None:
    """Return how often an active person uses the item: active days of a person per natural period.

    `person_days` counts the pairs of a person and a day of use in the window, `people` the distinct ones.
    """
    if people <= 0 or window_days <= 0:
        return None
    return person_days / people * period_days / window_days


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


def _episodes(
    reason: str, verdicts: tuple[str, ...], spans: Iterable[VerdictSpan], open_after: int, resolve_after: int
) -> Iterator[Episode]:
    """Fold the spans, without data gaps, into the episodes of the condition that one of `verdicts` holds."""
    standing: Episode | None = None
    since: date | None = None
    held = quiet = 0
    for span in spans:
        days = (span.last - span.first).days + 1
        if span.verdict.value in verdicts:
            quiet = 0
            if standing is not None:
                continue
            since = since or span.first
            if held + days >= open_after:
                standing = Episode(reason, since, _nth_day(span, open_after - held))
            held += days
            continue
        held, since = 0, None
        if standing is None:
            continue
        if quiet + days >= resolve_after:
            yield replace(standing, resolved_on=_nth_day(span, resolve_after - quiet))
            standing, quiet = None, 0
        else:
            quiet += days
    if standing is not None:
        yield standing


def _nth_day(span: VerdictSpan, number: int) -> date:
    """Return the day of the span with this number, the first day being 1."""
    return span.first + timedelta(days=max(number, 1) - 1)
