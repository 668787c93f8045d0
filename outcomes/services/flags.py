"""What a person can do about flags: acknowledge, snooze, dismiss, accept, reopen, and undo any of these.

One flag or many, in one way. Every move is written down as a FlagAction with who made it. A move that does not
go together with the flag's state raises ImpossibleMove.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from outcomes.models import Flag, FlagAction
from outcomes.querysets import OPEN_STATES
from outcomes.services.flag_moves import SUCCESSOR, Planned, Standing, done_by_people, plan_move
from outcomes.services.marking import mark_items, mark_source
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap.models import Item
from roadmap.services import edit_item

_MOVED = ("state", "snoozed_until", "dismiss_reason", "is_suppressing", "version", "updated_at")


@dataclass(frozen=True, slots=True)
class Move:
    """One move of one flag: `move` is one of MOVES, `said` what it needs (`note`, `until`, `reason`)."""

    flag_id: int
    move: str
    said: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None


@dataclass(slots=True)
class Moved:
    """What became of a move: the flag as it stands, or why it was refused (NotHere, StaleEdit, Refused or
    ImpossibleMove)."""

    flag: Flag | None = None
    refusal: Exception | None = None


def acknowledge_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None, note: str = ""
) -> Flag:
    """Say that somebody has seen it. Raises NotHere, StaleEdit or ImpossibleMove."""
    return _move(workspace, by, Move(flag_id, "acknowledge", {"note": note}, version))


def snooze_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, until: date, version: int | None = None
) -> Flag:
    """Be quiet until a day, which must lie in the future by the wall clock, whatever day is pinned.

    Raises Refused, NotHere, StaleEdit or ImpossibleMove.
    """
    return _move(workspace, by, Move(flag_id, "snooze", {"until": until}, version))


def dismiss_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, reason: str = "", version: int | None = None
) -> Flag:
    """Close it and keep it closed until the class of its reason changes.

    Raises NotHere, StaleEdit or ImpossibleMove.
    """
    return _move(workspace, by, Move(flag_id, "dismiss", {"reason": reason}, version))


def accept_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Follow the flag: its item moves to sunset. Raises NotHere, StaleEdit or ImpossibleMove."""
    return _move(workspace, by, Move(flag_id, "accept", version=version))


def reopen_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Open a flag again that a person had set aside; an item its acceptance had sunset is released again.

    Raises NotHere, StaleEdit or ImpossibleMove.
    """
    return _move(workspace, by, Move(flag_id, "reopen", version=version))


def undo_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Take back the last thing a person did to the flag; again, the one before it.

    Raises NotHere, StaleEdit, or ImpossibleMove when there is nothing (more) to take back.
    """
    return _move(workspace, by, Move(flag_id, "undo", version=version))


@transaction.atomic
def move_flags(*, workspace: Workspace, by: Actor, moves: Sequence[Move]) -> list[Moved]:
    """Make many moves, each by itself: one that is refused holds up no other. A fixed number of queries, but
    for the items that move along.
    """
    standings = _take(workspace, by, {move.flag_id for move in moves})
    answers: list[Moved] = []
    planned: list[tuple[Moved, Standing, Planned]] = []
    seen: set[int] = set()
    statuses: dict[int, str] = {}
    for move in moves:
        answer = Moved()
        answers.append(answer)
        try:
            standing = _as_it_is(standings.get(move.flag_id), statuses)
            plan = _plan(standing, move, is_repeated=move.flag_id in seen)
            _move_item(workspace, by, standing.flag, plan, statuses)
        except (NotHere, StaleEdit, Refused, ImpossibleMove) as refusal:
            answer.refusal = refusal
        else:
            seen.add(move.flag_id)
            planned.append((answer, standing, plan))
    _write(workspace, by, planned)
    return answers


def _move(workspace: Workspace, by: Actor, move: Move) -> Flag:
    with transaction.atomic():
        [moved] = move_flags(workspace=workspace, by=by, moves=[move])
        if moved.refusal is not None:
            raise moved.refusal
    assert moved.flag is not None
    return moved.flag


def _as_it_is(standing: Standing | None, statuses: Mapping[int, str]) -> Standing:
    """The flag with its item as an earlier move left it."""
    if standing is None:
        raise NotHere
    moved_to = statuses.get(standing.flag.item_id or 0)
    return standing if moved_to is None else replace(standing, item_status=moved_to)


