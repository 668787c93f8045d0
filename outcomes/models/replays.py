from __future__ import annotations

from django.db import models
from django.db.models import Q

from outcomes.models.rules import Candidate
from outcomes.models.sources import Source
from productops.workspaces.models import WorkspaceOwned


class Replay(WorkspaceOwned):
    """A wish that a source's stored deliveries be read again, and how far that has come.

    The worker puts them back into the queue a few at a time, by id, whenever nothing newer waits.
    """

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="replays")
    # Only what spoke of this name, when it was accepted.
    candidate = models.ForeignKey(
        Candidate, models.CASCADE, null=True, editable=False, db_constraint=False, related_name="+"
    )
    asked_by = models.CharField(max_length=200, editable=False)
    asked_at = models.DateTimeField(auto_now_add=True)
    last_id = models.BigIntegerField(editable=False, help_text="The newest delivery that is meant.")
    reached_id = models.BigIntegerField(default=0, editable=False)
    # None until the worker has counted.
    total = models.PositiveIntegerField(null=True, editable=False)
    fed = models.PositiveIntegerField(default=0, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(fed__gte=0, reached_id__gte=0), name="replay_goes_forward"),
        ]
        indexes = [
            # Read by the worker whenever its queue is empty.
            models.Index(fields=["id"], condition=Q(finished_at=None), name="replay_unfinished"),
        ]

    def __str__(self) -> str:
        return f"Replay {self.pk}"
