"""The causes and the marks that services leave: what is out of date, and by whose edit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from outcomes.models import Experiment, Outcome
from outcomes.pipeline.effect_marks import effects_around, mark_effects_of_metrics
from outcomes.pipeline.marks import mark
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace

# A first changed day beyond any: the verdicts of past days stand, only the day of judgement is done again.
_TODAY_ALONE = date.max


def edit_by(by: Actor) -> dict[str, str]:
    """The cause of a change that a person, a key or a file made."""
    return {"kind": "edit", "by": by.name, "via": by.via}


def mark_items(workspace: Workspace, item_ids: Iterable[int], by: Actor) -> None:
    """Have the values and flags of these items computed again; no fact about their use has changed."""
    ids = sorted(set(item_ids))
    if ids:
        mark("item", workspace.id, ids, from_on=_TODAY_ALONE, cause=edit_by(by))


def mark_effects(workspace: Workspace, item_ids: Iterable[int], by: Actor) -> None:
    """Have the effects estimated again that these items enter."""
    ids = effects_around(workspace.id, sorted(set(item_ids)))
    if ids:
        mark("effect", workspace.id, ids, cause=edit_by(by))


def mark_experiments(workspace: Workspace, experiment_ids: Iterable[int], by: Actor) -> None:
    """Have these experiments read again, and then their items."""
    ids = sorted(set(experiment_ids))
    if ids:
        mark("experiment", workspace.id, ids, cause=edit_by(by))


def mark_experiments_of_items(workspace: Workspace, item_ids: Iterable[int], by: Actor) -> None:
    """Have the experiments of these items read again: what they show is told of the items' outcomes."""
    held = Experiment.objects.in_workspace(workspace.id).filter(item_id__in=set(item_ids))
    mark_experiments(workspace, held.values_list("id", flat=True), by)


def mark_items_of_metric(workspace: Workspace, metric_id: int, by: Actor) -> None:
    """Have every item computed again that has an outcome on this metric."""
    on_metric = Outcome.objects.in_workspace(workspace.id).filter(metric_id=metric_id)
    item_ids = list(on_metric.values_list("item_id", flat=True))
    mark_effects_of_metrics(workspace.id, [metric_id], edit_by(by))
    mark_experiments_of_items(workspace, item_ids, by)
    mark_items(workspace, item_ids, by)


def mark_source(workspace: Workspace, source_id: int, by: Actor, *, is_calendar_changed: bool) -> None:
    """Have a source's flags computed again; with another calendar also all verdicts that rest on it."""
    from_on = None if is_calendar_changed else _TODAY_ALONE
    mark("source", workspace.id, [source_id], from_on=from_on, cause=edit_by(by))