def _plan(standing: Standing, move: Move, *, is_repeated: bool) -> Planned:
    if is_repeated:
        raise Refused([Complaint("id", "repeated", "This flag is moved by an earlier row.")])
    # A stale version is told before an impossible move: the caller has yet to see what the flag became.
    if move.version is not None and move.version != standing.flag.version:
        raise StaleEdit
    return plan_move(standing, move.move, move.said)


def _take(workspace: Workspace, by: Actor, flag_ids: set[int]) -> dict[int, Standing]:
    """The flags, locked: of two people who move one at once the second sees what the first did.

    Their subjects are marked first, in the order of the worker, which holds marks before it writes flags.
    """
    flags = Flag.objects.in_workspace(workspace.id).filter(pk__in=flag_ids)
    subjects = list(flags.values_list("item_id", "source_id"))
    mark_items(workspace, {item_id for item_id, _ in subjects if item_id is not None}, by)
    for source_id in sorted({id_ for item_id, id_ in subjects if item_id is None and id_ is not None}):
        mark_source(workspace, source_id, by, is_calendar_changed=False)
    held = list(flags.order_by("pk").select_for_update())
    items = {flag.item_id for flag in held if flag.item_id is not None}
    statuses = dict(Item.objects.in_workspace(workspace.id).filter(pk__in=items).values_list("pk", "status"))
    actions: dict[int, list[FlagAction]] = defaultdict(list)
    told = FlagAction.objects.in_workspace(workspace.id).filter(flag__in=held)
    for action in told.order_by("at", "id"):
        actions[action.flag_id].append(action)
    successors = _standing_subjects(workspace, held)
    today = timezone.now().astimezone(workspace.zone).date()
    return {
        flag.pk: Standing(
            flag,
            done_by_people(actions[flag.pk]),
            statuses.get(flag.item_id) if flag.item_id is not None else None,
            bool(successors[_subject(flag)] - {flag.pk}),
            today,
        )
        for flag in held
    }


def _subject(flag: Flag) -> tuple[str, int | None, int | None, int | None]:
    return (flag.reason, flag.item_id, flag.outcome_id, flag.source_id)


def _standing_subjects(workspace: Workspace, flags: Sequence[Flag]) -> dict[Any, set[int]]:
    """The flags that stand on the subjects of those which do not."""
    found: dict[Any, set[int]] = defaultdict(set)
    set_aside = [flag for flag in flags if flag.state not in OPEN_STATES]
    if set_aside:
        standing = Flag.objects.in_workspace(workspace.id).standing()
        items = standing.filter(item_id__in={flag.item_id for flag in set_aside if flag.item_id})
        sources = standing.filter(source_id__in={flag.source_id for flag in set_aside if flag.source_id})
        for flag in items | sources:
            found[_subject(flag)].add(flag.pk)
    return found


def _move_item(workspace: Workspace, by: Actor, flag: Flag, plan: Planned, statuses: dict[int, str]) -> None:
    if plan.item_status is None or flag.item_id is None:
        return
    changes = {"status": plan.item_status}
    edit_item(workspace=workspace, by=by, item_id=flag.item_id, version=None, changes=changes)
    statuses[flag.item_id] = plan.item_status


def _write(workspace: Workspace, by: Actor, planned: Sequence[tuple[Moved, Standing, Planned]]) -> None:
    """Write the flags and who moved them."""
    actions = []
    now = timezone.now()
    for answer, standing, plan in planned:
        flag = standing.flag
        actions.append(
            FlagAction(
                workspace=workspace,
                flag=flag,
                action=plan.action,
                from_state=flag.state,
                to_state=plan.changes["state"],
                user_id=by.user_id,
                by=by.name,
                note=plan.note,
            )
        )
        for name, value in plan.changes.items():
            setattr(flag, name, value)
        flag.version, flag.updated_at = flag.version + 1, now
        answer.flag = flag
    try:
        with transaction.atomic():
            Flag.objects.bulk_update([standing.flag for _, standing, _ in planned], _MOVED)
    except IntegrityError as clash:
        # The clock opened another on one of the subjects between the look and the update.
        raise ImpossibleMove(SUCCESSOR) from clash
    FlagAction.objects.bulk_create(actions)
