"""The scoring model in force: which one a workspace's values are computed with."""

from __future__ import annotations

from django.db.models import Max

from outcomes.formulas.realised import ScoringWeights
from outcomes.formulas.scoring_models import default_numbers, weights_from
from outcomes.models import ScoringModel
from productops.workspaces.models import Workspace


def active_model(workspace: Workspace) -> ScoringModel:
    """Return the workspace's scoring model, making one with the published weights when there is none."""
    model = ScoringModel.objects.filter(workspace=workspace, is_active=True).first()
    if model is not None:
        return model
    numbers = {**default_numbers(), "target_adoption": workspace.target_adoption}
    newest = ScoringModel.objects.filter(workspace=workspace).aggregate(newest=Max("version"))["newest"]
    # Two workers may meet here; the second finds what the first made.
    ScoringModel.objects.bulk_create(
        [ScoringModel(workspace=workspace, version=(newest or 0) + 1, weights=numbers, is_active=True)],
        ignore_conflicts=True,
    )
    return ScoringModel.objects.get(workspace=workspace, is_active=True)


def weights_of(model: ScoringModel) -> ScoringWeights:
    return weights_from(model.weights)
