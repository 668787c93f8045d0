"""What a scoring model may say: its numbers, checked before anything is valued with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

from .realised import GRADES, ScoringWeights

WEIGHTS = ("outcome", "adoption", "retention")
SHARES_ABOVE_ZERO = ("target_adoption", "target_retention", "worse_multiplier")
NAMES = tuple(field.name for field in fields(ScoringWeights))
MOST_PEOPLE = 1_000_000

# Weights are typed as decimals: 0.1 + 0.2 + 0.7 must count as 1.
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong with a model: where, a code, words."""

    field: str
    code: str
    detail: str


def default_numbers() -> dict[str, Any]:
    """The published model as it is stored."""
    return numbers_of(ScoringWeights())


def numbers_of(weights: ScoringWeights) -> dict[str, Any]:
    """A model as it is stored: names to numbers."""
    numbers: dict[str, Any] = {name: getattr(weights, name) for name in NAMES}
    return {**numbers, "grades": dict(weights.grades)}


def weights_from(numbers: Mapping[str, Any]) -> ScoringWeights:
    """Read a stored model."""
    return ScoringWeights(**numbers)


def merged(numbers: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's numbers with some of them changed; grades are changed one by one."""
    grades = changes.get("grades")
    told = {**numbers, **changes}
    if isinstance(grades, Mapping):
        told["grades"] = {**numbers.get("grades", {}), **grades}
    return told


def what_is_wrong(numbers: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield what is wrong with a whole model's numbers.

    The three weights are shares of the value and sum to 1, so that a value stays within 0 and 100; targets,
    grades and the multiplier are above 0 and at most 1.
    """
    unknown = sorted(set(numbers) - set(NAMES))
    yield from (
        Wrong(name, "unknown", f"There is no such number; there are {_listed(NAMES)}.") for name in unknown
    )
    missing = [name for name in NAMES if name not in numbers]
    yield from (Wrong(name, "required", "A model says all of its numbers.") for name in missing)
    if unknown or missing:
        return
    yield from _wrong_weights(numbers)
    for name in SHARES_ABOVE_ZERO:
        if not _is_number(numbers[name]) or not 0 < numbers[name] <= 1:
            yield Wrong(name, "out_of_range", "Must be above 0 and at most 1.")
    if not _is_number(numbers["minimum_coverage"]) or not 0 <= numbers["minimum_coverage"] <= 1:
        yield Wrong("minimum_coverage", "out_of_range", "Must lie between 0 and 1.")
    people = numbers["minimum_people"]
    if not isinstance(people, int) or isinstance(people, bool) or not 1 <= people <= MOST_PEOPLE:
        yield Wrong("minimum_people", "out_of_range", f"Must be a whole number from 1 to {MOST_PEOPLE}.")
    yield from _wrong_grades(numbers["grades"])


def _wrong_weights(numbers: Mapping[str, Any]) -> Iterator[Wrong]:
    bad = [name for name in WEIGHTS if not _is_number(numbers[name]) or not 0 <= numbers[name] <= 1]
    yield from (Wrong(name, "out_of_range", "A weight lies between 0 and 1.") for name in bad)
    if not bad and abs(sum(numbers[name] for name in WEIGHTS) - 1) > _NOISE:
        yield Wrong("outcome", "sum", "The weights of outcome, adoption and retention must sum to 1.")


def _wrong_grades(grades: Any) -> Iterator[Wrong]:
    if not isinstance(grades, Mapping):
        yield Wrong("grades", "invalid", "An object of design to grade.")
        return
    for name in sorted(set(map(str, grades)) - set(GRADES)):
        yield Wrong(
            f"grades/{name[:100]}", "unknown", f"There is no such design; there are {_listed(GRADES)}."
        )
    for name in GRADES:
        if name not in grades:
            yield Wrong(f"grades/{name}", "required", "A model grades every design.")
        elif not _is_number(grades[name]) or not 0 < grades[name] <= 1:
            yield Wrong(f"grades/{name}", "out_of_range", "A grade is above 0 and at most 1.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _listed(names: Any) -> str:
    return ", ".join(names)
