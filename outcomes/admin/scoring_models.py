"""Scoring models: a draft is a form; what it would change is a page; from there it is switched on, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from outcomes.admin.scoring_forms import GRADE_FIELDS, OTHER_FIELDS, ScoringModelForm, numbers_in_words
from outcomes.formulas.scoring_models import WEIGHTS
from outcomes.models import ScoringModel
from outcomes.services import scoring
from outcomes.services.previews import POINTS
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionInput, ActionRefused, RowAction
from productops.workspaces.admin.owned import RemovalRefused, WorkspaceAdmin, page_url
from productops.workspaces.scope import ADMIN, asking
from roadmap.models import Item

_SHOWN = 100
# How large a change counts as moving, to be chosen from.
_POINTS = (1.0, 2.0, 5.0, 10.0, 20.0)
ACTIVATE, UNDO = "activate", "undo"


@admin.register(ScoringModel)
class ScoringModelAdmin(WorkspaceAdmin):
    form = ScoringModelForm
    edit_role = ADMIN
    place = 8
    is_record = False
    list_display = ("__str__", "note", "is_active", "is_used", "activated_at", "created_at")
    ordering = ("-version", "-id")
    readonly_fields = ("version_shown", "state_shown", "switched_shown", "numbers_shown")
    change_form_template = "admin/outcomes/scoringmodel/change_form.html"
    delete_note = "A draft that is removed leaves its number unused."

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        told = [("The model", {"fields": ("version_shown", "state_shown", "switched_shown")})]
        if obj is not None and not self.has_change_permission(request, obj):
            return [*told, ("Its numbers", {"fields": ("note", "numbers_shown")})]
        parts: list[Any] = [
            ("Weights", {"fields": WEIGHTS, "description": "They sum to 1."}),
            (
                "Grades",
                {"fields": GRADE_FIELDS, "description": "How much an attainment counts by how it was shown."},
            ),
            ("Targets and thresholds", {"fields": OTHER_FIELDS}),
            ("Why", {"fields": ("note",)}),
        ]
        return [*told, *parts] if obj is not None else parts

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_fixed = obj is not None and not self.has_change_permission(request, obj)
        return (*self.readonly_fields, "note") if is_fixed else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # What was used is looked at: history refers to its numbers.
        return super().has_change_permission(request, obj) and not (obj is not None and obj.is_used)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_used)

    def has_act_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return super().has_change_permission(request, row)

    @admin.display(description="version")
    def version_shown(self, model: ScoringModel) -> str:
        return str(model.version)

    @admin.display(description="state")
    def state_shown(self, model: ScoringModel) -> str:
        if model.is_active:
            return "in force"
        return "was in force; it stays as it is" if model.is_used else "a draft"

    @admin.display(description="when it was switched on")
    def switched_shown(self, model: ScoringModel) -> str:
        told = model.switched
        if not told:
            return "-"
        return (
            f"{told['moved']} of {told['items']} items moved by more than {told['points']:g} points"
            f" ({told['up']} up, {told['down']} down); before it was version {told['from_version']}, by {told['by']}"
        )

    @admin.display(description="numbers")
    def numbers_shown(self, model: ScoringModel) -> str:
        rows = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td class="po-number">{}</td><td class="po-detail">{}</td></tr>',
            numbers_in_words(model.weights),
        )
        return format_html(
            '<div class="po-scroll"><table class="po-numbers"><tbody>{}</tbody></table></div>', rows
        )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        own = path("<int:object_id>/preview/", view, name="outcomes_scoringmodel_preview")
        return [own, *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What switching to this model would change, and the button that does it."""
        model = self.get_object(request, str(object_id))
        points = _points(request.GET.get("points", ""))
        found = scoring.preview_model(
            workspace=model.workspace, model_id=model.pk, points=points, limit=_SHOWN
        )
        rows = [(page_url(Item, shift["item"].pk), shift) for shift in found.results(model.workspace)]
        context = {
            **self.admin_site.each_context(request),
            "title": f"What {model} would change",
            "opts": self.opts,
            "model": model,
            "found": found,
            "rows": rows,
            "choices": _POINTS,
            "switch": self.button_for(model, _switch_to(model))
            if self.has_act_permission(request, model)
            else None,
            "in_force": scoring.active_scoring_model(workspace=model.workspace),
        }
        return TemplateResponse(request, "admin/outcomes/scoringmodel/preview.html", context)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return scoring.create_model(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        scoring.edit_model(**asking(request), model_id=row.pk, revision=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        try:
            scoring.remove_model(**asking(request), model_id=row.pk, revision=None)
        except ImpossibleMove as impossible:
            raise RemovalRefused(str(impossible)) from impossible
        return "deleted"

    def row_actions(self, request: HttpRequest, row: ScoringModel) -> Sequence[RowAction]:
        # Switching is done where its consequences stand, on the page of the preview; the way back needs none.
        former = _former(row) if row.is_active else None
        return () if former is None else (_undo(former),)

    def act(
        self, request: HttpRequest, row: ScoringModel, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name == ACTIVATE:
            seen = data.get("revision", "")
            return self._switch(request, row, int(seen) if seen.isdigit() else None)
        if name == UNDO:
            former = _former(row) if row.is_active else None
            if former is None:
                raise ActionRefused(f"{row} is not in force: there is nothing to undo.")
            return self._switch(request, former, None)
        raise Http404

    def _switch(self, request: HttpRequest, to: ScoringModel, revision: int | None) -> str:
        model = scoring.activate_model(**asking(request), model_id=to.pk, revision=revision)
        moved = (model.switched or {}).get("moved", 0)
        return f"Version {model.version} is in force; {moved} items move by more than {POINTS:g} points."


def _former(model: ScoringModel) -> ScoringModel | None:
    """The model that was in force before this one."""
    version = (model.switched or {}).get("from_version")
    models = ScoringModel.objects.in_workspace(model.workspace_id)
    return None if version is None else models.filter(version=version).first()


def _switch_to(model: ScoringModel) -> RowAction:
    """The button that switches to a model as it was previewed: one that was edited meanwhile is looked at again."""
    seen = ActionInput("revision", "", "hidden", value=str(model.revision))
    return RowAction(ACTIVATE, "Switch to this model", (seen,), is_grave=True)


def _undo(former: ScoringModel) -> RowAction:
    return RowAction(
        UNDO,
        f"Undo: back to version {former.version}",
        help_text="Everything is valued again as before; history keeps what it said meanwhile.",
    )


def _points(said: str) -> float:
    return next((points for points in _POINTS if f"{points:g}" == said), POINTS)
