"""Flags held against what verdict days, outcomes and the days of sources say now. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Flag, Source
from outcomes.pipeline.conditions import Conditions, conditions_of_items, conditions_of_sources
from outcomes.pipeline.flag import resolutions_of
from outcomes.pipeline.flag_plan import may_return, plan_flags
from outcomes.pipeline.scored import Scored
from productops.workspaces.models import Workspace

_KEPT = ("opened_on", "holding_since", "recommendation")

# Item or source, reason and what of it, stored, computed.
Differing = tuple[int, str, Any, Any]


def flags_that_differ(
    workspace: Workspace, scored: Mapping[int, Scored], runs: Mapping[int, Sequence[Run]]
) -> Iterator[Differing]:
    """Yield every flag of these items that is not as it should be."""
    found = conditions_of_items(workspace, scored, runs)
    return _differing(workspace, found, list(Flag.every.filter(item_id__in=scored).order_by("id")))


def flags_of_sources_that_differ(workspace: Workspace, sources: Sequence[Source]) -> Iterator[Differing]:
    """Yield every flag of these sources that is not as it should be."""
    found = conditions_of_sources(workspace, sources)
    return _differing(workspace, found, list(Flag.every.filter(source__in=sources).order_by("id")))


def _differing(workspace: Workspace, found: Conditions, flags: Sequence[Flag]) -> Iterator[Differing]:
    was = {pk: action.from_state for pk, action in resolutions_of(may_return(flags, found)).items()}
    plan = plan_flags(flags, found, workspace.today(), was=was, is_edit=lambda _: False)
    for flag in plan.hidden:
        yield _about(flag), f"{flag.reason} is_ahead", False, True
    for flag in plan.shown:
        yield _about(flag), f"{flag.reason} is_ahead", True, False
    for flag, _ in plan.ended:
        yield _about(flag), f"{flag.reason} state", flag.state, "resolved"
    for flag, _ in plan.returned:
        yield _about(flag), f"{flag.reason} state", "resolved", was.get(flag.pk, "open")
    for subject, _ in plan.opened:
        yield subject.item_id or subject.source_id, f"{subject.reason} state", None, "open"
    for flag, condition in plan.kept:
        for name in _KEPT:
            if getattr(flag, name) != getattr(condition, name):
                stored, computed = getattr(flag, name), getattr(condition, name)
                yield _about(flag), f"{flag.reason} {name}", str(stored), str(computed)


def _about(flag: Flag) -> int:
    return flag.item_id or flag.source_id or 0
