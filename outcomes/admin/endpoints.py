"""Endpoints: where news goes, how that fares, and a button to try it. Administrators set them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from outcomes.admin.badges import badge
from outcomes.models import Attempt, Endpoint, EndpointSecret, ToldValue
from outcomes.models.told import EVENTS
from outcomes.services import endpoints as services
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionRefused, RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import ReadOnlyAdmin, WorkspaceAdmin
from productops.workspaces.scope import ADMIN, asking, scope_of
from roadmap.admin.numbers import UNKNOWN

TRY = RowAction("try", "Send a test", help_text="One message, at once. What became of it is told below.")
ROTATE = RowAction(
    "rotate", "Rotate the secret", help_text="The new secret shows once; both sign for 24 more hours."
)
DISABLE = RowAction(
    "disable", "Disable", help_text="It is told nothing more; what waits is dropped.", is_grave=True
)
ENABLE = RowAction("enable", "Enable", help_text="It is told what happens from now on.")
_NEWEST = 30
_ADDRESSES = {
    "url": "Of a webhook, or of an incoming webhook of Slack.",
    "email": "Of a digest: the mailbox it goes to.",
}
_DISABLED = {"by_hand": "disabled", "gone": "gone", "failing": "given_up"}
_HEALTH = ("state_shown", "since", "waiting_shown", "digest_due_at")


class EndpointForm(WorkspaceForm):
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        initial=list(EVENTS),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, told in _ADDRESSES.items():
            if name in self.fields:
                self.fields[name].help_text = told


@admin.register(Endpoint)
class EndpointAdmin(WorkspaceAdmin):
    empty_note = (
        "Nobody is told yet. An endpoint is told of flags, values and effects as they happen: a webhook, a channel"
        " or a mail address."
    )
    form = EndpointForm
    place = 9
    edit_role = ADMIN
    list_display = ("name", "channel", "goes_to", "state_shown", "waiting_shown", "owner")
    list_filter = ("channel", "disabled_reason")
    list_select_related = ("owner__user", "workspace")
    search_fields = ("name", "host")
    ordering = ("name", "id")
    autocomplete_fields = ("owner",)
    delete_note = "Its notices and the log of its attempts go with it."
    change_form_template = "admin/outcomes/endpoint/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return services.with_waiting(super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        wants = ("events", "value_threshold", "owner")
        if obj is None:
            return ("name", "channel", "url", "email", *wants)
        # What follows the host in an address is often all that protects what is behind it.
        is_shown = scope_of(request).may_see(ADMIN)
        where = ("email" if obj.is_digest else "url",) if is_shown else ("goes_to",)
        secret = ("secrets_held",) if is_shown and obj.channel == "webhook" else ()
        return ("name", "channel", *where, *wants, *secret, *_HEALTH)

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        return ("channel", "goes_to", "secrets_held", *_HEALTH) if obj else ()

    @admin.display(description="goes to", ordering="host")
    def goes_to(self, endpoint: Endpoint) -> str:
        return endpoint.host or "a mailbox"

    @admin.display(description="state")
    def state_shown(self, endpoint: Endpoint) -> str:
        if endpoint.disabled_at is not None:
            return badge(_DISABLED[endpoint.disabled_reason])
        return badge("failing" if endpoint.failing_since else "enabled")

    @admin.display(description="since")
    def since(self, endpoint: Endpoint) -> str:
        return _moment(endpoint.disabled_at or endpoint.failing_since)

    @admin.display(description="waiting")
    def waiting_shown(self, endpoint: Endpoint) -> int:
        return int(getattr(endpoint, "waiting", 0))

    @admin.display(description="secrets that sign")
    def secrets_held(self, endpoint: Endpoint) -> str:
        held = EndpointSecret.objects.valid_at(timezone.now()).filter(endpoint=endpoint)
        told = [
            f"one of {secret.created_at:%Y-%m-%d}"
            + (f" until {_moment(secret.expires_at)}" if secret.expires_at else "")
            for secret in held.order_by("-created_at", "-id")
        ]
        return ", ".join(told) or "none"

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        endpoint, secret = services.create_endpoint(**asking(request), **values)
        if secret is not None:
            _tell(request, endpoint, secret)
        return endpoint

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_endpoint(**asking(request), endpoint_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        services.remove_endpoint(**asking(request), endpoint_id=row.pk, version=version)
        return "deleted"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        if (endpoint := context.get("original")) is not None:
            tries = Attempt.objects.filter(endpoint=endpoint).select_related("notice__occurrence")
            context["newest_attempts"] = list(tries.order_by("-id")[:_NEWEST])
            context["are_answers_shown"] = scope_of(request).may_see(ADMIN)
        return super().render_change_form(request, context, *args, **kwargs)

    def row_actions(self, request: HttpRequest, row: Endpoint) -> Sequence[RowAction]:
        rotate = (ROTATE,) if row.channel == "webhook" else ()
        return (TRY, *rotate, ENABLE if row.disabled_at else DISABLE)

    def act(
        self, request: HttpRequest, row: Endpoint, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        asked = {**asking(request), "endpoint_id": row.pk}
        try:
            if name == TRY.name:
                services.send_test(**asked)
                return f"A test is on its way to “{row}”. Reload the page to see what became of it."
            if name == ROTATE.name:
                _tell(request, row, services.rotate_secret(**asked, version=version))
                return f"“{row}” has a new secret."
            if name == ENABLE.name:
                services.enable_endpoint(**asked, version=version)
                return f"“{row}” is enabled."
            if name == DISABLE.name:
                services.disable_endpoint(**asked, version=version)
                return f"“{row}” is disabled."
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        raise Http404


def _moment(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _tell(request: HttpRequest, endpoint: Endpoint, secret: str) -> None:
    messages.warning(request, f"Copy the secret of “{endpoint}” now, it is not shown again: {secret}")


@admin.register(EndpointSecret)
class EndpointSecretAdmin(ReadOnlyAdmin):
    """That a secret exists and until when it signs; never the secret."""

    see_role = ADMIN
    list_display = ("endpoint", "created_at", "expires_at")
    list_select_related = ("endpoint",)
    list_filter = (("endpoint", ScopedRelatedFilter),)
    ordering = ("-created_at", "-id")
    fields = ("endpoint", "created_at", "expires_at")


@admin.register(ToldValue)
class ToldValueAdmin(ReadOnlyAdmin):
    """What an endpoint knows of each item's value."""

    list_display = ("item", "endpoint", "proven", "turn")
    list_select_related = ("item", "endpoint")
    list_filter = (("endpoint", ScopedRelatedFilter), ("item", ChosenRelatedFilter))
    ordering = ("item__title", "id")
