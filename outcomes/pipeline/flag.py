"""Flags kept in step with what was judged: opened, kept, resolved, never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from outcomes.formulas.flags import Episode, episode_of, is_still_answered
from outcomes.formulas.flags import VerdictSpan as Run
from outcomes.models import Flag, FlagAction, Source
from outcomes.pipeline.conditions import (
    Condition,
    Conditions,
    Subject,
    conditions_of_items,
    conditions_of_sources,
)
from outcomes.pipeline.news import flags_moved
from outcomes.pipeline.quiet import quiet_run_of
from outcomes.pipeline.scored import Scored
from outcomes.querysets import OPEN_STATES
from productops.workspaces.models import Workspace

CLOCK = "productops"
# What late data had resolved and now brings back takes up where it was.
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
    keeper.keep(Flag.objects.filter(item_id__in=scored))


def flag_sources(workspace: Workspace, sources: Sequence[Source]) -> None:
    """Flag sources that have gone silent; resolve those that speak again."""
    found = conditions_of_sources(workspace, sources)
    keeper = _Keeper(workspace, found, {}, quiet_run_of(workspace, is_judged=bool(found.holding)))
    keeper.keep(Flag.objects.filter(source__in=sources))


# Verdicts that somebody's use was looked at for.
_JUDGED = frozenset({"never_adopted", "abandoned", "under_used", "declining", "healthy"})


class _Keeper:
    """Opens, keeps and resolves the flags of a batch of subjects, in the running transaction."""

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
        self.today = workspace.today()
        self._actions: list[FlagAction] = []
        self._kept: list[Flag] = []

    def keep(self, known: Any) -> None:
        wanted = Q(state__in=OPEN_STATES) | Q(is_suppressing=True)
        flags = list(known.filter(wanted).order_by("id").select_for_update())
        quiet = self._answered(flag for flag in flags if flag.is_suppressing)
        taken = {
            subject_of(flag) for flag in flags if flag.state in OPEN_STATES and self._keep_or_resolve(flag)
        }
        new = [
            subject
            for subject in sorted(self.found.holding)
            if subject not in taken and subject.reason_class not in quiet
        ]
        Flag.objects.bulk_update(self._kept, _NUMBERS, batch_size=500)
        self._open(new, known)
        FlagAction.objects.bulk_create(self._actions)
        flags_moved(self.workspace, self._actions, is_quiet=self.quiet_run_id is not None)

    def _answered(self, flags: Iterable[Flag]) -> set[tuple[str, int, int, int]]:
        """The classes that a person's answer keeps quiet. One that has stopped holding is news again."""
        since = {subject.reason_class: one.class_since for subject, one in self.found.holding.items()}
        quiet, over = set(), []
        for flag in flags:
            subject = subject_of(flag)
            holding_since = since.get(subject.reason_class)
            if holding_since is not None and (
                not subject.is_folded
                or is_still_answered(answered_on=last_judged_on(flag), holding_since=holding_since)
            ):
                quiet.add(subject.reason_class)
            elif holding_since is None and (not subject.is_folded or self._is_edit(subject)):
                # Verdict days tell of the past by themselves; what acts at once and what a person changed
                # does not, so that it stopped is noted.
                over.append(flag.pk)
        Flag.objects.filter(pk__in=over).update(is_suppressing=False)
        return quiet

    def _keep_or_resolve(self, flag: Flag) -> bool:
        """Whether the flag still stands; its numbers move on, state and version are the person's."""
        subject = subject_of(flag)
        condition = self.found.holding.get(subject)
        episodes = self.found.episodes.get(subject, ())
        own = episode_of(episodes, flag.holding_since, last_judged_on(flag))
        if condition is None or (own is not None and own.resolved_on is not None):
            self._resolve(flag, own)
            return False
        _write(flag, condition)
        self._kept.append(flag)
        return True

    def _resolve(self, flag: Flag, own: Episode | None) -> None:
        """Recovered when the condition ended since it was last seen; corrected when it turns out that it had
        ended before, or never held; edited when a person changed what it rests on."""
        subject = subject_of(flag)
        resolved_on = own.resolved_on if own and own.resolved_on else self.today
        if own is not None and own.resolved_on is not None and own.resolved_on > last_judged_on(flag):
            cause = "recovered"
        elif self._is_edit(subject):
            cause = "edited"
        else:
            cause = "corrected" if subject.is_folded else "recovered"
        from_state = flag.state
        flag.state, flag.resolved_on, flag.resolved_cause = "resolved", resolved_on, cause
        self._move(flag, "resolve", from_state, note=_kept_for_return(flag, cause))
        flag.snoozed_until = None
        flag.save(update_fields=_MOVED)

    def _open(self, subjects: Sequence[Subject], known: Any) -> None:
        gone = self._corrected(subjects, known)
        opened = []
        for subject in subjects:
            condition = self.found.holding[subject]
            flag = gone.get(subject)
            if flag is not None and condition.holding_since <= last_judged_on(flag):
                self._revive(flag, condition)
            else:
                opened.append(_new_flag(self.workspace, subject, condition))
        for flag in Flag.objects.bulk_create(opened):
            self._move(flag, "open", "")

    def _corrected(self, subjects: Sequence[Subject], known: Any) -> dict[Subject, Flag]:
        """The newest flag on each subject, where late data had resolved it."""
        items = {subject.item_id for subject in subjects if subject.is_folded}
        if not items:
            return {}
        newest = known.filter(item_id__in=items).order_by("item_id", "reason", "outcome_id", "-id")
        flags = newest.distinct("item_id", "reason", "outcome_id")
        return {subject_of(flag): flag for flag in flags if flag.resolved_cause == "corrected"}

    def _revive(self, flag: Flag, condition: Condition) -> None:
        """What a person had said about it before the data was corrected away still stands."""
        last = FlagAction.objects.filter(flag=flag, action="resolve").order_by("-id").first()
        state = last.from_state if last and last.from_state in OPEN_STATES else "open"
        until = _until(last) if state == "snoozed" else None
        flag.state = "open" if state == "snoozed" and until is None else state
        flag.snoozed_until, flag.resolved_on, flag.resolved_cause = until, None, ""
        _write(flag, condition)
        self._move(flag, REVIVE, "resolved", note="The data that had resolved it was corrected again.")
        flag.save(update_fields=[*_MOVED, *_NUMBERS])

    def _move(self, flag: Flag, action: str, from_state: str, note: str = "") -> None:
        if action != "open":
            flag.version += 1
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

    def _is_edit(self, subject: Subject) -> bool:
        return self.causes.get(subject.item_id, {}).get("kind") in _EDITS


