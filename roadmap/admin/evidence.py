"""Evidence and surveys: what is known about a problem, and from whom."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.text import Truncator

from productops.workspaces.admin.filters import ChosenRelatedFilter
from productops.workspaces.admin.owned import WorkspaceAdmin, url_of
from productops.workspaces.scope import asking
from roadmap import services
from roadmap.admin.columns import numbers
from roadmap.models import Evidence, Survey


@admin.register(Evidence)
class EvidenceAdmin(WorkspaceAdmin):
    empty_note = "No evidence yet. It is one piece of proof for a problem: a ticket, an interview, a review."
    place = 3
    list_display = ("shown", "problem", "customer", "kind", "importance", "observed_on")
    list_filter = ("kind", "importance", ("problem", ChosenRelatedFilter), ("customer", ChosenRelatedFilter))
    list_select_related = ("problem", "customer")
    search_fields = ("quote", "problem__key", "problem__title", "customer__key", "customer__name")
    ordering = (F("observed_on").desc(nulls_last=True), "-id")
    fields = (
        "problem",
        "kind",
        "customer",
        "quote",
        ("importance", "observed_on"),
        "source_url",
        "external_id",
    )
    autocomplete_fields = ("problem", "customer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # What was retracted stays in the table as a tombstone; for people it is gone.
        return super().get_queryset(request).filter(is_retracted=False)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        answer = super().response_add(request, obj, post_url_continue)
        # Whoever came from a problem's page goes back there and sees what it changed.
        is_from_problem = "_save" in request.POST and "problem" in request.GET
        return HttpResponseRedirect(url_of(obj.problem)) if is_from_problem else answer

    @admin.display(description="evidence")
    def shown(self, piece: Evidence) -> str:
        return Truncator(piece.quote).chars(90) or f"{piece.kind} without a quote"

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_evidence(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_evidence(**asking(request), evidence_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        services.remove_evidence(**asking(request), evidence_id=row.pk, version=version)
        return "deleted"


@admin.register(Survey)
class SurveyAdmin(WorkspaceAdmin):
    place = 4
    list_display = (
        "problem",
        "segment",
        "on",
        "respondents",
        *numbers("importance_top2", importance_top2="important"),
        *numbers("satisfaction_top2", satisfaction_top2="satisfied"),
    )
    list_filter = (("problem", ChosenRelatedFilter), ("segment", admin.AllValuesFieldListFilter))
    list_select_related = ("problem",)
    search_fields = ("problem__key", "problem__title", "segment")
    ordering = ("-on", "-id")
    fields = ("problem", ("segment", "on"), "respondents", ("importance_top2", "satisfaction_top2"))
    autocomplete_fields = ("problem",)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_survey(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_survey(**asking(request), survey_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        services.remove_survey(**asking(request), survey_id=row.pk, version=version)
        return "deleted"
