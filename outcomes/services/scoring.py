"""Look up the scoring models a workspace's values are computed with."""

from __future__ import annotations

from outcomes.models import ScoringModel
from productops.workspaces.models import Workspace


def active_scoring_model(*, workspace: Workspace) -> ScoringModel | None:
    """The model new values are computed with; None when the workspace has none of its own yet."""
    return ScoringModel.objects.in_workspace(workspace.id).filter(is_active=True).first()


def scoring_model(*, workspace: Workspace, version: int) -> ScoringModel | None:
    """The model a stored value names; None when the workspace never had that version."""
    return ScoringModel.objects.in_workspace(workspace.id).filter(version=version).first()
