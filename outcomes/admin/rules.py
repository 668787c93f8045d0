"""What events mean: the rules of the sources, and the names that nobody has claimed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest

from outcomes.models import Candidate, ExposureReport, Rule, RunningTotal
from outcomes.services import candidates, rules
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionInput, ActionRefused, RowAction
from productops.workspaces.admin.filters import ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, WorkspaceAdmin
from productops.workspaces.complaints import Refused
from productops.workspaces.scope import ADMIN, EDITOR, asking
from roadmap.admin.columns import numbers
from roadmap.admin.problems import problem_named

ACCEPT = RowAction(
    "accept",
    "Accept",
    help_text="Makes the item or the metric, and takes what was said of it so far.",
)
PLACE = RowAction(
    "accept",
    "Accept",
    (ActionInput("problem", "As evidence for (key)", is_required=True),),
    help_text="Makes it evidence for a problem.",
)
DISMISS = RowAction("dismiss", "Dismiss", help_text="Of no interest. It goes on being counted.")


@admin.register(Rule)
class RuleAdmin(WorkspaceAdmin):
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


@admin.register(Candidate)
class CandidateAdmin(ReadOnlyAdmin):
    place = 7
    is_record = False
    act_role = EDITOR
    list_display = ("name", "kind", "source", "state", "count", "last_seen_at")
    list_filter = ("state", "kind", ("source", ScopedRelatedFilter))
    list_select_related = ("source",)
    search_fields = ("name",)
    ordering = ("-count", "-id")
    fields = ("name", "kind", "source", "state", "count", ("first_seen_at", "last_seen_at"), "sample")

    def row_actions(self, request: HttpRequest, row: Candidate) -> Sequence[RowAction]:
        accept = PLACE if row.kind == "evidence" else ACCEPT
        return {"open": (accept, DISMISS), "dismissed": (accept,)}.get(row.state, ())

    def act(
        self, request: HttpRequest, row: Candidate, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        try:
            if name == ACCEPT.name:
                return self._accept(request, row, version, data.get("problem", "").strip())
            if name == DISMISS.name:
                return self._dismiss(request, row, version)
            raise Http404
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        except Refused as refused:
            raise ActionRefused(refused.complaints[0].detail) from refused

    def _accept(self, request: HttpRequest, row: Candidate, version: int | None, problem: str) -> str:
        home = problem_named(row.workspace_id, problem, "problem") if row.kind == "evidence" else None
        made = candidates.accept_candidate(
            **asking(request), candidate_id=row.pk, version=version, problem=home
        )
        count = sum(replay.total for replay in made["replays"])
        if home is not None:
            return f"It is evidence for “{home}”; {count} deliveries are read again."
        return f"“{made['item'] or made['metric']}” is there; {count} deliveries are read again."

    def _dismiss(self, request: HttpRequest, row: Candidate, version: int | None) -> str:
        candidates.dismiss_candidate(**asking(request), candidate_id=row.pk, version=version)
        return f"“{row.name}” is set aside."


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
