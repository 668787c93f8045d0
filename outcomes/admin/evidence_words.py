"""The numbers a flag rests on, in sentences: what a person reads before deciding about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from outcomes.models import Flag
from roadmap.admin.numbers import percent, short, words

_EVERY = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
}

_COMPARED = {
    "before_after": "before with after",
    "comparison": "with series that the release did not touch",
    "experiment": "between the arms of an experiment",
}


def sentences_of(flag: Flag, evidence: Mapping[str, Any] | None = None) -> list[str]:
    """The evidence of a flag (today's unless other is given), the main point first; numbers that are not known
    are not spoken of."""
    told = flag.evidence if evidence is None else evidence
    say = {"missed_target": _target, "regression": _effect, "stale_source": _silence}.get(flag.reason)
    return list(say(flag, told) if say else _usage(told))


def evidence_of(flag: Flag) -> str:
    """All of it as one paragraph."""
    return " ".join(sentences_of(flag))


def evidence_at_opening(flag: Flag) -> str:
    """What it was raised with, where that is known and was something else."""
    if not flag.opened_with or flag.opened_with == flag.evidence:
        return ""
    return " ".join(sentences_of(flag, flag.opened_with))


def _usage(told: Mapping[str, Any]) -> Iterator[str]:
    yield from users_in_words(told)
    if (ratio := told.get("ratio_to_window_before")) is not None:
        yield f"That is {percent(ratio)} of the share in the window before."
    if (frequency := told.get("frequency")) is not None:
        yield f"Who uses it does so on {short(frequency)} {_days(frequency)} of its period."
    if (share := told.get("mrr_share")) is not None:
        yield f"Customers with {percent(share)} of the monthly revenue use it."
    if (newest := told.get("newest_on")) is not None:
        yield f"The newest data is of {newest}."
    if (days := told.get("days_since")) is not None:
        yield f"It has been so for {short(days, 0)} {_days(days)}."


def users_in_words(told: Mapping[str, Any]) -> Iterator[str]:
    """How many of how many used it in the window; nothing where neither is known."""
    active, eligible, share = told.get("active"), told.get("eligible"), told.get("share")
    window = f" in the last {told['window_days']} days" if told.get("window_days") else ""
    if active is not None:
        who = "Nobody" if not active else short(active, 0)
        of = f" of the {short(eligible, 0)} it is for" if eligible is not None else ""
        part = f": {percent(share)}{_between(told)}" if share is not None and active else ""
        yield f"{who}{of} used it{window}{part}."
    elif share is not None:
        yield f"{percent(share)}{_between(told)} of the people it is for used it{window}."


def _between(told: Mapping[str, Any]) -> str:
    low, high = told.get("low"), told.get("high")
    return "" if low is None or high is None else f" (between {percent(low)} and {percent(high)})"


def _target(flag: Flag, told: Mapping[str, Any]) -> Iterator[str]:
    start = f", from {short(told['baseline'])}" if told.get("baseline") is not None else ""
    yield (
        f"{_metric(flag, told)}: the target was {short(told.get('target'))} by {told.get('due_on')}{start}; "
        f"it stands at {short(told.get('current'))}, {way_in_words(told.get('attainment'))}."
    )
    if (days := told.get("days_since")) is not None:
        yield f"That day was {short(days, 0)} {_days(days)} ago."
    if (newest := told.get("newest_on")) is not None:
        yield f"The newest reading is of {newest}."
    if grade := told.get("grade"):
        yield f"Grade of the evidence: {words(grade)}."


def way_in_words(attainment: float | None) -> str:
    """How far an outcome got from its baseline to its target."""
    if attainment is not None and attainment < 0:
        return "further off than at the start"
    return f"{percent(attainment)} of the way"


def _effect(flag: Flag, told: Mapping[str, Any]) -> Iterator[str]:
    effect = told.get("effect") or {}
    low, high = effect.get("low"), effect.get("high")
    between = "" if low is None or high is None else f" (between {short(low)} and {short(high)})"
    yield (
        f"{_metric(flag, told)}: moved by {short(effect.get('estimate'))}{between} after the release, "
        "which is the wrong way."
    )
    if design := effect.get("design"):
        yield f"Compared {_COMPARED.get(design, words(design))}, decided on {effect.get('decided_on')}."
    if others := told.get("shared_with"):
        yield f"{len(others)} other {'item was' if len(others) == 1 else 'items were'} released close to it."


def _silence(flag: Flag, told: Mapping[str, Any]) -> Iterator[str]:
    days, cadence = told.get("days_since"), told.get("cadence", "")
    if days is not None:
        yield f"It has covered no day for {short(days, 0)} {_days(days)}; the newest is {told.get('newest_on')}."
    if cadence in _EVERY:
        yield f"It should send every {_EVERY[cadence]}."


def _metric(flag: Flag, told: Mapping[str, Any]) -> str:
    return flag.outcome.metric.name if flag.outcome is not None else str(told.get("metric"))


def _days(count: float) -> str:
    return "day" if count == 1 else "days"
