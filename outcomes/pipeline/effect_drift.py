"""Stored effects held against what the facts say now: another check of the nightly comparison. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from outcomes.models import Effect, Experiment, Mark, Outcome
from outcomes.models.marks import WorkspaceClock
from outcomes.pipeline.drift import Cause, Checked, Drift
from outcomes.pipeline.effects import SERIES_DESIGNS, asked_of, differences, estimate_effects
from outcomes.pipeline.marks import Marks
from outcomes.pipeline.trial_effects import effects_of_items
from productops.workspaces.models import Workspace

BATCH = 40


def check_effects(workspace: Workspace, after: int, cause: Cause) -> Checked:
    """The effects on some outcomes: from their series, and of the experiments on their items."""
    found = Checked(Marks(workspace.pk))
    rows = Outcome.objects.filter(workspace=workspace, pk__gt=after).select_related("metric", "item")
    outcomes = list(rows.order_by("pk")[:BATCH])
    found.after = outcomes[-1].pk if len(outcomes) == BATCH else None
    settled = _settled(workspace, outcomes)
    stored = _stored(settled)
    computed = estimate_effects(workspace, dict.fromkeys(settled, cause)).effects
    shown = _shown(workspace, settled)
    for pk, outcome in settled.items():
        drift = [*_told(outcome, stored.get((pk, True)), computed[pk])]
        if drift:
            found.mend.add("effect", pk, cause=cause)
        if shown is not None:
            of_trials = [*_told(outcome, stored.get((pk, False)), shown.get(pk))]
            for id_ in _experiments(outcome) if of_trials else []:
                found.mend.add("experiment", id_, cause=cause)
            drift += of_trials
        found.drift += drift
    return found


def _settled(workspace: Workspace, outcomes: list[Outcome]) -> dict[int, Outcome]:
    """The outcomes whose effects should stand as computed: nothing that enters them is marked, the day has turned."""
    clock = WorkspaceClock.objects.filter(workspace=workspace).first()
    if clock is not None and clock.judged_on != workspace.today():
        return {}
    marks = Mark.objects.filter(workspace=workspace)
    if marks.filter(kind="source").exists():
        return {}
    marked = set(marks.filter(kind="effect").values_list("subject_id", flat=True))
    moving = set(marks.filter(kind="metric_day").values_list("subject_id", flat=True))
    read = {asked.outcome.pk: asked.metric_ids for asked in asked_of(workspace, outcomes)}
    return {
        outcome.pk: outcome
        for outcome in outcomes
        if outcome.pk not in marked and not (read.get(outcome.pk, {outcome.metric_id}) & moving)
    }


def _stored(settled: dict[int, Outcome]) -> dict[tuple[int, bool], list[Effect]]:
    """By outcome, and whether they come from its series: there is one of each at most."""
    held: dict[tuple[int, bool], list[Effect]] = {}
    for row in Effect.objects.filter(outcome_id__in=settled).defer("chart").order_by("id"):
        held.setdefault((row.outcome_id, row.design in SERIES_DESIGNS), []).append(row)
    return held


def _shown(workspace: Workspace, settled: dict[int, Outcome]) -> dict[int, Effect] | None:
    """What experiments show of these outcomes; None while any of it waits to be read."""
    if Mark.objects.filter(workspace=workspace, kind="experiment").exists():
        return None
    items = {outcome.item_id: outcome.item for outcome in settled.values()}
    tried = set(Experiment.objects.filter(item_id__in=items).values_list("item_id", flat=True))
    return effects_of_items(workspace, {pk: item for pk, item in items.items() if pk in tried})


def _experiments(outcome: Outcome) -> list[int]:
    return list(
        Experiment.objects.filter(item_id=outcome.item_id).order_by("id").values_list("id", flat=True)
    )


def _told(outcome: Outcome, stored: list[Effect] | None, computed: Effect | None) -> Iterator[Drift]:
    key = f"{outcome.item.key} {outcome.metric.key}"
    for name, held, now in differences(stored or [], computed):
        yield Drift("effect", outcome.pk, key, name, _plain(held), _plain(now))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
