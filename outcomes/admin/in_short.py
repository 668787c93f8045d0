"""What became of an item in a sentence or two: what a list shows beside a verdict, and a page before its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outcomes.admin.evidence_words import users_in_words, way_in_words
from outcomes.admin.explanation import readings_of
from outcomes.models import ItemUsage, ItemValue
from roadmap.admin.items import NOT_OUT_YET
from roadmap.admin.numbers import percent, short, words
from roadmap.models import Item
from roadmap.rules import RELEASED

# An outcome counts as hit from here on.
_HIT = 0.9


def usage_in_words(usage: ItemUsage) -> str:
    """Nobody of the 506 it is for used it in the last 28 days. Blank where nothing was measured."""
    told = {
        name: getattr(usage, name) for name in ("active", "eligible", "share", "low", "high", "window_days")
    }
    return next(users_in_words(told), "")


def share_in_words(usage: ItemUsage) -> str:
    """8.7% of 506, as it stands beside a verdict. Blank where nothing was measured."""
    of = f" of {short(usage.eligible, 0)}" if usage.eligible is not None else ""
    if usage.share is not None:
        return f"{percent(usage.share)}{of}"
    return f"{short(usage.active, 0)}{of}" if usage.active is not None else ""


def exempt_in_words(item: Item) -> str:
    """Why nobody judges who uses an item that is exempt."""
    if item.status in NOT_OUT_YET:
        return "not out yet"
    if item.status != RELEASED or item.archived_at is not None:
        return "taken away"
    return "its use is mandatory" if item.usage_policy == "mandatory" else words(item.exemption_reason)


def targets_in_words(value: ItemValue) -> str:
    """1 of 2 targets reached, by what kind of evidence. Blank where no target can be held against anything."""
    known = [
        reading
        for reading in readings_of(value)
        if reading.get("role") != "guardrail" and reading.get("attainment") is not None
    ]
    if not known:
        return ""
    hit = sum(reading["attainment"] >= _HIT for reading in known)
    grades = list(dict.fromkeys(words(reading.get("grade")) for reading in known))
    return (
        f"{hit} of {len(known)} {'target' if len(known) == 1 else 'targets'} reached ({', '.join(grades)})."
    )


def outcomes_in_words(told: Iterable[tuple[str, float | None, str]]) -> Iterator[str]:
    """Each outcome that can be told: Days to pay: 30.8% of the way to its target (observed).

    `told` gives metric, attainment and grade of each.
    """
    for metric, attainment, grade in told:
        if attainment is not None:
            way = way_in_words(attainment)
            yield f"{metric}: {way if attainment < 0 else f'{way} to its target'} ({grade})."
