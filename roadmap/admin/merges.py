"""What problems turned out to be: for looking; it is done on a problem's page."""

from __future__ import annotations

from django.contrib import admin

from productops.workspaces.admin.owned import ReadOnlyAdmin
from roadmap.models import EvidenceRoute, ProblemMerge


@admin.register(ProblemMerge)
class ProblemMergeAdmin(ReadOnlyAdmin):
    list_display = ("problem", "into", "merged_at", "by", "undone_at", "undone_by")
    list_select_related = ("problem", "into")
    search_fields = ("problem__key", "problem__title", "into__key", "into__title")
    ordering = ("-merged_at", "-id")
    fields = ("problem", "into", ("merged_at", "by"), ("undone_at", "undone_by"))


@admin.register(EvidenceRoute)
class EvidenceRouteAdmin(ReadOnlyAdmin):
    list_display = ("problem", "external_id", "into")
    list_select_related = ("problem", "into")
    search_fields = ("problem__key", "external_id", "into__key")
    ordering = ("problem__key", "external_id")
