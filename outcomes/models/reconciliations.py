from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from productops.workspaces.models import WorkspaceOwned

# In this order: what is computed from facts first, then what is computed from that.
STAGES = ("metrics", "usage", "problems", "audiences", "effects", "items", "sources", "done")


class Reconciliation(WorkspaceOwned):
    """One pass over a workspace: everything computed again from facts and held against what is stored.

    The row is the queue: `stage` and `after` say how far it has come, so that any worker goes on with it.
    """

    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=10, choices=[(s, s) for s in STAGES], default=STAGES[0])
    after = models.BigIntegerField(default=0)
    checked = models.PositiveIntegerField(default=0, help_text="Items whose value was computed again.")
    waiting = models.PositiveIntegerField(
        default=0, help_text="Items left alone: a change of theirs is being read."
    )
    drifted = models.PositiveIntegerField(
        default=0, help_text="What was not as the facts say. Zero, unless we erred."
    )
    # [{"kind", "id", "key", "name", "stored", "computed"}], the first of them; all are mended.
    drift = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=STAGES), name="reconciliation_stage_is_known"),
            models.CheckConstraint(
                condition=Q(stage="done", finished_at__isnull=False)
                | (~Q(stage="done") & Q(finished_at=None)),
                name="a_finished_reconciliation_is_done",
            ),
            models.UniqueConstraint(
                fields=["workspace"], condition=~Q(stage="done"), name="one_reconciliation_under_way"
            ),
        ]
        indexes = [
            # Read to see whether tonight's was made, and by the list.
            models.Index(F("workspace"), F("started_at").desc(), name="reconciliation_newest"),
        ]
