"""What is to become of the flags of some subjects: which flag is about what holds now. Reads no database.

A flag is about one episode of its condition, and known again by its days: those from `holding_since` to the day
as of which it was last judged to hold. What holds now and began on or before that day is the same episode, so
the same flag stands for it, whatever had taken it away in between: an edit, a threshold, late data, a pin. Of
several such flags the one on which a person has said something stands, else the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from outcomes.formulas.flags import VERDICT_REASONS, episode_of, is_still_answered
from outcomes.models import Flag
from outcomes.pipeline.conditions import Condition, Conditions, Subject
from outcomes.querysets import OPEN_STATES


@dataclass(frozen=True, slots=True)
class Ending:
    """That a flag resolves: on which day, and why.

    `recovered`: it stopped holding since it was last looked at; `replaced`: another reason, or another flag on
    the same episode, took its place; `answered`: a person's answer keeps its class quiet; `edited`: a person
    changed what it rests on; `corrected`: it had stopped before, or never held, as late data shows.
    """

    on: date
    cause: str


@dataclass(slots=True)
class FlagPlan:
    """What is to be written. Flags that are in none of these lists stay as they are."""

    hidden: list[Flag] = field(default_factory=list)
    shown: list[Flag] = field(default_factory=list)
    kept: list[tuple[Flag, Condition]] = field(default_factory=list)
    ended: list[tuple[Flag, Ending]] = field(default_factory=list)
    returned: list[tuple[Flag, Condition]] = field(default_factory=list)
    opened: list[tuple[Subject, Condition]] = field(default_factory=list)

    @property
    def moves(self) -> bool:
        """Whether any flag moves, which is told and written down; that numbers move on is not."""
        return bool(self.ended or self.returned or self.opened)


def subject_of(flag: Flag) -> Subject:
    """What a flag is about, and why."""
    return Subject(flag.reason, flag.item_id or 0, flag.outcome_id or 0, flag.source_id or 0)


def last_judged_on(flag: Flag) -> date:
    """The last day as of which the flag was judged to hold."""
    return max(flag.judged_on or flag.opened_on, flag.opened_on)


def may_return(flags: Sequence[Flag], found: Conditions) -> list[Flag]:
    """The resolved flags that are about something which holds; `plan_flags` asks what they were before."""
    return [flag for flag in flags if flag.state == "resolved" and _is_about(flag, found)]


def plan_flags(
    flags: Sequence[Flag],
    found: Conditions,
    today: date,
    *,
    was: Mapping[int, str],
    is_edit: Callable[[Subject], bool],
) -> FlagPlan:
    """Return what is to become of all `flags` of some subjects, given what holds of these.

    `was` has the state from which each flag of `may_return` was resolved; `is_edit` tells whether a subject is
    looked at because a person changed something.
    """
    plan = FlagPlan()
    # A pin may lie before a flag's first day. It is not about anything yet, nor is it over.
    present = [flag for flag in flags if flag.opened_on <= today]
    plan.hidden = [flag for flag in flags if flag.opened_on > today and not flag.is_ahead]
    plan.shown = [flag for flag in present if flag.is_ahead]
    quiet = _answered(present, found)
    standing: dict[Subject, list[Flag]] = defaultdict(list)
    about: dict[Subject, list[Flag]] = defaultdict(list)
    for flag in present:
        subject = subject_of(flag)
        if flag.state in OPEN_STATES:
            standing[subject].append(flag)
        if flag.state in (*OPEN_STATES, "resolved") and _is_about(flag, found):
            about[subject].append(flag)
    for subject in sorted({*standing, *found.holding}):
        condition = found.holding.get(subject)
        chosen = None
        if condition is not None and subject.reason_class not in quiet:
            chosen = min(about[subject], key=lambda flag: _precedence(flag, was), default=None)
            if chosen is None:
                plan.opened.append((subject, condition))
            else:
                (plan.returned if chosen.state == "resolved" else plan.kept).append((chosen, condition))
        for flag in standing[subject]:
            if flag is not chosen:
                ending = _ending(flag, subject, found, quiet, today, is_edited=is_edit(subject))
                plan.ended.append((flag, ending))
    return plan


def _answered(flags: Sequence[Flag], found: Conditions) -> set[tuple[str, int, int, int]]:
    """The classes that a person's answer keeps quiet: those that held when it was given, and ever since."""
    since = {subject.reason_class: one.class_since for subject, one in found.holding.items()}
    return {
        reason_class
        for flag in flags
        if flag.is_suppressing
        and (reason_class := subject_of(flag).reason_class) in since
        and is_still_answered(answered_on=last_judged_on(flag), holding_since=since[reason_class])
    }


def _is_about(flag: Flag, found: Conditions) -> bool:
    """Whether what holds now is what the flag was opened for."""
    condition = found.holding.get(subject_of(flag))
    return condition is not None and condition.holding_since <= last_judged_on(flag)


def _precedence(flag: Flag, was: Mapping[int, str]) -> tuple[bool, int]:
    state = was.get(flag.pk, "open") if flag.state == "resolved" else flag.state
    return state == "open", flag.pk


def _ending(
    flag: Flag,
    subject: Subject,
    found: Conditions,
    quiet: Collection[tuple[str, int, int, int]],
    today: date,
    *,
    is_edited: bool,
) -> Ending:
    judged_on = min(last_judged_on(flag), today)
    own = episode_of(found.episodes.get(subject, ()), flag.holding_since, judged_on)
    on = own.resolved_on if own is not None and own.resolved_on is not None else today
    on = max(on, flag.opened_on)
    if _is_about(flag, found):
        return Ending(on, "answered" if subject.reason_class in quiet else "replaced")
    if not subject.is_folded and flag.resolved_on is not None and flag.resolved_on <= today:
        # A pin to a day before it had ended brought it back for a while.
        return Ending(flag.resolved_on, flag.resolved_cause)
    has_ended_since = own is not None and own.resolved_on is not None and own.resolved_on > judged_on
    if is_edited and not has_ended_since:
        return Ending(on, "edited")
    if _is_followed(subject, found, on):
        return Ending(on, "replaced")
    return Ending(on, "recovered" if has_ended_since or not subject.is_folded else "corrected")


def _is_followed(subject: Subject, found: Conditions, on: date) -> bool:
    """Whether the item is flagged for another reason of its use on the day this one ends."""
    return any(
        episode.holding_since <= on and (episode.resolved_on is None or episode.resolved_on > on)
        for reason in VERDICT_REASONS
        if subject.is_folded and reason != subject.reason
        for episode in found.episodes.get(Subject(reason, subject.item_id), ())
    )
