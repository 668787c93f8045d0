"""What if: the value an item would have with other inputs. Computed by the engine that computes all; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.models import Outcome
from outcomes.pipeline.expectation import INPUTS
from outcomes.pipeline.judge import judge_items
from outcomes.pipeline.score import score_items
from outcomes.pipeline.scored import ValueRow
from outcomes.pipeline.supposing import NOTHING, Supposed
from outcomes.pipeline.value_rows import HISTORY
from outcomes.services.outcomes import MOST_WEIGHT
from productops.workspaces.bounds import (
    MOST_NUMBER,
    NUMBER_RANGE,
    is_number_in_bounds,
    problems_with_day,
)
from productops.workspaces.complaints import Complaint, refuse_if_any
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.rules import EXEMPTION_REASONS
from roadmap.services.items import problems_with_the_item, release_consequences

PEOPLE = ("active", "eligible", "previous", "still")
OF_ITEM = (*INPUTS, "status", "released_on", "usage_policy", "target_adoption")
OF_OUTCOME = ("baseline", "target", "current", "weight")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A value as it is and as it would be; `difference` is after minus before, None where either is unknown."""

    before: ValueRow
    after: ValueRow

    @property
    def difference(self) -> dict[str, float | None]:
        return {name: _difference(getattr(self.before, name), getattr(self.after, name)) for name in HISTORY}


def what_if(
    *,
    workspace: Workspace,
    item: Item,
    fields: Mapping[str, Any],
    people: Mapping[str, float | None],
    outcomes: Sequence[tuple[Outcome, Mapping[str, float | None]]] = (),
) -> WhatIf:
    """Value an item as it is and with these inputs taken as given. Raises Refused.

    `fields` are columns of the item (OF_ITEM), `people` any of PEOPLE, and each outcome of the item comes with
    any of OF_OUTCOME.
    """
    supposed_item = _with(item, fields, workspace.today())
    refuse_if_any(
        [
            *_complaints(item, people, outcomes),
            *problems_with_the_item(supposed_item),
            *problems_with_day("released_on", supposed_item.released_on),
        ]
    )
    supposed = Supposed({outcome.pk: dict(told) for outcome, told in outcomes}, dict(people))
    return WhatIf(valued(workspace, item), valued(workspace, supposed_item, supposed))


def valued(workspace: Workspace, item: Item, supposed: Supposed = NOTHING) -> ValueRow:
    """The item's value as the engine computes it at this moment. Reads only."""
    judged = judge_items(workspace, [item], {item.pk: date.max})
    return score_items(workspace, [item], judged, {}, supposed={item.pk: supposed})[item.pk].value


def _with(item: Item, fields: Mapping[str, Any], today: date) -> Item:
    """The item with these fields; what was frozen at its release is supposed, too."""
    changed = copy(item)
    changes = {**fields, **release_consequences(item, fields, today)}
    for name, value in changes.items():
        setattr(changed, name, value)
    estimates = {name: fields[name] for name in INPUTS if name in fields}
    if changed.inputs_at_release is not None and estimates:
        changed.inputs_at_release = {**changed.inputs_at_release, **estimates}
    if "usage_policy" in fields:
        is_exempt = changed.usage_policy == "exempt"
        changed.exemption_reason = (item.exemption_reason or EXEMPTION_REASONS[0]) if is_exempt else ""
    return changed


def _complaints(
    item: Item,
    people: Mapping[str, float | None],
    outcomes: Sequence[tuple[Outcome, Mapping[str, float | None]]],
) -> Iterator[Complaint]:
    for name, number in people.items():
        if number is not None and not 0 <= number <= MOST_NUMBER:
            detail = f"A number of people cannot be {'below 0' if number < 0 else f'above {MOST_NUMBER:g}'}."
            yield Complaint(name, "out_of_range", detail)
    previous, still = people.get("previous"), people.get("still")
    if previous is not None and still is not None and still > previous:
        yield Complaint("still", "out_of_range", "Not more than were active before.")
    seen: set[int] = set()
    for index, (outcome, told) in enumerate(outcomes):
        if outcome.item_id != item.pk:
            yield Complaint(f"outcomes/{index}/outcome", "not_of_this_item", "The item has no such outcome.")
        if outcome.pk in seen:
            yield Complaint(f"outcomes/{index}/outcome", "repeated", "Named before.")
        seen.add(outcome.pk)
        for name in ("baseline", "target", "current"):
            number = told.get(name)
            if number is not None and not is_number_in_bounds(number):
                yield Complaint(f"outcomes/{index}/{name}", "out_of_range", NUMBER_RANGE)
        weight = told.get("weight", 1)
        if weight is None or not 0 < weight <= MOST_WEIGHT:
            detail = f"A weight is above 0 and at most {MOST_WEIGHT:,}."
            yield Complaint(f"outcomes/{index}/weight", "out_of_range", detail)


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
