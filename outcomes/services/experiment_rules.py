"""What may be said of an experiment: its variants and how people are split over them, its days, its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from outcomes.models import Experiment, Metric
from productops.workspaces.complaints import Complaint, complaint_if_archived
from productops.workspaces.models import Workspace

MOST_VARIANTS = 20
MOST_GUARDRAILS = 20
_NAME_LENGTH = 200


def problems_with_experiment(experiment: Experiment) -> Iterator[Complaint]:
    """What is wrong with an experiment as it is to be."""
    found = list(problems_with_variants(experiment.variants))
    yield from found
    names = [] if found else [variant["key"] for variant in experiment.variants]
    if experiment.control and names and experiment.control not in names:
        yield Complaint("control", "invalid_choice", f"Must be one of {', '.join(names)}.")
    if experiment.started_on and experiment.ended_on and experiment.ended_on < experiment.started_on:
        yield Complaint("ended_on", "out_of_range", "The last day lies before the first.")
    if experiment.ended_on and experiment.state == "running" and not experiment.started_on:
        yield Complaint("started_on", "required", "An experiment that runs has a first day.")


def problems_with_guardrails(
    workspace: Workspace, metric_id: int | None, guardrails: Sequence[Metric], before: Sequence[Metric] = ()
) -> Iterator[Complaint]:
    """What is wrong with the guardrails of an experiment that is decided on this metric; `before` it had these."""
    held = {metric.pk for metric in before}
    if len(guardrails) > MOST_GUARDRAILS:
        yield Complaint("guardrails", "too_many", f"At most {MOST_GUARDRAILS}.")
    seen: set[int | None] = {metric_id}
    for index, metric in enumerate(guardrails):
        if metric.workspace_id != workspace.pk:
            yield Complaint(f"guardrails/{index}", "does_not_exist", "There is no such object here.")
        elif metric.pk in seen:
            yield Complaint(f"guardrails/{index}", "repeated", "It is read on this metric already.")
        elif metric.pk not in held:
            yield from complaint_if_archived(metric, f"guardrails/{index}")
        seen.add(metric.pk)


def problems_with_variants(variants: Any) -> Iterator[Complaint]:
    """What is wrong with the variants of an experiment, as they were said."""
    if not isinstance(variants, list) or not all(_is_variant(variant) for variant in variants):
        yield Complaint("variants", "invalid", 'A list of {"key", "split"}, the split a number above 0.')
        return
    names = [variant["key"] for variant in variants]
    if len(names) == 1:
        yield Complaint(
            "variants", "too_few", "An experiment compares at least two; none leaves it to the data."
        )
    if len(names) > MOST_VARIANTS:
        yield Complaint("variants", "too_many", f"At most {MOST_VARIANTS}.")
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Complaint(f"variants/{index}/key", "repeated", "Named twice.")


def _is_variant(variant: Any) -> bool:
    if not isinstance(variant, dict) or not variant.keys() <= {"key", "split"}:
        return False
    key, split = variant.get("key"), variant.get("split", 1)
    is_name = isinstance(key, str) and 0 < len(key) <= _NAME_LENGTH and "\x00" not in key
    is_part = isinstance(split, int | float) and not isinstance(split, bool) and isfinite(split)
    return is_name and is_part and 0 < split <= 1e9
