"""Scoring models: a draft is a form; what it would change is beside it; switching is a button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.utils.html import format_html, format_html_join

from outcomes.formulas.realised import GRADES
from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import ScoringModel
from outcomes.services import scoring
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import RowAction
from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import RemovalRefused, WorkspaceAdmin, page_url
from productops.workspaces.scope import ADMIN, asking, workspace_in_hand
from roadmap.admin.numbers import short
from roadmap.models import Item

_SHOWN = 20
_GRADE = "grade_"
ACTIVATE = RowAction("activate", "Switch to this model", is_grave=True)


def _field(name: str, number: Any) -> forms.Field:
    label = name.removeprefix(_GRADE).replace("_", " ")
    help_text = f"{number:g}, as published."
    if isinstance(number, int) and not isinstance(number, bool) and name == "minimum_people":
        return forms.IntegerField(label=label, help_text=help_text)
    return forms.FloatField(label=label, help_text=help_text, widget=forms.NumberInput(attrs={"step": "any"}))


def _flat(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A model's numbers by the names of the form's fields."""
    plain = {name: value for name, value in numbers.items() if name != "grades"}
    return plain | {f"{_GRADE}{name}": value for name, value in (numbers.get("grades") or {}).items()}


_FIELDS = {name: _field(name, number) for name, number in _flat(default_numbers()).items()}


class _ModelForm(WorkspaceForm):
    """One field a number; `seen_version` carries the draft's revision."""

    class Meta:
        model = ScoringModel
        fields = ("note",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = self.instance.weights if self.instance.pk else self._in_force()
        for name, value in _flat(held).items():
            if name in self.fields:
                self.fields[name].initial = value
        if self.instance.pk:
            self.fields["seen_version"].initial = self.instance.revision

    def _in_force(self) -> Mapping[str, Any]:
        active = scoring.active_scoring_model(workspace=workspace_in_hand(self.request))
        return active.weights if active else default_numbers()

    def _is_stale(self) -> bool:
        return (
            self.instance.pk is not None and self.cleaned_data.get("seen_version") != self.instance.revision
        )

    def told(self, names: Sequence[str]) -> dict[str, Any]:
        """What the form says of these fields, as the service takes it."""
        said = {name: self.cleaned_data[name] for name in names if name in _FIELDS}
        weights = {name: value for name, value in said.items() if not name.startswith(_GRADE)}
        grades = {name.removeprefix(_GRADE): v for name, v in said.items() if name.startswith(_GRADE)}
        if grades:
            weights["grades"] = grades
        return {"weights": weights, **({"note": self.cleaned_data["note"]} if "note" in names else {})}

    @property
    def values(self) -> dict[str, Any]:
        return self.told([*_FIELDS, "note"])

    @property
    def changed_values(self) -> dict[str, Any]:
        changed = self.changes()
        return self.told(changed) if changed else {}


ScoringModelForm: type[WorkspaceForm] = type(
    "ScoringModelForm", (_ModelForm,), {**_FIELDS, "__module__": __name__}
)


@admin.register(ScoringModel)
class ScoringModelAdmin(WorkspaceAdmin):
    form = ScoringModelForm
    edit_role = ADMIN
    place = 8
    is_record = False
    list_display = ("__str__", "note", "is_active", "is_used", "activated_at", "created_at")
    ordering = ("-version", "-id")
    readonly_fields = ("version_shown", "state_shown", "switched_shown", "preview_shown")
    delete_note = "A draft that is removed leaves its number unused."

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        grades = tuple(f"{_GRADE}{name}" for name in GRADES)
        rest = tuple(name for name in _FIELDS if name not in (*grades, *_WEIGHTS))
        told = [
            ("The model", {"fields": ("version_shown", "state_shown", "switched_shown", "preview_shown")})
        ]
        if obj is not None and not self.has_change_permission(request, obj):
            return [*told, ("Its numbers", {"fields": ("note", "weights")})]
        parts: list[Any] = [
            ("Weights", {"fields": (_WEIGHTS,), "description": "They sum to 1."}),
            ("Grades", {"fields": (grades,), "description": "How much an attainment weighs by its design."}),
            ("Targets and thresholds", {"fields": rest}),
            ("Why", {"fields": ("note",)}),
        ]
        return [*told, *parts] if obj is not None else parts

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_fixed = obj is not None and not self.has_change_permission(request, obj)
        return (*self.readonly_fields, "weights", "note") if is_fixed else self.readonly_fields

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

    @admin.display(description="what it would change")
    def preview_shown(self, model: ScoringModel) -> str:
        if model.is_active:
            return "It is in force."
        found = scoring.preview_model(workspace=model.workspace, model_id=model.pk, limit=_SHOWN)
        rows = (
            (
                page_url(Item, shift["item"].pk),
                shift["item"].title,
                short(shift["before"]["proven"]),
                short(shift["after"]["proven"]),
            )
            for shift in found.results(model.workspace)
        )
        listed = format_html_join("", '<li><a href="{}">{}</a>: {} to {}</li>', rows)
        return format_html(
            "{} of {} items would move by more than {} points, {} up and {} down.<ul>{}</ul>",
            found.moved,
            found.items,
            short(found.points),
            found.up,
            found.down,
            listed,
        )

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
        return () if row.is_active else (ACTIVATE,)

    def act(
        self, request: HttpRequest, row: ScoringModel, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name != ACTIVATE.name:
            raise Http404
        model = scoring.activate_model(**asking(request), model_id=row.pk, revision=None)
        moved = (model.switched or {}).get("moved", 0)
        return f"Version {model.version} is in force; {moved} items move by more than 5 points."


_WEIGHTS = ("outcome", "adoption", "retention")
