"""Items, their links to problems, and the releases that sources reported.

The storey above knows what became of an item: it registers a richer page over this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from productops.workspaces.admin.acting import ActionInput, Done, RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, WorkspaceAdmin, WorkspaceInline
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.scope import asking, workspace_in_hand
from roadmap import services
from roadmap.admin.archiving import ArchivingAdmin
from roadmap.models import Item, Link, Release

RELEASE = "release"
NOT_OUT_YET = ("idea", "discovery", "delivery")


class LinkInline(WorkspaceInline):
    model = Link
    fields = ("problem", "weight")
    autocomplete_fields = ("problem",)
    verbose_name = "problem it is for"
    verbose_name_plural = "problems it is for"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("problem")


@admin.register(Item)
class ItemAdmin(ArchivingAdmin):
    place = 2
    is_key_made = True
    list_display: Any = ("title", "key", "status", "horizon", "product", "released_on")
    list_filter: ClassVar[Any] = (
        "status",
        "horizon",
        ("product", ScopedRelatedFilter),
        "kind",
        *ArchivingAdmin.list_filter,
    )
    list_select_related: ClassVar[Any] = ("product",)
    search_fields = ("title", "key")
    ordering: ClassVar[Any] = ("title", "id")
    autocomplete_fields = ("product", "owner")
    inlines: ClassVar[Any] = (LinkInline,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("title", "key", "summary", "hypothesis")}),
        (
            "Where it stands",
            {
                "fields": (
                    ("status", "horizon"),
                    "released_on",
                    ("product", "owner"),
                    "kind",
                    "url",
                    ("usage_policy", "exemption_reason"),
                )
            },
        ),
        (
            "What it should be worth",
            {
                "description": "Every one is optional; what is missing is named on the card.",
                "fields": (("reach", "impact"), ("confidence", "effort")),
            },
        ),
        (
            "Thresholds of its own",
            {
                "classes": ("collapse",),
                "description": "Blank follows the workspace.",
                "fields": (
                    ("window_days", "grace_days"),
                    ("under_used_below", "target_adoption"),
                    "natural_period_days",
                ),
            },
        ),
    )

    def row_actions(self, request: HttpRequest, row: Item) -> Sequence[RowAction]:
        offered = super().row_actions(request, row)
        if row.archived_at is not None or row.status not in NOT_OUT_YET:
            return offered
        day = ActionInput(
            "on", "on", "date", is_required=True, value=workspace_in_hand(request).today().isoformat()
        )
        return (*offered, RowAction(RELEASE, "Release", (day,), "Freezes what is expected of it."))

    def act(
        self, request: HttpRequest, row: Any, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        if name != RELEASE:
            return super().act(request, row, name, version, data)
        try:
            day = date.fromisoformat(data.get("on", ""))
        except ValueError as error:
            bad = Complaint("on", "invalid", "Say on which day it was released, such as 2026-05-01.")
            raise Refused([bad]) from error
        services.release_item(**asking(request), item_id=row.pk, version=version, on=day)
        return f"“{row}” is released as of {day}."

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_item(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_item(**asking(request), item_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        is_gone = services.remove_item(**asking(request), item_id=row.pk, version=version)
        return "deleted" if is_gone else "archived"

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        services.restore_item(**asking(request), item_id=row.pk, version=version)


@admin.register(Link)
class LinkAdmin(WorkspaceAdmin):
    place = 7
    list_display = ("__str__", "item", "problem", "weight")
    list_select_related = ("item", "problem")
    list_filter = (("item", ChosenRelatedFilter), ("problem", ChosenRelatedFilter))
    search_fields = ("item__key", "item__title", "problem__key", "problem__title")
    ordering = ("item__title", "problem__title", "id")
    fields = ("item", "problem", "weight")
    autocomplete_fields = ("item", "problem")
    delete_note = "The item and the problem stay."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # A link to something else is another link.
        return ("item", "problem") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_link(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_link(**asking(request), link_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        services.remove_link(**asking(request), link_id=row.pk, version=version)
        return "deleted"


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = ("item", "on", "at", "is_retracted")
    list_select_related = ("item",)
    list_filter = (("item", ChosenRelatedFilter), "is_retracted")
    search_fields = ("item__key", "item__title")
    ordering = ("-at", "-id")
