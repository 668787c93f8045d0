"""What is archived rather than deleted once it has a history, and can be brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpRequest

from productops.workspaces.admin.acting import Done, RowAction
from productops.workspaces.admin.filters import ArchivedFilter
from productops.workspaces.admin.owned import WorkspaceAdmin

RESTORE = RowAction(
    "restore", "Restore", help_text="This is archived: it shows in no list and counts for nothing."
)


class ArchivingAdmin(WorkspaceAdmin):
    """`restore` brings a row back; the lists show what is current unless asked for more."""

    list_filter: ClassVar[Any] = (ArchivedFilter,)
    delete_note = "If it has a history it is archived and can be restored; else it is gone for good."

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        raise NotImplementedError(f"{type(self).__name__} archives rows but does not say how they come back")

    def row_actions(self, request: HttpRequest, row: Any) -> Sequence[RowAction]:
        return (RESTORE,) if row.archived_at else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_archived = obj is not None and obj.archived_at is not None
        return super().has_delete_permission(request, obj) and not is_archived

    def act(
        self, request: HttpRequest, row: Any, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        if name != RESTORE.name:
            raise Http404
        self.restore(request, row, version)
        return f"“{row}” is back."
