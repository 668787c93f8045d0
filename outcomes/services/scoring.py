"""Scoring models: written as drafts, looked at before they are switched on, never changed once they were used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from outcomes.formulas.scoring_models import merged, weights_from, what_is_wrong
from outcomes.models import ScoringModel
from outcomes.pipeline.marks import mark_every_item
from outcomes.pipeline.quiet import begin_quiet_run
from outcomes.pipeline.scoring_model import active_model
from outcomes.services.previews import MOST_SHOWN, POINTS, Preview, preview
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, beneath, refuse_if_any
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit

NOTE_LENGTH = 500


def active_scoring_model(*, workspace: Workspace) -> ScoringModel | None:
    """The model new values are computed with; None when the workspace has none of its own yet."""
    return ScoringModel.objects.in_workspace(workspace.id).filter(is_active=True).first()


def scoring_model(*, workspace: Workspace, version: int) -> ScoringModel | None:
    """The model a stored value names; None when the workspace never had that version."""
    return ScoringModel.objects.in_workspace(workspace.id).filter(version=version).first()


@transaction.atomic
def create_model(
    *, workspace: Workspace, by: Actor, weights: Mapping[str, Any] | None = None, note: str = ""
) -> ScoringModel:
    """Write a draft: the model in force with these numbers changed. Raises Refused."""
    active = active_model(workspace)
    numbers = merged(active.weights, weights or {})
    refuse_if_any(_complaints(numbers, note))
    # Whoever writes another draft at the same time waits here, so that both get a number.
    ScoringModel.objects.select_for_update().get(pk=active.pk)
    models = ScoringModel.objects.in_workspace(workspace.id)
    newest = models.aggregate(newest=Max("version"))["newest"]
    return ScoringModel.objects.create(workspace=workspace, version=newest + 1, weights=numbers, note=note)


@transaction.atomic
def edit_model(
    *, workspace: Workspace, by: Actor, model_id: int, revision: int | None, changes: Mapping[str, Any]
) -> ScoringModel:
    """Change a draft. Raises Refused, StaleEdit, NotHere, and ImpossibleMove for a model that was used."""
    models = ScoringModel.objects.in_workspace(workspace.id)
    held = models.select_for_update().filter(pk=model_id).first()
    if held is None:
        raise NotHere
    if revision is not None and held.revision != revision:
        raise StaleEdit
    numbers = merged(held.weights, changes.get("weights") or {})
    note = changes.get("note", held.note)
    if (numbers, note) == (held.weights, held.note):
        return held
    if held.is_used:
        raise ImpossibleMove(
            f"Version {held.version} was used: history refers to it. Make a new version instead."
        )
    refuse_if_any(_complaints(numbers, note))
    models.filter(pk=model_id).update(weights=numbers, note=note, revision=F("revision") + 1)
    held.refresh_from_db()
    return held


@transaction.atomic
def remove_model(*, workspace: Workspace, by: Actor, model_id: int, revision: int | None) -> None:
    """Remove a draft. Raises StaleEdit, NotHere, and ImpossibleMove for a model that was used."""
    models = ScoringModel.objects.in_workspace(workspace.id)
    held = models.select_for_update().filter(pk=model_id).first()
    if held is None:
        raise NotHere
    if revision is not None and held.revision != revision:
        raise StaleEdit
    if held.is_used:
        raise ImpossibleMove(f"Version {held.version} was used: history refers to it.")
    held.delete()


def preview_model(
    *, workspace: Workspace, model_id: int, points: float = POINTS, limit: int = MOST_SHOWN
) -> Preview:
    """What would change if this model were switched on; writes nothing. Raises NotHere."""
    model = ScoringModel.objects.in_workspace(workspace.id).filter(pk=model_id).first()
    if model is None:
        raise NotHere
    return preview(workspace, weights_from(model.weights), points=points, limit=limit)


@transaction.atomic
def activate_model(*, workspace: Workspace, by: Actor, model_id: int, revision: int | None) -> ScoringModel:
    """Switch to this model: everything is valued again, and what that changes is told in one piece.

    History keeps the values of the model before; switching back to it is the undo. Raises StaleEdit, NotHere.
    """
    former = active_model(workspace)
    # All of them, in one order: of two switches at once the second sees what the first did.
    models = {
        model.pk: model
        for model in ScoringModel.objects.in_workspace(workspace.id).order_by("id").select_for_update()
    }
    model = models.get(model_id)
    if model is None:
        raise NotHere
    if revision is not None and model.revision != revision:
        raise StaleEdit
    if model.is_active:
        return model
    former = next(one for one in models.values() if one.is_active)
    changed = preview(workspace, weights_from(model.weights), limit=0)
    summary = {**changed.totals(), "from_version": former.version, "by": by.name, "via": by.via}
    ScoringModel.objects.filter(pk=former.pk).update(is_active=False)
    ScoringModel.objects.filter(pk=model.pk).update(
        is_active=True, activated_at=timezone.now(), switched=summary
    )
    target = weights_from(model.weights).target_adoption
    # The workspace shows the target of the model in force: one number, not two.
    Workspace.objects.filter(pk=workspace.pk).update(target_adoption=target)
    cause = {
        "kind": "model",
        "version": model.version,
        "from_version": former.version,
        "by": by.name,
        "via": by.via,
    }
    mark_every_item(workspace.pk, cause=cause)
    begin_quiet_run(workspace.pk, "scoring_model", cause)
    model.refresh_from_db()
    return model


def follow_target(*, workspace: Workspace, by: Actor) -> None:
    """The workspace's target share was edited: a model with it is written and switched on."""
    if weights_from(active_model(workspace).weights).target_adoption == workspace.target_adoption:
        return
    changed = {"target_adoption": workspace.target_adoption}
    model = create_model(workspace=workspace, by=by, weights=changed, note="The workspace's target share.")
    activate_model(workspace=workspace, by=by, model_id=model.pk, revision=None)


def _complaints(numbers: Mapping[str, Any], note: str) -> Iterator[Complaint]:
    yield from beneath("weights", what_is_wrong(numbers))
    if len(note) > NOTE_LENGTH:
        yield Complaint("note", "too_long", f"At most {NOTE_LENGTH} characters.")
