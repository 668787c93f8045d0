from __future__ import annotations

from django.db import models
from django.db.models import Q

from productops.workspaces.models import WorkspaceOwned

QUIET_KINDS = ("first_run", "thresholds", "scoring_model", "rules")


class QuietRun(WorkspaceOwned):
    """A time in which everything of a workspace is judged anew, so that what changes is told once, as a digest.

    Begun by the first judgement of a workspace and by every change of its thresholds, rules or scoring model;
    over when all that was out of date by then has been put right.
    """

    kind = models.CharField(max_length=14, choices=[(k, k) for k in QUIET_KINDS])
    cause = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    # Marks left up to this instant are waited for; what they mark in turn is waited for after them.
    through_at = models.DateTimeField()
    drains = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    # {"opened": {reason: flags}, "resolved": {reason: flags}}, counted when it ended.
    counts = models.JSONField(default=dict)
    # Whether the digest is sent: not when nothing changed, nor after two that nobody answered.
    is_announced = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=QUIET_KINDS), name="quiet_run_kind_is_known"),
            # Also read to find the runs that may be over.
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(ended_at__isnull=True), name="one_quiet_run_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(kind="first_run"), name="one_first_run_per_workspace"
            ),
        ]
        indexes = [
            # Read by the list of digests.
            models.Index(fields=["workspace", "-started_at"], name="quiet_run_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.started_at:%Y-%m-%d}"
