"""What a person can do about a digest: say that it was seen."""

from __future__ import annotations

from django.db.models.functions import Now

from outcomes.models import QuietRun
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace


def answer_quiet_run(*, workspace: Workspace, by: Actor, quiet_run_id: int) -> None:
    """Note that somebody has seen the digest, so that the next one is sent again; the first to say so stays."""
    runs = QuietRun.objects.in_workspace(workspace.pk).filter(pk=quiet_run_id, answered_at=None)
    runs.update(answered_at=Now(), answered_by=by.name)