_NUMBERS = ["evidence", "recommendation", "opened_on", "holding_since"]
_MOVED = ["state", "resolved_on", "resolved_cause", "snoozed_until", "version", "updated_at"]


def subject_of(flag: Flag) -> Subject:
    """What a flag is about, and why."""
    return Subject(flag.reason, flag.item_id or 0, flag.outcome_id or 0, flag.source_id or 0)


def last_judged_on(flag: Flag) -> date:
    """The day as of which the flag's numbers were last taken, while it stood."""
    said = flag.evidence.get("as_of")
    return date.fromisoformat(said) if said else flag.opened_on


def _write(flag: Flag, condition: Condition) -> None:
    flag.evidence = condition.evidence
    flag.recommendation = condition.recommendation
    flag.opened_on, flag.holding_since = condition.opened_on, condition.holding_since


def _new_flag(workspace: Workspace, subject: Subject, condition: Condition) -> Flag:
    flag = Flag(
        workspace_id=workspace.pk,
        reason=subject.reason,
        item_id=subject.item_id or None,
        outcome_id=subject.outcome_id or None,
        source_id=subject.source_id or None,
    )
    _write(flag, condition)
    flag.opened_with = condition.evidence
    return flag


def _kept_for_return(flag: Flag, cause: str) -> str:
    """The note of a resolution: its cause and, for a snooze that may come back, its end."""
    return f"{cause} {flag.snoozed_until.isoformat()}" if flag.snoozed_until else cause


def _until(resolution: FlagAction | None) -> date | None:
    said = resolution.note.partition(" ")[2] if resolution else ""
    return date.fromisoformat(said) if said else None
