"""What events mean: the rules of the sources, and what toggles and running totals were reported by them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from outcomes.models import ExposureReport, Rule, RunningTotal
from outcomes.services import rules
from productops.workspaces.admin.filters import ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, WorkspaceAdmin
from productops.workspaces.scope import ADMIN, asking
from roadmap.admin.columns import numbers


@admin.register(Rule)
class RuleAdmin(WorkspaceAdmin):
    empty_note = "No rule yet. A rule says what an event means; accepting a candidate makes one."
    place = 6
    edit_role = ADMIN
    list_display = ("match", "source", "to", "item", "metric")
    list_filter = ("to", ("source", ScopedRelatedFilter))
    list_select_related = ("source", "item", "metric")
    search_fields = ("match",)
    ordering = ("source__name", "id")
    autocomplete_fields = ("item", "metric")
    delete_note = "What was taken by it stays. It is not applied to what comes from now on."
    fieldsets = (
        (None, {"fields": ("source", "match", "to")}),
        ("What it makes", {"fields": (("item", "item_key"), ("metric", "metric_key"), "value", "series")}),
        (
            "Where the rest stands",
            {"classes": ("collapse",), "fields": ("actor", "customer", "at", "event_id")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Of another source it is another rule.
        return ("source",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return rules.add_rule(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        rules.edit_rule(**asking(request), rule_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        rules.remove_rule(**asking(request), rule_id=row.pk, version=version)
        return "deleted"


@admin.register(ExposureReport)
class ExposureReportAdmin(ReadOnlyAdmin):
    list_display = ("item", "on_date", "source", "on_count", "off_count")
    list_select_related = ("item", "source")
    ordering = ("item_id", "on_date", "id")


@admin.register(RunningTotal)
class RunningTotalAdmin(ReadOnlyAdmin):
    list_display = ("metric", "series", "at", *numbers("value", digits=2), "started_at", "source")
    list_select_related = ("metric", "source")
    ordering = ("source_id", "metric_id", "series", "at", "id")
