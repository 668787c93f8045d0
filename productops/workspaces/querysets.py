"""Every row belongs to one workspace; every question starts there."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model, covariant=True)


class WorkspaceQuerySet(models.QuerySet[M]):
    """Rows of one workspace at a time."""

    def in_workspace(self, workspace_id: int) -> Self:
        return self.filter(workspace_id=workspace_id)

    def by_ref(self, ref: str | int) -> Self:
        """Rows named by an id (all digits) or by a key, both of which work wherever an object is named."""
        text = str(ref)
        if text.isascii() and text.isdigit():
            # Beyond bigint there is no row, and the database would complain about the number instead.
            return self.filter(pk=int(text)) if len(text) < 19 else self.none()
        if any(field.name == "key" for field in self.model._meta.fields):
            return self.filter(key=text)
        return self.none()


class ArchivableQuerySet(WorkspaceQuerySet[M]):
    """Rows that are archived rather than deleted once they have a history."""

    def current(self) -> Self:
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)


# Named here, at module level, because the type checker follows managers only when they have a name.
WorkspaceManager = models.Manager.from_queryset(WorkspaceQuerySet)
ArchivableManager = models.Manager.from_queryset(ArchivableQuerySet)
