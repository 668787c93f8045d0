"""What if: the fields beside an item's score, and what it would be worth with what they say. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from outcomes.models import ItemUsage, Outcome
from outcomes.services.what_if import WhatIf, what_if
from productops.workspaces.complaints import Refused
from roadmap.admin.numbers import percent, short
from roadmap.models import Item
from roadmap.rules import IMPACTS

_PREFIX = "if_"
_LABELS = {
    "reach": "Reach",
    "impact": "Impact",
    "confidence": "Confidence",
    "effort": "Effort",
    "target_adoption": "Target adoption",
    "active": "Active people",
    "eligible": "Eligible people",
    "previous": "Active before",
    "still": "of them still active",
}
_BEFORE_RELEASE = ("reach", "impact", "confidence", "effort")
_AFTER_RELEASE = ("target_adoption", "active", "eligible", "previous", "still")
_PEOPLE = ("active", "eligible", "previous", "still")
_OF_OUTCOME = ("current", "target")
_SHOWN = (("Proven", "proven", short), ("Realised", "realised", short), ("Coverage", "coverage", percent),
          ("Expected", "expected", short))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One number that can be supposed: what it is now, and what was said."""

    name: str
    label: str
    now: str
    said: str
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Supposing:
    """The form as it was filled in. `rows` are (name, before, after, difference) once something was supposed."""

    fields: Sequence[Field]
    rows: Sequence[tuple[str, str, str, str]]
    wrong: Sequence[str]

    @property
    def is_asked(self) -> bool:
        return bool(self.rows or self.wrong)


def supposing(
    item: Item, usage: ItemUsage, outcomes: Sequence[tuple[Outcome, Any]], said: Mapping[str, str]
) -> Supposing:
    """Return the fields of an item, and its value under what `said` holds of them.

    `outcomes` are the item's, each with what was last read of its current level.
    """
    fields = [*_fields_of(item, usage, said), *_fields_of_outcomes(outcomes, said)]
    given = {field.name: field.said for field in fields if field.said}
    if not given:
        return Supposing(fields, (), ())
    numbers, wrong = _numbers(fields, given)
    if wrong:
        return Supposing(fields, (), wrong)
    try:
        found = _asked(item, [outcome for outcome, _ in outcomes], numbers)
    except Refused as refused:
        return Supposing(
            fields, (), [_complaint(fields, one.field, one.detail) for one in refused.complaints]
        )
    return Supposing(fields, _rows(found), ())


def _fields_of(item: Item, usage: ItemUsage, said: Mapping[str, str]) -> list[Field]:
    names = (*_BEFORE_RELEASE, *(_AFTER_RELEASE if item.status == "released" else ()))
    now = {name: getattr(usage if name in _PEOPLE[:2] else item, name, None) for name in names}
    return [
        Field(
            f"{_PREFIX}{name}",
            _LABELS[name],
            short(now[name], 2) if now[name] is not None else "",
            said.get(f"{_PREFIX}{name}", "").strip(),
            ("", *(f"{impact:g}" for impact in IMPACTS)) if name == "impact" else (),
        )
        for name in names
    ]


def _fields_of_outcomes(outcomes: Sequence[tuple[Outcome, Any]], said: Mapping[str, str]) -> list[Field]:
    fields = []
    for outcome, current in outcomes:
        for name, now in zip(_OF_OUTCOME, (current, outcome.target), strict=True):
            key = f"{_PREFIX}{outcome.pk}_{name}"
            label = f"{outcome.metric.name}: {name}"
            fields.append(
                Field(key, label, short(now, 2) if now is not None else "", said.get(key, "").strip())
            )
    return fields


def _numbers(fields: Sequence[Field], given: Mapping[str, str]) -> tuple[dict[str, float], list[str]]:
    numbers: dict[str, float] = {}
    wrong = []
    for field in fields:
        if field.name not in given:
            continue
        text = given[field.name].replace(",", "").replace(" ", "")
        try:
            number = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            number = float("nan")
        if isfinite(number):
            numbers[field.name] = number
        else:
            wrong.append(f"{field.label}: {given[field.name][:40]} is no number.")
    return numbers, wrong


def _asked(item: Item, outcomes: Sequence[Outcome], numbers: Mapping[str, float]) -> WhatIf:
    of_outcomes = []
    for outcome in outcomes:
        keys = {name: f"{_PREFIX}{outcome.pk}_{name}" for name in _OF_OUTCOME}
        told = {name: numbers[key] for name, key in keys.items() if key in numbers}
        if told:
            of_outcomes.append((outcome, told))
    plain = {name: numbers[f"{_PREFIX}{name}"] for name in _LABELS if f"{_PREFIX}{name}" in numbers}
    return what_if(
        workspace=item.workspace,
        item=item,
        fields={name: value for name, value in plain.items() if name not in _PEOPLE},
        people={name: value for name, value in plain.items() if name in _PEOPLE},
        outcomes=of_outcomes,
    )


def _rows(found: WhatIf) -> list[tuple[str, str, str, str]]:
    rows = []
    for label, name, show in _SHOWN:
        difference = found.difference[name]
        sign = "+" if difference is not None and difference > 0 else ""
        before, after = getattr(found.before, name), getattr(found.after, name)
        rows.append((label, show(before), show(after), sign + show(difference)))
    return rows


def _complaint(fields: Sequence[Field], name: str, detail: str) -> str:
    label = next((field.label for field in fields if field.name == f"{_PREFIX}{name}"), "")
    return f"{label}: {detail}" if label else detail
