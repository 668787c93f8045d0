"""Every term of a value with its inputs, where each came from and how old it is, and what is missing by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.formulas.realised import Realised, ScoringWeights
from outcomes.formulas.valuing import ValueInputs, target_adoption_of
from outcomes.formulas.verdicts import Judgement
from outcomes.pipeline.expectation import frozen_at_release
from outcomes.pipeline.judge import Judged
from outcomes.pipeline.levels import Standing
from roadmap.formulas import Expected
from roadmap.models import Item
from roadmap.standing import Credit


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is told about one item's value on one day."""

    item: Item
    judged: Judged
    judgement: Judgement
    standings: Sequence[Standing]
    inputs: ValueInputs
    value: Realised
    expected: Expected
    credit: Credit
    model_version: int
    weights: ScoringWeights
    today: date


def explanation_of(whole: Whole) -> dict[str, Any]:
    """Return the explanation; `inputs_from` of the formulas reads the inputs of the value back from it."""
    value, credit = whole.value, whole.credit
    return {
        "as_of": whole.today,
        "is_released": whole.inputs.is_released,
        "expected": _expected(whole),
        "outcome": {"term": value.outcome, "weight": value.outcome_weight},
        "outcomes": [reading.as_json() for reading in whole.standings],
        "adoption": _adoption(whole),
        "retention": {
            "term": value.retention,
            "weight": whole.weights.retention,
            "previous": whole.inputs.previous,
            "still": whole.inputs.still,
            "target": whole.weights.target_retention,
        },
        "credit": {
            "demand": credit.demand,
            "revenue_at_stake": credit.revenue_at_stake,
            "opportunity": credit.opportunity,
        },
        "coverage": value.coverage,
        "multiplier": value.multiplier,
        "is_any_effect_worse": whole.inputs.is_any_effect_worse,
        "model_version": whole.model_version,
    }


def missing_of(whole: Whole) -> list[str]:
    """What is not known, by name: inputs of the expectation, then terms of the value, then guardrails."""
    missing = list(whole.expected.missing)
    item, value = whole.item, whole.value
    if item.released_on is None or item.status not in ("released", "sunset"):
        return missing
    if value.outcome is None:
        missing.append("outcome")
    if item.usage_policy == "normal":
        terms = (("adoption", value.adoption), ("retention", value.retention))
        missing += [name for name, term in terms if term is None]
    missing += [
        f"guardrail:{one.outcome.metric.key}"
        for one in whole.standings
        if one.outcome.role == "guardrail" and one.current is None and one.effect is None
    ]
    return missing


def usage_evidence(one: Judged, judgement: Judgement, today: date) -> dict[str, Any]:
    """What else a verdict rests on."""
    facts = one.facts
    usage = facts.on(today)
    return {
        "kind": usage.kind if usage.has_usage_ever else None,
        "expected_periods": usage.expected,
        "covered_periods": usage.covered,
        "is_silent": usage.is_silent,
        "ratio_to_window_before": judgement.ratio,
        "first_used_on": _text(facts.first_used_on),
        "first_active_on": _text(facts.first_active_on),
        "newest_on": _text(facts.newest_on(today)),
        "under_used_below": facts.thresholds.under_used_below,
        "grace_days": facts.thresholds.grace_days,
    }


def _expected(whole: Whole) -> dict[str, Any]:
    expected = whole.expected
    return {
        "value": expected.value,
        "reach": expected.reach,
        "reach_from": expected.reach_from,
        "impact": expected.impact,
        "confidence": expected.confidence,
        "declared_confidence": expected.declared_confidence,
        "confidence_cap": expected.confidence_cap,
        "effort": expected.effort,
        "missing": expected.missing,
        "frozen_on": frozen_at_release(whole.item, whole.today),
    }


def _adoption(whole: Whole) -> dict[str, Any]:
    judgement, inputs = whole.judgement, whole.inputs
    newest_on = whole.judged.facts.newest_on(whole.today)
    return {
        "term": whole.value.adoption,
        "weight": whole.weights.adoption,
        "active": judgement.active,
        "eligible": judgement.eligible,
        "eligible_from": judgement.eligible_from,
        "share": judgement.share,
        "low": judgement.low,
        "high": judgement.high,
        "is_bare_share": inputs.is_bare_share,
        "is_counted": inputs.is_counted,
        "target": target_adoption_of(inputs, whole.weights),
        "own_target": inputs.own_target_adoption,
        "window_days": whole.judged.facts.thresholds.window_days,
        "newest_on": newest_on,
        "age_days": (whole.today - newest_on).days if newest_on else None,
    }


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
