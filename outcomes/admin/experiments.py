"""Experiments: set up, run, read and decided on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone

from outcomes.admin.badges import badge
from outcomes.admin.difference_chart import chart_of
from outcomes.admin.facts import UncountedPaginator
from outcomes.formulas.trials import unit_of_difference
from outcomes.models import Experiment, ExperimentGuardrail, ExperimentTotal, Metric, Outcome
from outcomes.models.experiments import DECISIONS, EXPERIMENT_STATES
from outcomes.services import experiments
from outcomes.services.experiment_results import results_of
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionInput, ActionRefused, Done, RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter
from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import ReadOnlyAdmin, url_of
from productops.workspaces.scope import asking, scope_of, workspace_in_hand
from roadmap.admin.archiving import ArchivingAdmin
from roadmap.admin.columns import numbers
from roadmap.models import Item

START = RowAction("start", "Start")
RUN_ON = RowAction("start", "Run on")
END = RowAction("end", "End: what it reads now is the result", is_grave=True)
CLONE = RowAction("clone", "Clone", help_text="The same again, as a draft without data.")


class VariantsField(forms.CharField):
    """One variant a line, with its part of the people: `control 50`."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{one.get('key')} {one.get('split', 1):g}" for one in value)

    def to_python(self, value: Any) -> Any:
        variants = []
        for line in str(value or "").splitlines():
            if not line.strip():
                continue
            name, _, part = line.strip().rpartition(" ")
            try:
                split = float(part)
            except ValueError:
                name, split = line.strip(), 1.0
            variants.append({"key": name or part, "split": split})
        return variants

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial)) != self.to_python(data))

    def validate(self, value: Any) -> None:
        """What the variants may be is the service's to say."""

    def run_validators(self, value: Any) -> None:
        """Nor is it a text any more."""


