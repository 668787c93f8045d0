"""What may be said about the roadmap: the words of its fields, its keys, and complaints about bad values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

IDEA, DISCOVERY, DELIVERY, RELEASED, SUNSET, ARCHIVED = (
    "idea",
    "discovery",
    "delivery",
    "released",
    "sunset",
    "archived",
)
STATUSES = (IDEA, DISCOVERY, DELIVERY, RELEASED, SUNSET, ARCHIVED)
HORIZONS = ("now", "next", "later")
ITEM_KINDS = ("feature", "improvement", "fix", "enabler", "experiment")

NORMAL, MANDATORY, EXEMPT = ("normal", "mandatory", "exempt")
USAGE_POLICIES = (NORMAL, MANDATORY, EXEMPT)
EXEMPTION_REASONS = ("compliance", "security", "recovery", "enabler")

EVIDENCE_KINDS = (
    "interview",
    "ticket",
    "call",
    "review",
    "survey",
    "analytics",
    "experiment",
    "vote",
    "opinion",
)

IMPACTS = (3, 2, 1, 0.5, 0.25)
"""Massive, high, medium, low, minimal: how much an item moves its outcome for one person reached."""

MOST_REACH = 1e12
LEAST_EFFORT, MOST_EFFORT = 0.001, 1e6
"""Bounds of the estimates, far beyond any: between them no value overflows or vanishes."""

MOST_IMPORTANT = 3
"""Importance of evidence runs from 0 to this."""

WEIGHT_RANGE: dict[str, float] = {"exclusiveMinimum": 0, "maximum": 1}
ESTIMATE_RANGES: dict[str, dict[str, float]] = {
    "reach": {"minimum": 0, "maximum": MOST_REACH},
    "confidence": {"exclusiveMinimum": 0, "maximum": 1},
    "effort": {"minimum": LEAST_EFFORT, "maximum": MOST_EFFORT},
}
"""What is said of numbers below, as JSON Schema says it."""

KEY_LENGTH = 200
LONG_TEXT = 100_000
"""Characters in a description, a quote: long enough for any of them, short enough to page and search through."""
RESERVED_KEYS = frozenset({"bulk"})

_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CUSTOMER_KEY = re.compile(r"[A-Za-z0-9._:@-]+")
_DOTTED_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
# Weights such as 0.7 + 0.2 + 0.1 add up to a hair above 1.
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one field: its name, a code for programs and a sentence for people."""

    field: str
    code: str
    detail: str


def is_key(text: str, dotted: bool = False) -> bool:
    """Whether `text` can name an object in paths, filters and bodies.

    A slug of ASCII letters, digits, hyphens and underscores, at most 200 long, not all digits (that is an
    id) and not the word bulk (that is an endpoint). `dotted` allows single dots inside, as metric keys do.
    """
    return _names(_DOTTED_KEY if dotted else _KEY, text)


def is_customer_key(text: str) -> bool:
    """Whether `text` can name a customer: as `is_key`, with . : and @ wherever they stand, as addresses have them."""
    return _names(_CUSTOMER_KEY, text)


def _names(shape: re.Pattern[str], text: str) -> bool:
    if len(text) > KEY_LENGTH or shape.fullmatch(text) is None:
        return False
    return not text.isdigit() and text not in RESERVED_KEYS


def problems_with_item(
    *,
    status: str | None = None,
    horizon: str | None = None,
    kind: str | None = None,
    usage_policy: str | None = None,
    exemption_reason: str | None = None,
    reach: float | None = None,
    impact: float | None = None,
    confidence: float | None = None,
    effort: float | None = None,
    released_on: date | None = None,
    sunset_on: date | None = None,
) -> list[Complaint]:
    """Return the complaints about an item's values; every one of them is optional, and None is unknown.

    `reach` is in people or customers, `confidence` 0..1, `effort` in person-months.
    """
    return [
        *_not_one_of("status", status, STATUSES),
        *_not_one_of("horizon", horizon, HORIZONS),
        *_not_one_of("kind", kind, ITEM_KINDS),
        *_not_one_of("usage_policy", usage_policy, USAGE_POLICIES),
        *_not_one_of("exemption_reason", exemption_reason, EXEMPTION_REASONS),
        *_exempt_without_reason(usage_policy, exemption_reason),
        *_impossible_estimates(reach=reach, impact=impact, confidence=confidence, effort=effort),
        *_sunset_before_release(released_on, sunset_on),
    ]


