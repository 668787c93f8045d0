"""Sources: their address and health; a secret is told when it is made, and never again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Max, Model, QuerySet
from django.http import Http404, HttpRequest

from outcomes.models import ItemSource, Source, SourceDay, SourceSecret
from outcomes.services import sources as services
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, RemovalRefused, WorkspaceAdmin
from productops.workspaces.scope import ADMIN, asking, scope_of

ROTATE = RowAction(
    "rotate", "Rotate the secret", help_text="The new secret shows once; the old one holds for 24 more hours."
)


@admin.register(Source)
class SourceAdmin(WorkspaceAdmin):
    place = 4
    edit_role = ADMIN
    list_display = ("name", "key", "kind", "cadence", "last_seen_at", "newest_day")
    list_filter = ("kind", "cadence")
    search_fields = ("name", "key")
    ordering = ("name", "id")
    delete_note = "A source that facts came from stays."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(newest_covered_on=Max("days__on"))

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        if obj is None:
            return ("key", "name", "kind", "cadence")
        # The address proves nothing without the secret, but only those who set sources up need it.
        address = ("address",) if scope_of(request).may_see(ADMIN) else ()
        return ("key", "name", "kind", "cadence", *address, "last_seen_at", "newest_day")

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return ("kind", "address", "last_seen_at", "newest_day") if obj else ()

    @admin.display(description="address")
    def address(self, source: Source) -> str:
        return source.url

    @admin.display(description="newest covered day", ordering="newest_covered_on")
    def newest_day(self, source: Source) -> Any:
        return getattr(source, "newest_covered_on", None)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        source, secret = services.create_source(**asking(request), **values)
        _tell(request, source, secret)
        return source

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_source(**asking(request), source_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        try:
            services.remove_source(**asking(request), source_id=row.pk, version=version)
        except ImpossibleMove as impossible:
            raise RemovalRefused(str(impossible)) from impossible
        return "deleted"

    def row_actions(self, request: HttpRequest, row: Source) -> Sequence[RowAction]:
        return (ROTATE,)

    def act(
        self, request: HttpRequest, row: Source, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name != ROTATE.name:
            raise Http404
        source, secret = services.rotate_secret(**asking(request), source_id=row.pk, version=version)
        _tell(request, source, secret)
        return f"“{source}” has a new secret."


def _tell(request: HttpRequest, source: Source, secret: str) -> None:
    messages.warning(
        request, f"Copy the secret of “{source}” now, it is not shown again: {secret} (address: {source.url})"
    )


@admin.register(SourceSecret)
class SourceSecretAdmin(ReadOnlyAdmin):
    """That a secret exists and until when it holds; never the secret."""

    see_role = ADMIN
    list_display = ("source", "created_at", "expires_at")
    list_select_related = ("source",)
    list_filter = (("source", ScopedRelatedFilter),)
    search_fields = ("source__key",)
    ordering = ("-created_at", "-id")
    fields = ("source", "created_at", "expires_at")


@admin.register(SourceDay)
class SourceDayAdmin(ReadOnlyAdmin):
    list_display = ("source", "on", "has_usage", "has_observations", "is_stated")
    list_select_related = ("source",)
    list_filter = (("source", ScopedRelatedFilter), "has_usage", "has_observations")
    ordering = ("-on", "source_id", "id")


@admin.register(ItemSource)
class ItemSourceAdmin(ReadOnlyAdmin):
    list_display = ("item", "source", "has_events", "has_counts", "has_shares", "first_on", "last_on")
    list_select_related = ("item", "source")
    list_filter = (("source", ScopedRelatedFilter), ("item", ChosenRelatedFilter))
    search_fields = ("item__key", "item__title")
    ordering = ("item__title", "id")
