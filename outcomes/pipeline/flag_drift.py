"""The flags of items held against what their verdict days and outcomes say now. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Flag
from outcomes.pipeline.conditions import conditions_of_items
from outcomes.pipeline.flag import resolutions_of
from outcomes.pipeline.flag_plan import may_return, plan_flags
from outcomes.pipeline.scored import Scored
from productops.workspaces.models import Workspace

_KEPT = ("opened_on", "holding_since", "recommendation")


def flags_that_differ(
    workspace: Workspace, scored: Mapping[int, Scored], runs: Mapping[int, Sequence[Run]]
) -> Iterator[tuple[int, str, Any, Any]]:
    """Yield (item, reason and what of it, stored, computed) of every flag that is not as it should be."""
    found = conditions_of_items(workspace, scored, runs)
    flags = list(Flag.every.filter(item_id__in=scored).order_by("id"))
    was = {pk: action.from_state for pk, action in resolutions_of(may_return(flags, found)).items()}
    plan = plan_flags(flags, found, workspace.today(), was=was, is_edit=lambda _: False)
    for flag in plan.hidden:
        yield flag.item_id or 0, f"{flag.reason} is_ahead", False, True
    for flag in plan.shown:
        yield flag.item_id or 0, f"{flag.reason} is_ahead", True, False
    for flag, _ in plan.ended:
        yield flag.item_id or 0, f"{flag.reason} state", flag.state, "resolved"
    for flag, _ in plan.returned:
        yield flag.item_id or 0, f"{flag.reason} state", "resolved", was.get(flag.pk, "open")
    for subject, _ in plan.opened:
        yield subject.item_id, f"{subject.reason} state", None, "open"
    for flag, condition in plan.kept:
        for name in _KEPT:
            if getattr(flag, name) != getattr(condition, name):
                stored, computed = getattr(flag, name), getattr(condition, name)
                yield flag.item_id or 0, f"{flag.reason} {name}", str(stored), str(computed)
