"""A scoring model as a form: one field a number, with what it means beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from outcomes.formulas.realised import GRADES
from outcomes.formulas.scoring_models import WEIGHTS, default_numbers
from outcomes.models import ScoringModel
from outcomes.services import scoring
from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.scope import workspace_in_hand
from roadmap.admin.numbers import short

_GRADE = "grade_"
# (label, what it means) of each number.
_MEANINGS = {
    "outcome": ("Outcome", "How much of the value is whether its metrics moved."),
    "adoption": ("Adoption", "How much of it is how many of those who could use it do."),
    "retention": ("Retention", "How much of it is how many come back."),
    "grade_experiment": ("Experiment", "People were split at random."),
    "grade_comparison": ("Comparison", "Held against controls that the release did not touch."),
    "grade_before_after": ("Before and after", "The metric against its own past: directional."),
    "grade_observed": ("Observed", "The level alone; no effect is decided."),
    "target_adoption": (
        "Target adoption",
        "The share of eligible people at which adoption counts in full; an item can have its own.",
    ),
    "target_retention": ("Target retention", "The share who come back at which retention counts in full."),
    "minimum_coverage": ("Least coverage", "Below this much of the weight being known, nothing is valued."),
    "minimum_people": ("Fewest people", "Shares of fewer people than this count as not known."),
    "worse_multiplier": ("When an effect is worse", "What the value is multiplied with once harm is shown."),
}


def _field(name: str, number: Any) -> forms.Field:
    label, meaning = _MEANINGS[name]
    help_text = f"{meaning} As published: {number:g}."
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

GRADE_FIELDS = tuple(f"{_GRADE}{name}" for name in GRADES)
OTHER_FIELDS = tuple(name for name in _FIELDS if name not in (*GRADE_FIELDS, *WEIGHTS))


def numbers_in_words(weights: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (label, number, what it means) of a model's numbers, in the order of the form."""
    held = _flat(weights)
    names = (*WEIGHTS, *GRADE_FIELDS, *OTHER_FIELDS)
    return [(_MEANINGS[name][0], short(held.get(name), 4), _MEANINGS[name][1]) for name in names]
