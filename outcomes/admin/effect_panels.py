"""An effect as a person reads it: a sentence, what weakens it, and a drawing with its numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.admin.effect_chart import EffectChart, chart_of
from outcomes.admin.effect_words import Places, caveat_in_words, placebos_in_words, places_of
from outcomes.models import Effect
from outcomes.models.effects import LABELS
from productops.workspaces.admin.owned import url_of
from roadmap.admin.numbers import percent
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
    placebos: list[str]
    chart: EffectChart | None
    points: list[dict[str, Any]]


def panels_of(item: Item) -> list[EffectPanel]:
    """Return the effects on an item's outcomes, the strongest design of each outcome first."""
    effects = Effect.objects.in_workspace(item.workspace_id).filter(outcome__item=item)
    shown = list(effects.select_related("outcome__metric").order_by("outcome__role", "outcome_id", "-design"))
    places = places_of(item.workspace_id, shown)
    return [panel_of(effect, places) for effect in shown]


def panel_of(effect: Effect, places: Places) -> EffectPanel:
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
        caveats=[caveat_in_words(caveat, places) for caveat in effect.caveats],
        placebos=placebos_in_words(effect.placebo),
        chart=chart_of(points),
        points=points,
    )
