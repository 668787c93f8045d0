"""What an item's page shows above its form: what it is worth and why, who uses it, what wants doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from outcomes.admin.causes import cause_in_words
from outcomes.admin.effect_panels import panels_of
from outcomes.admin.evidence_words import evidence_of
from outcomes.admin.explanation import (
    expected_inputs,
    frozen_on,
    missing_in_words,
    readings_of,
    terms_of,
    usage_inputs,
)
from outcomes.admin.in_short import exempt_in_words, outcomes_in_words, usage_in_words
from outcomes.admin.supposing import supposing
from outcomes.models import Effect, Experiment, Flag, ItemUsage, ItemValue, Outcome, ValueRecord
from outcomes.services.experiment_results import Outline, outlines_of
from productops.workspaces.admin.owned import list_url, url_of
from roadmap.admin.numbers import words
from roadmap.models import Item, Link

_HISTORY = 10
_SETTLED = 5
_IN_LEAD = 3
_STANDING = ("open", "acknowledged", "snoozed")


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """An outcome with what was last read of it."""

    outcome: Outcome
    metric_url: str
    baseline: float | None
    baseline_from: str
    current: float | None
    attainment: float | None
    pace: float | None
    grade: str
    missing: str


def item_card(item: Item, said: Mapping[str, str]) -> dict[str, Any]:
    """Return the panel's contents; a constant number of queries, however much hangs on the item.

    `said` is what the address supposes of the item's inputs."""
    value = getattr(item, "value", None) or ItemValue(item=item)
    usage = getattr(item, "usage", None) or ItemUsage(item=item)
    flags, outcomes = list(_flags(item)), _outcomes(item, value)
    return {
        "value": value,
        "usage": usage,
        "lead": _lead(item, usage, outcomes),
        "missing": missing_in_words(value.missing),
        "expected_inputs": expected_inputs(value),
        "frozen_on": frozen_on(value),
        "terms": terms_of(value),
        "multiplier": value.explanation.get("multiplier"),
        "usage_inputs": usage_inputs(usage),
        "flags": [(flag, url_of(flag), evidence_of(flag)) for flag in flags if flag.state in _STANDING],
        "settled_flags": [(flag, url_of(flag)) for flag in flags if flag.state not in _STANDING][:_SETTLED],
        "flags_url": list_url(Flag, f"item__id__exact={item.pk}&state=any"),
        "outcomes": outcomes,
        "supposing": supposing(item, usage, [(row.outcome, row.current) for row in outcomes], said),
        "effects": panels_of(item),
        "effects_url": list_url(Effect, f"outcome__item__id__exact={item.pk}"),
        "experiments": _experiments(item),
        "add_experiment_url": f"{list_url(Experiment)}add/?item={item.pk}",
        "problems": [(link.problem, url_of(link.problem), link.weight) for link in _links(item)],
        "history": [(record, cause_in_words(record.cause)) for record in _history(item)],
        "history_url": list_url(ValueRecord, f"item__id__exact={item.pk}"),
    }


def _lead(item: Item, usage: ItemUsage, outcomes: Sequence[OutcomeRow]) -> list[str]:
    """What to know before any table: who uses it, and how far each outcome got."""
    told = [(row.outcome.metric.name, row.attainment, row.grade) for row in outcomes[:_IN_LEAD]]
    used = f"{exempt_in_words(item)}." if usage.verdict == "exempt" else usage_in_words(usage)
    return [said for said in (f"{used[:1].upper()}{used[1:]}", *outcomes_in_words(told)) if said]


def _flags(item: Item) -> QuerySet[Flag]:
    flags = Flag.objects.in_workspace(item.workspace_id).filter(item=item)
    return flags.select_related("item", "source", "outcome__metric").order_by("-opened_on", "-id")[:50]


def _experiments(item: Item) -> list[tuple[Experiment, str, Outline]]:
    """An item's experiments with their address and how they stand, the newest first."""
    held = Experiment.objects.in_workspace(item.workspace_id).filter(item=item, archived_at=None)
    newest = list(held.select_related("item", "metric").order_by("-created_at", "-id")[:20])
    outlines = outlines_of(newest, item.workspace.today())
    return [(one, url_of(one), outline) for one, outline in zip(newest, outlines, strict=True)]


def _links(item: Item) -> QuerySet[Link]:
    links = Link.objects.in_workspace(item.workspace_id).filter(item=item)
    return links.select_related("problem").order_by("-weight", "id")


def _history(item: Item) -> QuerySet[ValueRecord]:
    records = ValueRecord.objects.in_workspace(item.workspace_id).filter(item=item)
    return records.defer("explanation").order_by("-as_of", "-id")[:_HISTORY]


def _outcomes(item: Item, value: ItemValue) -> list[OutcomeRow]:
    readings = {reading.get("id"): reading for reading in readings_of(value)}
    outcomes = Outcome.objects.in_workspace(item.workspace_id).filter(item=item).select_related("metric")
    rows = []
    for outcome in outcomes.order_by("role", "id"):
        reading = readings.get(outcome.pk, {"missing": ["not_read_yet"]})
        typed = outcome.baseline is not None
        rows.append(
            OutcomeRow(
                outcome=outcome,
                metric_url=url_of(outcome.metric),
                baseline=outcome.baseline if typed else reading.get("baseline"),
                baseline_from="typed" if typed else words(reading.get("baseline_from")),
                current=reading.get("current"),
                attainment=reading.get("attainment"),
                pace=reading.get("pace"),
                grade=words(reading.get("grade")),
                missing=", ".join(missing_in_words(reading.get("missing") or [])),
            )
        )
    return rows
