"""An effect as a person reads it: a sentence, what weakens it, and a drawing with its numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.admin.effect_chart import EffectChart, chart_of
from outcomes.models import Effect
from outcomes.models.effects import LABELS
from productops.workspaces.admin.owned import url_of
from roadmap.admin.numbers import percent, words
from roadmap.models import Item


@dataclass(frozen=True, slots=True)
class EffectPanel:
    """What a panel shows of one effect."""

    id: int
    url: str
    metric: str
    unit: str
    design: str
    label: str
    verdict: str
    decided_on: date | None
    estimate: float
    low: float
    high: float
    relative: float | None
    sure: str
    sizes: str
    caveats: list[str]
    chart: EffectChart | None
    points: list[dict[str, Any]]


def panels_of(item: Item) -> list[EffectPanel]:
    """Return the effects on an item's outcomes, the strongest design of each outcome first."""
    effects = Effect.objects.in_workspace(item.workspace_id).filter(outcome__item=item)
    shown = effects.select_related("outcome__metric").order_by("outcome__role", "outcome_id", "-design")
    return [panel_of(effect) for effect in shown]


def panel_of(effect: Effect) -> EffectPanel:
    metric, points = effect.outcome.metric, effect.points()
    counted = "people" if effect.design == "experiment" else "periods"
    return EffectPanel(
        id=effect.pk,
        url=url_of(effect),
        metric=metric.name if effect.outcome.series is None else f"{metric.name} ({effect.outcome.series})",
        unit=metric.unit,
        design=effect.design,
        label=LABELS[effect.design],
        verdict=effect.verdict or "void",
        decided_on=effect.decided_on,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        relative=effect.relative,
        sure=percent(effect.confidence),
        sizes=f"{effect.n_before} {counted} against {effect.n_after}",
        caveats=[caveat_in_words(caveat) for caveat in effect.caveats],
        chart=chart_of(points),
        points=points,
    )


def caveat_in_words(caveat: Mapping[str, Any]) -> str:
    """Return what weakens an effect as a sentence."""
    told = {
        "overlap": "{item} was released on {on} and was to move the same metric.",
        "control_touched": "{item} was released on {on} and was to move one of its controls.",
        "control_moved": "Its control {metric} moved at the release, too: it may have been touched.",
        "controls_not_usable": "Its controls have too little data to compare with.",
        "gaps": "Only part of its periods was reported.",
        "sample_ratio_mismatch": "People were not split as intended: whatever moved them may be what was measured.",
        "too_few": "Too few people for a verdict.",
        "per_person": "Told per person: its metric adds up, and nothing says from which baseline.",
        "no_noise": "Its values do not vary, so that nothing says how sure this is.",
    }
    sentence = told.get(str(caveat.get("code")))
    if sentence is None:
        return str(caveat.get("detail") or words(str(caveat.get("code"))))
    return sentence.format(**{"item": "Another item", "on": "a day", "metric": "", **caveat})
