"""Say which metric an item was to move, from where to where; every change has its item computed again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction

from outcomes.models import Metric, Outcome
from outcomes.models.outcomes import ROLES
from outcomes.services.marking import mark_effects, mark_experiments_of_items, mark_items
from productops.workspaces.actors import Actor
from productops.workspaces.bounds import MOST_NUMBER, NUMBER_RANGE, is_number_in_bounds
from productops.workspaces.complaints import ARCHIVED, Complaint
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_delete
from roadmap.models import Item
from roadmap.services import rows

# The columns are PostgreSQL smallints.
_MOST_PERIODS = 3650
# Far beyond any: sums of weights must not overflow.
MOST_WEIGHT = 1_000_000
RANGES: dict[str, dict[str, float]] = {
    "weight": {"exclusiveMinimum": 0, "maximum": MOST_WEIGHT},
    "washout_days": {"minimum": 0, "maximum": _MOST_PERIODS},
    "after_periods": {"minimum": 1, "maximum": _MOST_PERIODS},
    "margin": {"minimum": 0},
}
"""What is said of numbers below, as JSON Schema says it."""


@transaction.atomic
def set_outcome(*, workspace: Workspace, by: Actor, item_id: int, metric_id: int, **fields: Any) -> Outcome:
    """Tie an item to a metric. `fields` are any other columns of an outcome.

    Raises Refused for a bad value, NotHere for an item or metric of another workspace, and IntegrityError
    when the item has an outcome on this metric and series already.
    """
    fields = normalised(fields)
    item, metric = rows.find(Item, workspace, item_id), rows.find(Metric, workspace, metric_id)
    outcome = Outcome(workspace=workspace, item=item, metric=metric, **fields)
    rows.check(outcome, problems_with_outcome(outcome, fields))
    outcome.save(force_insert=True)
    mark_effects(workspace, [item_id], by)
    mark_experiments_of_items(workspace, [item_id], by)
    mark_items(workspace, [item_id], by)
    return outcome


@transaction.atomic
def edit_outcome(
    *, workspace: Workspace, by: Actor, outcome_id: int, version: int | None, changes: dict[str, Any]
) -> Outcome:
    """Change fields of an outcome. Raises Refused, StaleEdit, NotHere or IntegrityError (a second outcome on
    the same metric and series)."""
    changes = normalised(changes)
    outcome = rows.find(Outcome, workspace, outcome_id)
    if rows.edit(outcome, version, changes, problems_with_outcome(outcome, changes, outcome.controls)):
        mark_effects(workspace, [outcome.item_id], by)
        mark_experiments_of_items(workspace, [outcome.item_id], by)
        mark_items(workspace, [outcome.item_id], by)
    outcome.refresh_from_db()
    return outcome


@transaction.atomic
def remove_outcome(*, workspace: Workspace, by: Actor, outcome_id: int, version: int | None) -> None:
    """Take an outcome away, with the flags that were about it. Raises StaleEdit or NotHere."""
    outcomes = Outcome.objects.in_workspace(workspace.id)
    rows.refuse_if_part_of_archived(rows.find(Outcome, workspace, outcome_id))
    # Marks come first: a worker holds them before it writes flags and effects, which point at outcomes.
    item_ids = list(outcomes.filter(pk=outcome_id).values_list("item_id", flat=True))
    mark_effects(workspace, item_ids, by)
    mark_items(workspace, item_ids, by)
    guarded_delete(outcomes, outcome_id, version)


def normalised(fields: dict[str, Any]) -> dict[str, Any]:
    """A blank series reads all of them, like none at all; stored one way, it cannot be set twice."""
    return {**fields, "series": None} if fields.get("series") == "" else fields


def problems_with_outcome(
    outcome: Outcome, fields: Mapping[str, Any], controls_before: Any = ()
) -> Iterator[Complaint]:
    """What is wrong with those fields of an outcome that are given, once it has them.

    `controls_before` are those that it had.
    """
    found = problems_with_fields(outcome.workspace_id, fields, controls_before)
    yield from found
    if any(complaint.field == "controls" for complaint in found):
        return
    if {"controls", "series"} & fields.keys():
        yield from _names_itself(outcome)


def _names_itself(outcome: Outcome) -> Iterator[Complaint]:
    """A control is what the release did not touch: held against itself, nothing could ever have moved."""
    for index, control in enumerate(outcome.controls):
        said = control if isinstance(control, dict) else {"metric": control}
        if said.get("metric") == outcome.metric.key and (said.get("series") or None) == (
            outcome.series or None
        ):
            detail = "An outcome cannot be its own control."
            yield Complaint(f"controls/{index}", "itself", detail)


def problems_with_fields(
    workspace_id: int, fields: Mapping[str, Any], controls_before: Any = ()
) -> list[Complaint]:
    """What is wrong with these fields of an outcome, each for itself."""
    return [
        *_problems_with_values(fields),
        *_problems_with_controls(workspace_id, fields.get("controls", []), _named(controls_before)),
    ]


def _problems_with_values(fields: Mapping[str, Any]) -> list[Complaint]:
    complaints = []
    if "role" in fields and fields["role"] not in ROLES:
        complaints.append(Complaint("role", "invalid_choice", f"Must be one of {', '.join(ROLES)}."))
    for field in ("baseline", "target"):
        value = fields.get(field)
        if value is not None and not is_number_in_bounds(value):
            complaints.append(Complaint(field, "out_of_range", NUMBER_RANGE))
    weight = fields.get("weight", 1)
    if weight is None or not 0 < weight <= MOST_WEIGHT:
        detail = f"A weight is above 0 and at most {MOST_WEIGHT:,}."
        complaints.append(Complaint("weight", "out_of_range", detail))
    margin = fields.get("margin")
    if margin is not None and not 0 <= margin <= MOST_NUMBER:
        detail = f"A margin cannot be {'below 0' if margin < 0 else f'above {MOST_NUMBER:g}'}."
        complaints.append(Complaint("margin", "out_of_range", detail))
    return complaints + _problems_with_periods(fields)


def _problems_with_periods(fields: Mapping[str, Any]) -> list[Complaint]:
    complaints = []
    washout = fields.get("washout_days", 0)
    if washout is None or not 0 <= washout <= _MOST_PERIODS:
        detail = f"Must lie between 0 and {_MOST_PERIODS} days."
        complaints.append(Complaint("washout_days", "out_of_range", detail))
    after = fields.get("after_periods")
    if after is not None and not 1 <= after <= _MOST_PERIODS:
        detail = f"Must lie between 1 and {_MOST_PERIODS} periods."
        complaints.append(Complaint("after_periods", "out_of_range", detail))
    return complaints


def _problems_with_controls(workspace_id: int, controls: Any, before: Collection[str]) -> list[Complaint]:
    """Controls are metric keys or {"metric", "series"}; every one must be a metric that exists.

    None may be archived but those that it had `before`.
    """
    wrong = Complaint("controls", "invalid", 'A list of metric keys or of {"metric", "series"}.')
    if not isinstance(controls, list):
        return [wrong]
    keys: list[str] = []
    for control in controls:
        key = control.get("metric") if isinstance(control, dict) else control
        if not isinstance(key, str) or not _is_control(control):
            return [wrong]
        keys.append(key)
    if not keys:
        return []
    metrics = Metric.objects.in_workspace(workspace_id).filter(key__in=keys)
    away = dict(metrics.values_list("key", "archived_at"))
    unknown = [key for key in keys if key not in away]
    return [
        *(Complaint("controls", "does_not_exist", f"There is no metric {key!r}.") for key in unknown),
        *(
            Complaint("controls", ARCHIVED, f"The metric {key!r} is archived; restore it first.")
            for key in keys
            if away.get(key) is not None and key not in before
        ),
    ]


def _named(controls: Any) -> set[str]:
    """The metrics that stored controls name."""
    return {control["metric"] if isinstance(control, dict) else control for control in controls}


def _is_control(control: Any) -> bool:
    if not isinstance(control, dict):
        return True
    series = control.get("series")
    return control.keys() <= {"metric", "series"} and (series is None or isinstance(series, str))
