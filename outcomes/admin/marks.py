"""What is waiting to be computed, and the last day everything was judged: for looking when something lags."""

from __future__ import annotations

from django.contrib import admin

from outcomes.models import Mark, WorkspaceClock
from productops.workspaces.admin.owned import ReadOnlyAdmin


@admin.register(Mark)
class MarkAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "kind", "subject_id", "on", "generation", "marked_at", "claimed_until")
    list_filter = ("kind",)
    ordering = ("marked_at", "id")


@admin.register(WorkspaceClock)
class WorkspaceClockAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "judged_on", "moved_at")
    list_select_related = ("workspace",)
    ordering = ("workspace__name",)