class ExperimentForm(WorkspaceForm):
    variants = VariantsField(
        required=False,
        help_text="One a line with its part of the people: control 50. None leaves them to what reports.",
    )
    guardrails = forms.ModelMultipleChoiceField(
        Metric.objects.none(), required=False, help_text="Metrics that it must not harm."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "guardrails" in self.fields:
            held = Metric.objects.in_workspace(scope_of(self.request).workspace_id or 0).current()
            self.fields["guardrails"].queryset = held.order_by("name", "id")  # type: ignore[attr-defined]
            if self.instance.pk is not None:
                self.fields["guardrails"].initial = [metric.pk for metric in self.instance.guardrails]


class ExperimentStateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in EXPERIMENT_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> QuerySet[Experiment]:
        if self.value() not in EXPERIMENT_STATES:
            return queryset
        workspace = scope_of(request).workspace
        day = workspace.today() if workspace else timezone.now().date()
        return queryset.in_state([str(self.value())], day)  # type: ignore[attr-defined]


@admin.register(Experiment)
class ExperimentAdmin(ArchivingAdmin):
    empty_note = "No experiment yet. Set one up here or on the page of the item that it tries."
    place = 3
    is_key_made = True
    form = ExperimentForm
    list_display = (
        "key",
        "item",
        "metric",
        "state_shown",
        "started_on",
        "ended_on",
        "decision",
        "decided_by",
    )
    list_filter = (
        *ArchivingAdmin.list_filter,
        ExperimentStateFilter,
        "decision",
        ("item", ChosenRelatedFilter),
    )
    search_fields = ("key", "hypothesis", "item__key", "item__title")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("item", "metric")
    fieldsets = (
        (None, {"fields": ("item", "key", "hypothesis", ("metric", "guardrails"))}),
        ("Variants", {"fields": ("variants", "control")}),
        ("When", {"fields": (("started_on", "ended_on"),)}),
    )
    change_form_template = "admin/outcomes/experiment/change_form.html"

    @admin.display(description="state", ordering="state")
    def state_shown(self, experiment: Experiment) -> str:
        return badge(experiment.state_on(experiment.workspace.today()))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Whatever is named here is all that a list reads along: Django then passes over `list_select_related`.
        return super().get_queryset(request).select_related("workspace", "item", "metric")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the item says already: an experiment that is set up from its page needs no typing."""
        said: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        ref = str(said.get("item", ""))
        items = Item.objects.in_workspace(workspace_in_hand(request).pk)
        item = (
            items.filter(pk=int(ref)).first() if ref.isascii() and ref.isdigit() and len(ref) < 19 else None
        )
        suggested = _suggested(item) if item else {}
        # Where several can be chosen, none is a list of none.
        return {"guardrails": [], **suggested, **said}

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        answer = super().response_add(request, obj, post_url_continue)
        # Its page is where it is started; the list is one click further.
        return HttpResponseRedirect(url_of(obj)) if "_save" in request.POST else answer

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        # Variants and guardrails stand in the tables above.
        return ((None, {"fields": ("item", "key", "hypothesis", "metric", "started_on", "ended_on")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Of another item it is another experiment.
        return ("item",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        said = dict(values)
        guardrails = list(said.pop("guardrails", []))
        if not said.get("variants"):
            said.pop("variants", None)
        return experiments.create_experiment(**asking(request), guardrails=guardrails or None, **said)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        said = {name: list(value) if name == "guardrails" else value for name, value in changes.items()}
        experiments.edit_experiment(**asking(request), experiment_id=row.pk, version=version, changes=said)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        is_gone = experiments.remove_experiment(**asking(request), experiment_id=row.pk, version=version)
        return "deleted" if is_gone else "archived"

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        experiments.restore_experiment(**asking(request), experiment_id=row.pk, version=version)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        experiment = self.get_object(request, object_id)
        results = results_of(experiment, experiment.workspace.today())
        context = {
            "results": results,
            "item_url": url_of(experiment.item),
            "unit": unit_of_difference(results["unit"]),
            "then_unit": unit_of_difference((experiment.decided_reading or results)["unit"]),
            "chart": chart_of(results["series"]),
            "difference": next(
                (one for one in results["differences"] if one["variant"] == results["variant"]), None
            ),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def row_actions(self, request: HttpRequest, row: Experiment) -> Sequence[RowAction]:
        if row.archived_at:
            return super().row_actions(request, row)
        state = row.state_on(workspace_in_hand(request).today())
        moves = {"draft": [START, END], "running": [END], "ended": [RUN_ON], "decided": []}[state]
        return [*moves, decide_action(row, experiments.treatments_of(row)), CLONE]

    def act(
        self, request: HttpRequest, row: Experiment, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        if name == "clone":
            clone = experiments.clone_experiment(**asking(request), experiment_id=row.pk)
            return Done(f"Cloned: this is {clone.key}, a draft.", url_of(clone))
        move = _MOVES.get(name)
        if move is None:
            return super().act(request, row, name, version, data)
        given = {one: data.get(one, "").strip() for one in ("decision", "note", "variant")}
        said = given if name == "decide" else {}
        try:
            move(**asking(request), experiment_id=row.pk, version=version, **said)
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        return _SAID[name].format(row.key)


def _suggested(item: Item) -> dict[str, Any]:
    """The fields of an experiment on an item, as far as the item tells them."""
    held = Outcome.objects.in_workspace(item.workspace_id).filter(item=item, metric__archived_at=None)
    outcomes = list(held.order_by("id"))
    primary = next((one.metric_id for one in outcomes if one.role == "primary"), None)
    said = {
        "hypothesis": item.hypothesis,
        "metric": primary,
        "guardrails": [one.metric_id for one in outcomes if one.role == "guardrail"],
        "variants": [{"key": "control", "split": 50}, {"key": "treatment", "split": 50}],
    }
    return {name: value for name, value in said.items() if value}


_MOVES: Mapping[str, Callable[..., None]] = {
    "start": experiments.start_experiment,
    "end": experiments.end_experiment,
    "decide": experiments.decide_experiment,
}
_SAID = {"start": "{} runs.", "end": "{} has ended.", "decide": "The decision on {} is written down."}


def decide_action(experiment: Experiment, treatments: Sequence[str]) -> RowAction:
    """Return the button that writes a decision down; with several treatments it asks which is meant."""
    inputs = [
        ActionInput("decision", "Decision", options=DECISIONS, value=experiment.decision),
        ActionInput("note", "because (optional)", value=experiment.decision_note),
    ]
    if len(treatments) > 1:
        options = ("", *treatments)
        inputs.insert(1, ActionInput("variant", "of", options=options, value=experiment.decided_variant))
    return RowAction("decide", "Decide", tuple(inputs))


@admin.register(ExperimentGuardrail)
class ExperimentGuardrailAdmin(ReadOnlyAdmin):
    list_display = ("experiment", "metric")
    list_select_related = ("experiment", "metric")
    list_filter = (("experiment", ChosenRelatedFilter), ("metric", ChosenRelatedFilter))
    search_fields = ("experiment__key", "metric__key")
    ordering = ("experiment__key", "id")


@admin.register(ExperimentTotal)
class ExperimentTotalAdmin(ReadOnlyAdmin):
    list_display = (
        "experiment",
        "variant",
        "metric",
        "at",
        "n",
        *numbers("sum", "sum_squares"),
        "is_retracted",
    )
    list_select_related = ("experiment", "metric")
    list_filter = ("is_retracted", ("experiment", ChosenRelatedFilter), ("metric", ChosenRelatedFilter))
    search_fields = ("experiment__key", "variant")
    ordering = ("-at", "experiment_id", "variant", "id")
    paginator = UncountedPaginator
