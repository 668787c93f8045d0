"""Flags kept in step with what was judged: opened, kept, resolved, never deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Flag, FlagAction, Source
from outcomes.pipeline.conditions import (
    Condition,
    Conditions,
    Subject,
    conditions_of_items,
    conditions_of_sources,
)
from outcomes.pipeline.flag_plan import Ending, FlagPlan, may_return, plan_flags, subject_of
from outcomes.pipeline.news import flags_moved
from outcomes.pipeline.quiet import quiet_run_of
from outcomes.pipeline.scored import Scored
from outcomes.querysets import OPEN_STATES
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting
from productops.workspaces.models import Workspace

CLOCK = "productops"
BY_CLOCK = Actor(name=CLOCK, user_id=None, via="clock")
# What had been resolved and holds again, as if it had never stopped, takes up where it was.
REVIVE = "revive"

_EDITS = ("edit", "import", "thresholds")


def flag_items(
    workspace: Workspace,
    scored: Mapping[int, Scored],
    runs: Mapping[int, Sequence[Run]],
    causes: Mapping[int, dict[str, Any]],
) -> None:
    """Bring the flags of items in step with their verdict days and outcomes."""
    found = conditions_of_items(workspace, scored, runs)
    is_judged = any(run.verdict.value in _JUDGED for id_ in scored for run in runs[id_])
    keeper = _Keeper(workspace, found, causes, quiet_run_of(workspace, is_judged=is_judged))
    keeper.keep(Flag.every.filter(item_id__in=scored))


def flag_sources(workspace: Workspace, sources: Sequence[Source]) -> None:
    """Flag sources that have gone silent; resolve those that speak again."""
    found = conditions_of_sources(workspace, sources)
    keeper = _Keeper(workspace, found, {}, quiet_run_of(workspace, is_judged=bool(found.holding)))
    keeper.keep(Flag.every.filter(source__in=sources))


# Verdicts that somebody's use was looked at for.
_JUDGED = frozenset({"never_adopted", "abandoned", "under_used", "declining", "healthy"})


class _Keeper:
    """Opens, keeps, resolves and brings back the flags of a batch of subjects, in the running transaction."""

    def __init__(
        self,
        workspace: Workspace,
        found: Conditions,
        causes: Mapping[int, dict[str, Any]],
        quiet_run_id: int | None,
    ) -> None:
        self.workspace = workspace
        self.found = found
        self.causes = causes
        self.quiet_run_id = quiet_run_id
        self._actions: list[FlagAction] = []

    def keep(self, known: QuerySet[Flag]) -> None:
        flags = list(known.order_by("id").select_for_update())
        resolutions = resolutions_of(may_return(flags, self.found))
        was = {flag_id: action.from_state for flag_id, action in resolutions.items()}
        plan = plan_flags(flags, self.found, self.workspace.today(), was=was, is_edit=self._is_edit)
        with acting(BY_CLOCK) if plan.moves else nullcontext():
            self._write(plan, resolutions)
        FlagAction.objects.bulk_create(self._actions)
        flags_moved(self.workspace, self._actions, is_quiet=self.quiet_run_id is not None)

    def _write(self, plan: FlagPlan, resolutions: Mapping[int, FlagAction]) -> None:
        """In this order no two flags on one subject stand at once."""
        for flag in plan.hidden:
            flag.is_ahead = True
        _update(plan.hidden, ["is_ahead"])
        for flag, ending in plan.ended:
            self._resolve(flag, ending)
        for flag in plan.shown:
            flag.is_ahead = False
        _update([flag for flag, _ in plan.ended], [*_MOVED, "is_ahead"])
        _update(plan.shown, ["is_ahead"])
        for flag, condition in plan.kept:
            # Its numbers move on; state and version are the person's.
            self._show(flag, condition)
        for flag, condition in plan.returned:
            self._revive(flag, condition, resolutions.get(flag.pk))
        _update([flag for flag, _ in plan.kept], _NUMBERS)
        _update([flag for flag, _ in plan.returned], [*_MOVED, *_NUMBERS])
        opened = [self._new_flag(subject, condition) for subject, condition in plan.opened]
        for flag in Flag.every.bulk_create(opened):
            self._move(flag, "open", "")

    def _resolve(self, flag: Flag, ending: Ending) -> None:
        from_state = flag.state
        flag.state, flag.resolved_on, flag.resolved_cause = "resolved", ending.on, ending.cause
        self._move(flag, "resolve", from_state, note=_kept_for_return(flag, ending.cause))
        flag.snoozed_until = None

    def _revive(self, flag: Flag, condition: Condition, resolution: FlagAction | None) -> None:
        """What a person had said about it before it was resolved still stands."""
        state = resolution.from_state if resolution and resolution.from_state in OPEN_STATES else "open"
        until = _until(resolution) if state == "snoozed" else None
        flag.state = "open" if state == "snoozed" and until is None else state
        flag.snoozed_until = until
        is_past = flag.resolved_on is None or flag.resolved_on <= self.workspace.today()
        if is_past or subject_of(flag).is_folded:
            flag.resolved_on, flag.resolved_cause = None, ""
        # Else the workspace is pinned to a day before it ended: what acts at once has no days to tell that again.
        self._show(flag, condition)
        self._move(flag, REVIVE, "resolved", note="What it was opened for holds, and has not stopped.")

    def _move(self, flag: Flag, action: str, from_state: str, note: str = "") -> None:
        if action != "open":
            flag.version += 1
            flag.updated_at = timezone.now()
        self._actions.append(
            FlagAction(
                workspace_id=self.workspace.pk,
                flag=flag,
                action=action,
                from_state=from_state,
                to_state=flag.state,
                by=CLOCK,
                note=note,
                quiet_run_id=self.quiet_run_id,
            )
        )

    def _show(self, flag: Flag, condition: Condition) -> None:
        today = self.workspace.today()
        flag.evidence = condition.evidence
        flag.recommendation = condition.recommendation
        flag.opened_on, flag.holding_since = condition.opened_on, condition.holding_since
        flag.judged_on = max(flag.judged_on or today, today)

    def _new_flag(self, subject: Subject, condition: Condition) -> Flag:
        flag = Flag(
            workspace_id=self.workspace.pk,
            reason=subject.reason,
            item_id=subject.item_id or None,
            outcome_id=subject.outcome_id or None,
            source_id=subject.source_id or None,
        )
        self._show(flag, condition)
        flag.opened_with = condition.evidence
        return flag

    def _is_edit(self, subject: Subject) -> bool:
        return self.causes.get(subject.item_id, {}).get("kind") in _EDITS


_NUMBERS = ["evidence", "recommendation", "opened_on", "holding_since", "judged_on"]
_MOVED = ["state", "resolved_on", "resolved_cause", "snoozed_until", "version", "updated_at"]


def resolutions_of(flags: Sequence[Flag]) -> dict[int, FlagAction]:
    """How each of these flags was last resolved."""
    if not flags:
        return {}
    told = FlagAction.objects.filter(flag__in=flags, action="resolve").order_by("flag_id", "-id")
    return {action.flag_id: action for action in told.distinct("flag_id")}


def _update(flags: Sequence[Flag], names: Sequence[str]) -> None:
    if flags:
        Flag.every.bulk_update(flags, names, batch_size=500)


def _kept_for_return(flag: Flag, cause: str) -> str:
    """The note of a resolution: its cause and, for a snooze that may come back, its end."""
    return f"{cause} {flag.snoozed_until.isoformat()}" if flag.snoozed_until else cause


def _until(resolution: FlagAction | None) -> date | None:
    said = resolution.note.partition(" ")[2] if resolution else ""
    return date.fromisoformat(said) if said else None
