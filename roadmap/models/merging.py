from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from productops.workspaces.models import WorkspaceOwned
from roadmap.models.problems import Problem


class ProblemMerge(WorkspaceOwned):
    """One problem turned out to be another: what moved over, so that it can be taken back."""

    problem = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="merges")
    into = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="merged")
    # {"evidence": [id], "surveys": [id], "children": [id], "links": [[id of the item, weight]],
    #  "parents": {id: id of the parent before}}
    moved = models.JSONField(default=dict)
    merged_at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["problem"], condition=Q(undone_at__isnull=True), name="one_standing_merge_per_problem"
            ),
            models.CheckConstraint(condition=~Q(problem=F("into")), name="a_problem_merges_into_another"),
        ]


class EvidenceRoute(WorkspaceOwned):
    """Where evidence belongs that sources go on stating for a problem which a person moved it from.

    A blank external id routes all evidence of a problem that was merged. Without it every repetition by its
    source would count the same voice for two problems.
    """

    problem = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="routes")
    external_id = models.CharField(max_length=200, blank=True)
    into = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="routed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "external_id"], name="one_route_per_evidence"),
            models.CheckConstraint(condition=~Q(problem=F("into")), name="evidence_is_routed_elsewhere"),
        ]
