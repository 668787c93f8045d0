"""A value's stored explanation as rows a person reads: each term, its inputs, where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outcomes.models import ItemUsage, ItemValue, Outcome
from roadmap.admin.numbers import UNKNOWN, percent, short, words

REACH_FROM = {
    "person": "a person's estimate",
    "eligible": "measured eligible users",
    "customers": "distinct customers with evidence",
}
ELIGIBLE_FROM = {
    "snapshot": "the source's snapshots",
    "audience": "people seen in the product's events",
    "declared": "the product's declared number",
}
MISSING = {
    "reach": "how many it reaches",
    "impact": "how much it moves",
    "confidence": "how sure we are",
    "effort": "how much it costs",
    "outcome": "an outcome with a known attainment",
    "adoption": "a measured adoption",
    "retention": "a measured retention",
    "not_read_yet": "it has not been read yet",
    "not_released": "its item is not released",
    "already_met": "the target does not lie beyond the baseline",
    "not_finite": "the way to the target is too short to measure",
}


@dataclass(frozen=True, slots=True)
class Input:
    """One number a term rests on, and where it came from."""

    name: str
    value: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the value: its own value, its weight, and its inputs."""

    name: str
    value: str
    weight: str
    inputs: Sequence[Input]


def missing_in_words(names: Sequence[str]) -> list[str]:
    """Return what is missing, as people say it; a guardrail is named by its metric."""
    return [_missing(name) for name in names]


def expected_inputs(value: ItemValue) -> list[Input]:
    """Return the inputs of the expected value, unknown ones as a dash."""
    told = _part(value, "expected")
    confidence, declared, cap = (told.get(n) for n in ("confidence", "declared_confidence", "confidence_cap"))
    is_capped = declared is not None and confidence is not None and declared > confidence
    origin = f"{percent(declared)} said, capped by the evidence" if is_capped else ""
    if not origin and cap is not None:
        origin = f"the evidence allows up to {percent(cap)}"
    return [
        Input("Reach", short(told.get("reach")), REACH_FROM.get(told.get("reach_from") or "", "")),
        Input("Impact", short(told.get("impact"), 2)),
        Input("Confidence", percent(confidence), origin),
        Input("Effort", short(told.get("effort")), "person-months" if told.get("effort") else ""),
    ]


def frozen_on(value: ItemValue) -> str:
    """Return the day on which the expectation was frozen; blank while it still moves."""
    return _part(value, "expected").get("frozen_on") or ""


def terms_of(value: ItemValue) -> list[Term]:
    """Return the three terms of the realised value."""
    outcome, adoption, retention = (_part(value, name) for name in ("outcome", "adoption", "retention"))
    return [
        Term(
            "Outcome",
            _term(outcome, value.outcome_term),
            short(outcome.get("weight"), 2),
            [_reading_input(reading) for reading in readings_of(value)],
        ),
        Term(
            "Adoption",
            _term(adoption, value.adoption),
            short(adoption.get("weight"), 2),
            _adoption_inputs(adoption),
        ),
        Term(
            "Retention",
            _term(retention, value.retention),
            short(retention.get("weight"), 2),
            [
                Input("Active before", short(retention.get("previous"), 0), "the window before"),
                Input("of them active now", short(retention.get("still"), 0), "this window"),
                Input("Target", percent(retention.get("target")), "the scoring model"),
            ],
        ),
    ]


def readings_of(value: ItemValue) -> list[Mapping[str, Any]]:
    """Return what was read for each outcome when the value was last computed."""
    told = value.explanation.get("outcomes") or []
    return [reading for reading in told if isinstance(reading, dict)]


def reading_of(outcome: Outcome) -> Mapping[str, Any]:
    """Return what was read of an outcome when its item was last valued; empty if it has not been."""
    value = getattr(outcome.item, "value", None)
    readings = readings_of(value) if value else []
    return next((reading for reading in readings if reading.get("id") == outcome.pk), {})


def usage_inputs(usage: ItemUsage) -> list[Input]:
    """Return the numbers behind a verdict and its window."""
    told = usage.evidence
    rows = [
        Input(
            "Window", f"{usage.window_days} days" if usage.window_days else UNKNOWN, f"to {usage.judged_on}"
        ),
        Input("Active", short(usage.active, 0), words(told.get("kind")) if told.get("kind") else ""),
        Input("Eligible", short(usage.eligible, 0), _eligible_origin(usage.eligible_from)),
        Input("Share", percent(usage.share), _interval(usage.low, usage.high)),
        Input("Covered periods", _of(told.get("covered_periods"), told.get("expected_periods"))),
        Input("Newest data", told.get("newest_on") or UNKNOWN),
        Input("Under-used below", percent(told.get("under_used_below"))),
    ]
    if told.get("ratio_to_window_before") is not None:
        rows.append(Input("Against the window before", percent(told["ratio_to_window_before"])))
    return rows


def _adoption_inputs(told: Mapping[str, Any]) -> list[Input]:
    age = told.get("age_days")
    return [
        Input(
            "Active",
            short(told.get("active"), 0),
            "" if age is None else f"newest data {age} {'day' if age == 1 else 'days'} old",
        ),
        Input("Eligible", short(told.get("eligible"), 0), _eligible_origin(told.get("eligible_from"))),
        Input("Share", percent(told.get("share")), _interval(told.get("low"), told.get("high"))),
        Input("Target", percent(told.get("target")), "the item or the scoring model"),
    ]


def _reading_input(reading: Mapping[str, Any]) -> Input:
    origin = f"of the way to its target; grade {words(reading.get('grade'))}, weight {short(reading.get('weight'), 2)}"
    if reading.get("role") == "guardrail":
        origin = "a guardrail: it does not add to the value"
    return Input(str(reading.get("metric")), percent(reading.get("attainment")), origin)


def _missing(name: str) -> str:
    kind, _, metric = name.partition(":")
    return f"a reading of guardrail {metric}" if kind == "guardrail" else MISSING.get(name, words(name))


def _part(value: ItemValue, name: str) -> Mapping[str, Any]:
    part = value.explanation.get(name)
    return part if isinstance(part, dict) else {}


def _term(told: Mapping[str, Any], stored: float | None) -> str:
    return short(told.get("term", stored), 2)


def _eligible_origin(name: str | None) -> str:
    return ELIGIBLE_FROM.get(name or "", words(name) if name else "")


def _interval(low: float | None, high: float | None) -> str:
    return f"95% interval {percent(low)} to {percent(high)}" if low is not None and high is not None else ""


def _of(part: int | None, whole: int | None) -> str:
    return UNKNOWN if part is None or whole is None else f"{part} of {whole}"
