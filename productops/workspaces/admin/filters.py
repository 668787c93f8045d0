"""List filters that offer nothing of another workspace."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from productops.workspaces.scope import scope_of


class WordsFilter(admin.ChoicesFieldListFilter):
    """Stored words such as never_adopted as people read them."""

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield {**choice, "display": str(choice["display"]).replace("_", " ")}


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Related rows of the workspace in hand. For relations with few rows."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, Any]]:
        scope = scope_of(request)
        limit = {} if scope.is_everywhere else {"workspace_id": scope.workspace_id}
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(include_blank=False, limit_choices_to=limit, ordering=ordering)


class ChosenRelatedFilter(ScopedRelatedFilter):
    """Shown only while a link from elsewhere has chosen a row: for relations with too many rows to list."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, Any]]:
        chosen = (self.lookup_val or [None])[-1]
        if chosen is None or not str(chosen).isascii() or not str(chosen).isdigit() or len(str(chosen)) > 18:
            return []
        rows = scope_of(request).limit(field.remote_field.model._default_manager.filter(pk=int(chosen)))
        return [(str(row.pk), str(row)) for row in rows]

    def has_output(self) -> bool:
        return bool(self.lookup_choices)


class ArchivedFilter(admin.SimpleListFilter):
    """What is archived stays out of sight until asked for."""

    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Archived"), ("all", "Both")]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            # Without a choice it is the current ones that show, not all.
            yield {**choice, "display": "Current"} if choice["display"] == "All" else choice

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "all":
            return queryset
        return (
            queryset.exclude(archived_at=None) if self.value() == "yes" else queryset.filter(archived_at=None)
        )
