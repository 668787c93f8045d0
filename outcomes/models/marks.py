from __future__ import annotations

from django.db import models
from django.db.models import Q

from productops.workspaces.models import Workspace, WorkspaceOwned

# In the order in which they are settled: a kind only ever marks kinds after it. Locks on marks are taken in this
# order, too.
MARK_KINDS = ("metric_day", "usage_day", "problem", "source", "audience", "effect", "experiment", "item")


class Mark(WorkspaceOwned):
    """Something derived is out of date. The row is the queue.

    `generation` rises with every further change, so that one which lands while a worker computes is not
    lost: a worker deletes the mark only at the generation it claimed.
    """

    kind = models.CharField(max_length=12, choices=[(k, k) for k in MARK_KINDS])
    subject_id = models.BigIntegerField()
    series = models.CharField(max_length=200, blank=True)
    # The day to recompute, for kinds that are about one day.
    on = models.DateField(null=True)
    # The earliest day that changed, for kinds that are about all days since.
    from_on = models.DateField(null=True)
    generation = models.BigIntegerField(default=1)
    cause = models.JSONField(default=dict)
    marked_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id", "series", "on"],
                nulls_distinct=False,
                name="one_mark_per_subject",
            ),
            models.CheckConstraint(condition=Q(kind__in=MARK_KINDS), name="mark_kind_is_known"),
        ]
        indexes = [
            # Read to see how long a kind has waited.
            models.Index(fields=["kind", "marked_at"], name="mark_oldest"),
            # Read to claim: the next workspace with marks of a kind, and its oldest.
            models.Index(fields=["kind", "workspace", "marked_at"], name="mark_turns"),
        ]


class WorkspaceClock(models.Model):
    """The last day on which a workspace was judged as a whole."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="clock")
    judged_on = models.DateField()
    moved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.workspace}: {self.judged_on}"
