"""What every row of a workspace has."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from productops.workspaces.models.workspace import Workspace
from productops.workspaces.querysets import WorkspaceManager


class WorkspaceOwned(models.Model):
    """A row of one workspace.

    Foreign keys between owned rows carry `db_constraint=False`; the migration adds the composite key
    (workspace_id, other_id) instead, which makes a link across workspaces impossible.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, editable=False, related_name="+")

    objects = WorkspaceManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        for name in ("title", "name", "key"):
            if value := getattr(self, name, ""):
                return str(value)
        return f"{self._meta.verbose_name} {self.pk}"


class Versioned(WorkspaceOwned):
    """A row that people edit: the version guards against overwriting somebody else's edit."""

    # The relation to what this is a part of, if it is: whatever is archived, its parts are not edited.
    part_of: ClassVar[str] = ""

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
