"""What an administrator can do with a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.bounds import problems_with_pin
from productops.workspaces.complaints import Complaint, refuse_if_any
from productops.workspaces.models import Workspace
from productops.workspaces.signals import workspace_changed, workspace_created
from productops.workspaces.thresholds import problems_with_thresholds
from productops.workspaces.versions import changed_fields, guarded_update

THRESHOLDS = (
    "grace_days",
    "window_days",
    "under_used_below",
    "target_adoption",
    "flag_open_days",
    "flag_resolve_days",
)
EDITABLE = ("name", "time_zone", "pinned_on", *THRESHOLDS)


@transaction.atomic
def create_workspace(*, key: str, name: str, by: Actor, **settings: Any) -> Workspace:
    """Make a workspace; `settings` are fields of EDITABLE and `is_generated`. Raises Refused."""
    workspace = Workspace(key=key, name=name, **settings)
    _refuse_bad_workspace(workspace, is_pinned_anew=True)
    workspace.save(force_insert=True)
    workspace_created.send(Workspace, workspace_id=workspace.pk, cause=_cause(by))
    return workspace


@transaction.atomic
def edit_workspace(
    *, workspace: Workspace, by: Actor, version: int | None, changes: Mapping[str, Any]
) -> Workspace:
    """Change a workspace's name, zone, pin or thresholds. Raises Refused and StaleEdit."""
    held = Workspace.objects.get(pk=workspace.pk)
    wanted = changed_fields(held, {name: changes[name] for name in EDITABLE if name in changes})
    before = {name: getattr(held, name) for name in wanted}
    for name, value in wanted.items():
        setattr(held, name, value)
    _refuse_bad_workspace(held, is_pinned_anew="pinned_on" in wanted)
    guarded_update(Workspace.objects.all(), workspace.pk, version, wanted)
    if wanted:
        workspace_changed.send(
            Workspace, workspace_id=workspace.pk, changed=sorted(wanted), before=before, cause=_cause(by)
        )
    return Workspace.objects.get(pk=workspace.pk)


def _refuse_bad_workspace(workspace: Workspace, *, is_pinned_anew: bool) -> None:
    """The rules of pins and thresholds, and Django's own checks of fields, uniqueness and constraints."""
    complaints = problems_with_thresholds(**{name: getattr(workspace, name) for name in THRESHOLDS})
    if is_pinned_anew and workspace.time_zone in available_timezones():
        complaints += problems_with_pin(workspace.pinned_on, workspace.day_by_the_clock())
    said = {complaint.field for complaint in complaints}
    try:
        # A constraint speaks of the whole row: once a threshold is known to be wrong it has nothing to add.
        workspace.full_clean(exclude=said, validate_constraints=not said)
    except ValidationError as error:
        complaints += [
            Complaint(
                "" if field == "__all__" else field, problem.code or "invalid", " ".join(problem.messages)
            )
            for field, problems in error.error_dict.items()
            for problem in problems
        ]
    refuse_if_any(complaints)


def _cause(by: Actor) -> dict[str, str]:
    return {"kind": "edit", "by": by.name, "via": by.via}