def problems_with_evidence(*, kind: str | None = None, importance: float | None = None) -> list[Complaint]:
    """Return the complaints about a piece of evidence; importance is a whole number from 0 to 3."""
    complaints = _not_one_of("kind", kind, EVIDENCE_KINDS)
    if importance is not None and importance not in range(MOST_IMPORTANT + 1):
        complaints.append(Complaint("importance", "out_of_range", "Importance is 0, 1, 2 or 3."))
    return complaints


def problems_with_survey(
    *, respondents: int, importance_top2: int, satisfaction_top2: int
) -> list[Complaint]:
    """Return the complaints about a survey's counts: somebody answered, and none is above the respondents."""
    complaints = []
    if respondents < 1:
        detail = "A survey that nobody answered says nothing: respondents are 1 or more."
        complaints.append(Complaint("respondents", "out_of_range", detail))
    for name, count in (("importance_top2", importance_top2), ("satisfaction_top2", satisfaction_top2)):
        if not 0 <= count <= max(respondents, 0):
            detail = "The count must lie between 0 and the number of respondents."
            complaints.append(Complaint(name, "out_of_range", detail))
    return complaints


def problems_with_weights(weights: Iterable[float]) -> list[Complaint]:
    """Return the complaints about the link weights of one item: each above 0, together at most 1."""
    taken = list(weights)
    if any(not 0 < weight <= 1 for weight in taken):
        return [Complaint("weight", "out_of_range", "A weight must be above 0 and at most 1.")]
    if sum(taken) > 1 + _NOISE:
        return [Complaint("weight", "too_much", "The weights of one item may sum to at most 1.")]
    return []


def _not_one_of(field: str, value: str | None, allowed: tuple[str, ...]) -> list[Complaint]:
    if value is None or value == "" or value in allowed:
        return []
    return [Complaint(field, "invalid_choice", f"Must be one of {', '.join(allowed)}.")]


def _exempt_without_reason(usage_policy: str | None, exemption_reason: str | None) -> list[Complaint]:
    if usage_policy != EXEMPT or exemption_reason:
        return []
    return [Complaint("exemption_reason", "required", "Say why nobody is expected to use the item.")]


def _impossible_estimates(
    *, reach: float | None, impact: float | None, confidence: float | None, effort: float | None
) -> list[Complaint]:
    """Return the complaints about the four estimates. NaN and infinity fail every one of these tests."""
    complaints = []
    if reach is not None and not 0 <= reach <= MOST_REACH:
        detail = f"Reach is between 0 and {MOST_REACH:,.0f} people."
        complaints.append(Complaint("reach", "out_of_range", detail))
    if impact is not None and impact not in IMPACTS:
        allowed = ", ".join(str(step) for step in IMPACTS)
        complaints.append(Complaint("impact", "invalid_choice", f"Must be one of {allowed}."))
    if confidence is not None and not 0 < confidence <= 1:
        complaints.append(Complaint("confidence", "out_of_range", "Must be above 0 and at most 1."))
    if effort is not None and not LEAST_EFFORT <= effort <= MOST_EFFORT:
        detail = f"Effort is between {LEAST_EFFORT} and {MOST_EFFORT:,.0f} person-months."
        complaints.append(Complaint("effort", "out_of_range", detail))
    return complaints


def _sunset_before_release(released_on: date | None, sunset_on: date | None) -> list[Complaint]:
    if released_on is None or sunset_on is None or sunset_on >= released_on:
        return []
    return [Complaint("sunset_on", "before_release", "An item cannot be sunset before its release.")]
