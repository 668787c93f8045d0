"""What an item is expected to be worth: opportunity, demand, revenue at stake, split credit and RICE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import TypeVar

ENOUGH_RESPONDENTS = 30
"""A survey with fewer is shown, marked low evidence, and does not lift the cap on confidence."""

QUALITATIVE_KINDS = frozenset({"interview", "ticket", "call", "review"})
QUANTITATIVE_KINDS = frozenset({"analytics", "experiment"})

CAP_OF_OPINION = 0.5
CAP_OF_QUALITATIVE = 0.8
CAP_OF_QUANTITATIVE = 1.0

_MOST_IMPORTANT = 3

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class SurveyCount:
    """Of `respondents` in one segment, how many rated importance and satisfaction 4 or 5 of 5."""

    respondents: int
    importance_top2: int
    satisfaction_top2: int


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Importance and satisfaction (0-10) of a problem in a segment, and its score (0-20)."""

    importance: float
    satisfaction: float
    score: float
    respondents: int
    is_low_evidence: bool


@dataclass(frozen=True, slots=True)
class Voice:
    """One piece of evidence: who said it (None when nobody is known), how important it is to them (0-3), when
    it was observed, and the revenue per month of that customer."""

    customer: str | int | None
    importance: int
    observed_on: date | None
    external_id: str
    mrr: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected value of an item with the inputs that were used.

    `reach_from` is person, eligible or customers; `confidence` is the declared one under its cap. `value` is
    None when an input is missing, and `missing` names each: reach, impact, confidence, effort.
    """

    value: float | None
    reach: float | None
    reach_from: str | None
    impact: float | None
    confidence: float | None
    declared_confidence: float | None
    confidence_cap: float
    effort: float | None
    missing: tuple[str, ...]


def opportunity(importance: float, satisfaction: float) -> float:
    """Return Ulwick's opportunity score I + max(I - S, 0), 0-20, of two ratings from 0 to 10."""
    return importance + max(importance - satisfaction, 0.0)


def opportunity_of(survey: SurveyCount) -> Opportunity | None:
    """Return the opportunity that a survey shows, 10 x the top-2-box shares; None with no respondents."""
    if survey.respondents <= 0:
        return None
    importance = 10.0 * survey.importance_top2 / survey.respondents
    satisfaction = 10.0 * survey.satisfaction_top2 / survey.respondents
    return Opportunity(
        importance=importance,
        satisfaction=satisfaction,
        score=opportunity(importance, satisfaction),
        respondents=survey.respondents,
        is_low_evidence=survey.respondents < ENOUGH_RESPONDENTS,
    )


def demand(voices: Iterable[Voice]) -> float:
    """Return the sum of each customer's latest importance and of every voice without a customer."""
    taken = list(voices)
    unnamed = sum(voice.importance for voice in taken if voice.customer is None)
    return float(unnamed + sum(voice.importance for voice in _latest_by_customer(taken)))


def revenue_at_stake(voices: Iterable[Voice]) -> float:
    """Return the sum over customers of monthly recurring revenue x latest importance / 3."""
    latest = _latest_by_customer(voices)
    # fsum, so that the order in which voices come does not show in the last digit.
    return fsum((voice.mrr or 0.0) * voice.importance / _MOST_IMPORTANT for voice in latest)


def split_credit(total: float, weights: Mapping[K, float]) -> dict[K, float]:
    """Divide a problem's total over its linked items in proportion to their weights (none below 0).

    Linking more items never inflates the total. Without any weight nobody is credited.
    """
    whole = sum(weights.values())
    return {key: part_of(total, weight, whole) for key, weight in weights.items()}


def part_of(total: float, weight: float, whole: float) -> float:
    """Return what of a problem's total falls to one link of this weight, `whole` being that of all links."""
    return total * weight / whole if whole > 0 else 0.0


def likeness(
    title: AbstractSet[str], words: AbstractSet[str], its_title: AbstractSet[str], its_words: AbstractSet[str]
) -> float:
    """Return how like two texts are by their words, 0 to 1: of titles or of whole texts, the likest.

    The share of words in common (Dice 1945: 2 |A and B| / (|A| + |B|)); also the part of the other title's
    words that this text says, at most 0.8 and from two words on, so that a long complaint finds the short
    title that it is about.
    """
    said = len(its_title & words)
    contained = 0.8 * said / len(its_title) if said > 1 else 0.0
    return max(_dice(title, its_title), _dice(words, its_words), contained)


def _dice(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def confidence_cap(kinds: Iterable[str], survey_respondents: Iterable[int]) -> float:
    """Return the highest confidence that the evidence behind an item allows: 0.5, 0.8 or 1.

    `kinds` are the kinds of the pieces of evidence, `survey_respondents` the size of each survey. Votes,
    opinions and hearsay of surveys give 0.5, what customers said 0.8, what was measured 1.
    """
    told = set(kinds)
    is_surveyed = any(respondents >= ENOUGH_RESPONDENTS for respondents in survey_respondents)
    if is_surveyed or told & QUANTITATIVE_KINDS:
        return CAP_OF_QUANTITATIVE
    return CAP_OF_QUALITATIVE if told & QUALITATIVE_KINDS else CAP_OF_OPINION


def capped_confidence(declared: float | None, cap: float) -> float | None:
    """Return the person's confidence, at most the cap; None when the person gave none."""
    return None if declared is None else min(declared, cap)


def expected_value(
    *,
    reach: float | None,
    eligible: int | None,
    evidence_customers: int | None,
    impact: float | None,
    confidence: float | None,
    confidence_cap: float,
    effort: float | None,
) -> Expected:
    """Return reach x impact x confidence / effort (RICE), or the list of what is missing.

    `reach` is the person's estimate; without it the measured eligible users count, else the distinct
    customers with evidence. `confidence` is the declared one, 0..1; `effort` is in person-months.
    """
    people, reach_from = _reach_and_origin(reach, eligible, evidence_customers)
    sure = capped_confidence(confidence, confidence_cap)
    value = None
    if people is not None and impact is not None and sure is not None and effort is not None and effort > 0:
        value = people * impact * sure / effort
    known = {
        "reach": people is not None,
        "impact": impact is not None,
        "confidence": sure is not None,
        "effort": effort is not None and effort > 0,
    }
    return Expected(
        value=value,
        reach=people,
        reach_from=reach_from,
        impact=impact,
        confidence=sure,
        declared_confidence=confidence,
        confidence_cap=confidence_cap,
        effort=effort,
        missing=tuple(name for name, is_known in known.items() if not is_known),
    )


def _reach_and_origin(
    reach: float | None, eligible: int | None, evidence_customers: int | None
) -> tuple[float | None, str | None]:
    if reach is not None:
        return float(reach), "person"
    if eligible is not None:
        return float(eligible), "eligible"
    if evidence_customers:
        return float(evidence_customers), "customers"
    return None, None


def _latest_by_customer(voices: Iterable[Voice]) -> list[Voice]:
    """Return the newest voice of each customer."""
    latest: dict[str | int, Voice] = {}
    for voice in voices:
        if voice.customer is None:
            continue
        held = latest.get(voice.customer)
        if held is None or _recency(voice) > _recency(held):
            latest[voice.customer] = voice
    return list(latest.values())


def _recency(voice: Voice) -> tuple[date, str, int, float]:
    """Order voices by day, a missing one oldest, then external id.

    Two problems may hold evidence of the same day and id; the higher importance then wins, so that the order
    in which voices come never matters.
    """
    return (voice.observed_on or date.min, voice.external_id, voice.importance, voice.mrr or 0.0)
