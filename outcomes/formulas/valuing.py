"""From everything that is known of an item to its value, under one scoring model.

What is known is kept apart from what it is worth, so that the same facts can be valued under another model (a
preview), with another input (what if), or again under the model of their day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .realised import (
    OutcomeReading,
    Realised,
    ScoringWeights,
    adoption_term,
    adoption_term_from_share,
    realised_value,
    retention_term,
)


@dataclass(frozen=True, slots=True)
class GradedReading:
    """One outcome: its weight, the name of the design that showed it, and its attainment, None when unknown."""

    weight: float
    grade: str
    attainment: float | None
    is_guardrail: bool = False


@dataclass(frozen=True, slots=True)
class ValueInputs:
    """All that the realised value of an item on a day depends on, but for the scoring model.

    `is_released`: only then is there anything to realise. `is_counted`: its use counts, its sources are not
    silent. `share` is active / eligible (the lower bound for short snapshots), or a bare share, then
    `is_bare_share`. `previous` and `still` are people: active in the window before, and of them in this one.
    """

    is_released: bool = False
    readings: tuple[GradedReading, ...] = ()
    is_any_effect_worse: bool = False
    is_counted: bool = False
    share: float | None = None
    eligible: float | None = None
    is_bare_share: bool = False
    previous: float | None = None
    still: float | None = None
    own_target_adoption: float | None = None


def value_of(inputs: ValueInputs, weights: ScoringWeights) -> Realised:
    """Return the realised value of an item; before its release every term is unknown."""
    adoption = retention = None
    if inputs.is_released and inputs.is_counted:
        adoption = _adoption(inputs, weights)
        retention = retention_term(
            inputs.previous, inputs.still, target=weights.target_retention, minimum=weights.minimum_people
        )
    return realised_value(
        outcomes=[
            OutcomeReading(one.weight, weights.grades[one.grade], one.attainment, one.is_guardrail)
            for one in (inputs.readings if inputs.is_released else ())
        ],
        adoption=adoption,
        retention=retention,
        is_any_effect_worse=inputs.is_released and inputs.is_any_effect_worse,
        weights=weights,
    )


def target_adoption_of(inputs: ValueInputs, weights: ScoringWeights) -> float:
    """The item's own target share, else the model's."""
    own = inputs.own_target_adoption
    return weights.target_adoption if own is None else own


def inputs_from(explanation: Mapping[str, Any]) -> ValueInputs:
    """Read the inputs back from a stored explanation; of an item that was never scored, nothing is known."""
    adoption, retention = explanation.get("adoption") or {}, explanation.get("retention") or {}
    return ValueInputs(
        is_released=bool(explanation.get("is_released")),
        readings=tuple(
            GradedReading(one["weight"], one["grade"], one["attainment"], one["role"] == "guardrail")
            for one in explanation.get("outcomes") or ()
        ),
        is_any_effect_worse=bool(explanation.get("is_any_effect_worse")),
        is_counted=bool(adoption.get("is_counted")),
        share=adoption.get("share"),
        eligible=adoption.get("eligible"),
        is_bare_share=bool(adoption.get("is_bare_share")),
        previous=retention.get("previous"),
        still=retention.get("still"),
        own_target_adoption=adoption.get("own_target"),
    )


def _adoption(inputs: ValueInputs, weights: ScoringWeights) -> float | None:
    target = target_adoption_of(inputs, weights)
    if inputs.is_bare_share:
        return adoption_term_from_share(inputs.share, target)
    if inputs.share is None or inputs.eligible is None:
        return None
    # The share is the lower bound of the reach where snapshots are shorter than the window.
    active = inputs.share * inputs.eligible
    return adoption_term(active, inputs.eligible, target, minimum=weights.minimum_people)
