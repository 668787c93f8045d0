"""Files that were handed in, and what became of their rows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from outcomes.admin.badges import badge
from outcomes.models import FileImport
from productops.workspaces.admin.owned import ReadOnlyAdmin


@admin.register(FileImport)
class FileImportAdmin(ReadOnlyAdmin):
    is_record = True
    list_display = ("kind", "name", "state_shown", "created", "updated", "unchanged", "refused", "created_at")
    list_filter = ("state", "kind", "is_dry_run")
    search_fields = ("name",)
    ordering = ("-created_at", "-id")
    fields = (
        ("kind", "name"),
        ("state_shown", "is_dry_run"),
        ("created", "updated", "unchanged", "refused"),
        "complaints_shown",
        "complaints_left_out",
        ("by", "created_at", "finished_at"),
        ("body_bytes", "attempts"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: FileImport) -> str:
        return badge(row.state)

    @admin.display(description="complaints")
    def complaints_shown(self, row: FileImport) -> str:
        return "\n".join(
            f"line {told['line']}{', column ' + told['column'] if told['column'] else ''}: {told['detail']}"
            for told in row.complaints
        )
