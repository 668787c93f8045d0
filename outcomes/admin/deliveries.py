"""Deliveries: what came in, what was taken of it and what was refused, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from outcomes.admin.badges import badge
from outcomes.models import Delivery
from outcomes.services.deliveries import replay_delivery, stored_body
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionRefused, RowAction
from productops.workspaces.admin.filters import ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, list_url, page_url
from productops.workspaces.dashboard import DashboardSite, Panel, PanelRow
from productops.workspaces.scope import ADMIN, EDITOR, Scope, asking, scope_of

REPLAY = RowAction(
    "replay",
    "Replay",
    help_text="Interprets it again, after a metric or an item was added. What was taken stays.",
)
_FRESHEST = 8


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    empty_note = "Nothing has come in yet. The page of a source says what to paste to send it something."
    place = 5
    is_record = False
    act_role = EDITOR
    list_display = ("external_id", "source", "state_shown", "taken", "duplicates", "refused", "received_at")
    list_filter = ("state", "received_at", ("source", ScopedRelatedFilter))
    list_select_related = ("source",)
    search_fields = ("external_id",)
    ordering = ("-received_at", "-id")
    fields = (
        "external_id",
        "source",
        "state_shown",
        ("taken", "duplicates", "refused"),
        ("received_at", "signed_at", "interpreted_at"),
        ("attempts", "retry_at"),
        ("content_type", "body_bytes"),
    )
    change_form_template = "admin/outcomes/delivery/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body", "body_sha256")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        # It says what is kept nowhere else, such as who an actor was.
        if context.get("original") is not None and scope_of(request).may_see(ADMIN):
            context["stored_body"] = stored_body(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="state", ordering="state")
    def state_shown(self, delivery: Delivery) -> str:
        return badge(delivery.state)

    def row_actions(self, request: HttpRequest, row: Delivery) -> Sequence[RowAction]:
        return () if row.state == "pending" else (REPLAY,)

    def act(
        self, request: HttpRequest, row: Delivery, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name != REPLAY.name:
            raise Http404
        try:
            replay_delivery(**asking(request), delivery_id=row.pk)
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        return f"“{row.external_id}” will be interpreted again."


def freshest_deliveries(scope: Scope) -> Panel:
    """The first page's list of what came in last."""
    newest = Delivery.objects.defer("body", "outcome").select_related("source")
    rows = [
        PanelRow(
            label=f"{delivery.source.name}: {delivery.received_at:%Y-%m-%d %H:%M} UTC",
            url=page_url(Delivery, delivery.pk),
            badge=delivery.state,
            detail=f"{delivery.taken} taken, {delivery.duplicates} duplicate, {delivery.refused} refused",
        )
        for delivery in scope.limit(newest).order_by("-received_at", "-id")[:_FRESHEST]
    ]
    empty = "Nothing has come in yet. Add a source and send it something."
    return Panel("Freshest deliveries", list_url(Delivery), rows, empty)


assert isinstance(admin.site, DashboardSite)
admin.site.add_panel(30, freshest_deliveries)
