from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F

from productops.workspaces.models.owned import WorkspaceOwned
from productops.workspaces.models.workspace import Workspace

ACTIONS = ("created", "edited", "archived", "restored", "removed")
VIAS = ("api", "admin", "import", "webhook", "clock")


class Change(WorkspaceOwned):
    """What was done to a row of the roadmap or of the outcomes: by whom, through which door, from what to what.

    Written by triggers alone (`productops.workspaces.schema.recorded`), so that no way of writing is left out.
    """

    # Redeclared: the indexes below begin with it.
    workspace = models.ForeignKey(Workspace, models.CASCADE, editable=False, related_name="+", db_index=False)
    # The transaction it was made in. Order of ids is not order of commits: this is what a feed reads by.
    position = models.BigIntegerField()
    at = models.DateTimeField()
    # The name of the model, in small letters.
    type = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    object_key = models.CharField(
        max_length=200, blank=True, help_text="Its key, if it has one, at the time."
    )
    action = models.CharField(max_length=10, choices=[(action, action) for action in ACTIONS])
    # Not a foreign key: a person who has left stays the one who did it.
    user_id = models.BigIntegerField(null=True)
    by = models.CharField(max_length=200, blank=True, help_text="The person's, key's or source's name.")
    via = models.CharField(max_length=10, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    # Of a created row its columns, of a removed one what they were, of an edited one {column: [from, to]}.
    values = models.JSONField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(action__in=ACTIONS), name="change_action_is_known"),
        ]
        indexes = [
            # Read by the feed.
            models.Index(F("workspace"), F("position"), F("id"), name="change_by_position"),
            # Read by the history of one object.
            models.Index(
                F("workspace"), F("type"), F("object_id"), F("position"), F("id"), name="change_by_object"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.object_id} {self.action}"

    def pairs(self) -> dict[str, tuple[Any, Any]]:
        """Column to (from, to)."""
        if self.action == "created":
            return {column: (None, value) for column, value in self.values.items()}
        if self.action == "removed":
            return {column: (value, None) for column, value in self.values.items()}
        return {column: (before, after) for column, (before, after) in self.values.items()}
