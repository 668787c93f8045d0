"""Sources: their address and health; a secret is told when it is made, and never again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from outcomes.admin import trials
from outcomes.admin.badges import badge
from outcomes.admin.pasting import paste_for
from outcomes.models import ItemSource, Replay, Source, SourceDay, SourceSecret
from outcomes.services import sources as services
from outcomes.services.deliveries import done_of, replay_source, with_queued
from outcomes.services.health import health_of, with_health
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionRefused, RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, RemovalRefused, WorkspaceAdmin, url_of
from productops.workspaces.scope import ADMIN, asking, scope_of
from roadmap.admin.numbers import UNKNOWN, percent

ROTATE = RowAction(
    "rotate", "Rotate the secret", help_text="The new secret shows once; the old one holds for 24 more hours."
)
REVOKE = RowAction(
    "revoke",
    "Revoke the old secrets",
    help_text="Only the newest holds from now on. Whoever still sends with another is refused.",
    is_grave=True,
)
REPLAY = RowAction(
    "replay",
    "Read everything again",
    help_text="After a rule was added. What was taken stays as it is; what comes in goes first.",
)
_HEALTH = ("health", "last_delivery", "last_refused", "refused_lately", "newest_day", "queue")


@admin.register(Source)
class SourceAdmin(WorkspaceAdmin):
    empty_note = (
        "No source yet. Add one: it gets an address and, shown once, a secret; its page says what to paste."
    )
    place = 4
    edit_role = ADMIN
    list_display = ("name", "key", "kind", "health", "last_delivery", "newest_day", "refused_lately")
    list_filter = ("kind", "cadence")
    search_fields = ("name", "key")
    ordering = ("name", "id")
    delete_note = "A source that facts came from stays."
    change_form_template = "admin/outcomes/source/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        held = scope_of(request).workspace
        return with_health(super().get_queryset(request), held.today() if held else timezone.now().date())

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        if obj is None:
            return ("key", "name", "kind", "cadence")
        # The address proves nothing without the secret, but only those who set sources up need it.
        secret = ("address", "secrets_held") if scope_of(request).may_see(ADMIN) else ()
        return ("key", "name", "kind", "cadence", *secret, *_HEALTH)

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return ("kind", "address", "secrets_held", *_HEALTH) if obj else ()

    @admin.display(description="address")
    def address(self, source: Source) -> str:
        return source.url

    @admin.display(description="secrets that hold")
    def secrets_held(self, source: Source) -> str:
        held = (
            SourceSecret.objects.valid_at(timezone.now()).filter(source=source).order_by("-created_at", "-id")
        )
        told = [
            f"one of {secret.created_at:%Y-%m-%d}"
            + (f" until {secret.expires_at:%Y-%m-%d %H:%M} UTC" if secret.expires_at else "")
            for secret in held
        ]
        return ", ".join(told) or "none"

    @admin.display(description="health")
    def health(self, source: Source) -> str:
        return badge(health_of(source, source.workspace.today())["state"])

    @admin.display(description="last delivery", ordering="seen_at")
    def last_delivery(self, source: Source) -> str:
        return _moment(getattr(source, "seen_at", None))

    @admin.display(description="last refused", ordering="refused_at")
    def last_refused(self, source: Source) -> str:
        return _moment(getattr(source, "refused_at", None))

    @admin.display(description="refused in 24 h", ordering="refused_share")
    def refused_lately(self, source: Source) -> str:
        share = getattr(source, "refused_share", None)
        return UNKNOWN if share is None else percent(share)

    @admin.display(description="newest covered day", ordering="last_covered_on")
    def newest_day(self, source: Source) -> str:
        day = getattr(source, "last_covered_on", None)
        return UNKNOWN if day is None else day.isoformat()

    @admin.display(description="in the queue")
    def queue(self, source: Source) -> str:
        told: Any = source
        return f"{told.waiting} waiting, {told.set_aside} failed or set aside"

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        source, secret = services.create_source(**asking(request), **values)
        _tell(request, source, secret)
        return source

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        # Its page says what to paste, beside the secret that shows once.
        return HttpResponseRedirect(url_of(obj))

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_source(**asking(request), source_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        try:
            services.remove_source(**asking(request), source_id=row.pk, version=version)
        except ImpossibleMove as impossible:
            raise RemovalRefused(str(impossible)) from impossible
        return "deleted"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<int:object_id>/try/", view, name="outcomes_source_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What a sample or a stored delivery would become. Stored ones say who it was: for administrators."""
        source = self.get_object(request, str(object_id))
        if not scope_of(request).may_edit(ADMIN):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "opts": self.opts, "source": source}
        return TemplateResponse(
            request, "admin/outcomes/source/try.html", {**context, **trials.page(source, request.POST)}
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        context["may_try"] = scope_of(request).may_edit(ADMIN)
        source: Source | None = context.get("original")
        if source is not None and scope_of(request).may_see(ADMIN):
            is_unheard = getattr(source, "seen_at", None) is None
            context |= {"paste": paste_for(source), "is_unheard": is_unheard}
        return super().render_change_form(request, context, *args, **kwargs)

    def row_actions(self, request: HttpRequest, row: Source) -> Sequence[RowAction]:
        held = SourceSecret.objects.valid_at(timezone.now()).filter(source=row)[:2]
        return (ROTATE, *((REVOKE,) if len(held) > 1 else ()), REPLAY)

    def act(
        self, request: HttpRequest, row: Source, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        try:
            if name == ROTATE.name:
                source, secret = services.rotate_secret(**asking(request), source_id=row.pk, version=version)
                _tell(request, source, secret)
                return f"“{source}” has a new secret."
            if name == REVOKE.name:
                services.revoke_old_secrets(**asking(request), source_id=row.pk, version=version)
                return f"Only the newest secret of “{row}” holds now."
            if name == REPLAY.name:
                replay_source(**asking(request), source=row)
                return f"What “{row}” sent will be read again; Replays show how far that has come."
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        raise Http404


def _moment(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


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


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    """How far the reading again of stored deliveries has come."""

    list_display = ("source", "asked_at", "asked_by", "progress", "finished_at")
    list_select_related = ("source",)
    list_filter = (("source", ScopedRelatedFilter),)
    ordering = ("-id",)
    fields = ("source", "candidate", "asked_by", "asked_at", "progress", "finished_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_queued(super().get_queryset(request))

    @admin.display(description="read again")
    def progress(self, replay: Replay) -> str:
        return f"{done_of(replay)} of {'?' if replay.total is None else replay.total}"


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
