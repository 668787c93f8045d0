"""What a person can do about a flag: acknowledge, snooze, dismiss, accept, reopen, and undo any of these.

Every move is written down as a FlagAction with who made it. A move that does not go together with the
flag's state raises ImpossibleMove.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from outcomes.models import Flag, FlagAction
from outcomes.querysets import OPEN_STATES
from outcomes.services.marking import mark_items, mark_source
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, guarded_update
from roadmap.models import Item
from roadmap.rules import RELEASED, SUNSET
from roadmap.services import edit_item

# From which states each move may be made. A resolved flag resolved itself: its condition no longer holds.
ALLOWED_FROM = {
    "acknowledge": ("open", "snoozed"),
    "snooze": OPEN_STATES,
    "dismiss": OPEN_STATES,
    "accept": OPEN_STATES,
    "reopen": ("acknowledged", "snoozed", "dismissed", "accepted"),
}
# The note of an accept that moved its item, so that undoing it knows to move the item back.
ITEM_WAS_SUNSET = "The item moved from released to sunset."


@transaction.atomic
def acknowledge_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None, note: str = ""
) -> Flag:
    """Say that somebody has seen it. Raises NotHere, StaleEdit or ImpossibleMove."""
    flag = _take(workspace, by, flag_id)
    return _move(workspace, by, flag, version, "acknowledge", {"state": "acknowledged"}, note)


@transaction.atomic
def snooze_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, until: date, version: int | None = None
) -> Flag:
    """Be quiet until a day, which must lie in the future by the wall clock, whatever day is pinned.

    Raises Refused, NotHere, StaleEdit or ImpossibleMove.
    """
    if until <= _wall_day(workspace):
        raise Refused([Complaint("until", "not_in_the_future", "A snooze ends on a day yet to come.")])
    flag = _take(workspace, by, flag_id)
    changes = {"state": "snoozed", "snoozed_until": until}
    return _move(workspace, by, flag, version, "snooze", changes, until.isoformat())


@transaction.atomic
def dismiss_flag(
    *, workspace: Workspace, by: Actor, flag_id: int, reason: str = "", version: int | None = None
) -> Flag:
    """Close it and keep it closed until the class of its reason changes.

    Raises NotHere, StaleEdit or ImpossibleMove.
    """
    flag = _take(workspace, by, flag_id)
    changes = {"state": "dismissed", "dismiss_reason": reason, "is_suppressing": True, "snoozed_until": None}
    return _move(workspace, by, flag, version, "dismiss", changes, reason)


@transaction.atomic
def accept_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Follow the flag: its item moves to sunset. Raises NotHere, StaleEdit or ImpossibleMove.

    Like a dismissed flag it keeps its class quiet: what was agreed to is not asked again.
    """
    flag = _take(workspace, by, flag_id)
    if flag.item_id is None:
        raise ImpossibleMove("A source cannot be sunset; acknowledge or dismiss this flag instead.")
    note = ITEM_WAS_SUNSET if _status_of_item(flag) == RELEASED else ""
    changes = {"state": "accepted", "snoozed_until": None, "is_suppressing": True}
    moved = _move(workspace, by, flag, version, "accept", changes, note)
    _sunset_item(workspace, by, flag)
    return moved


@transaction.atomic
def reopen_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Open a flag again that a person had set aside; an item its acceptance had sunset is released again.

    Raises NotHere, StaleEdit or ImpossibleMove.
    """
    flag = _take(workspace, by, flag_id)
    done = _done_by_people(flag)
    moved = _move(workspace, by, flag, version, "reopen", _opened(), "")
    if flag.state == "accepted" and done and done[-1].note == ITEM_WAS_SUNSET:
        _release_item_again(workspace, by, flag)
    return moved


@transaction.atomic
def undo_flag(*, workspace: Workspace, by: Actor, flag_id: int, version: int | None = None) -> Flag:
    """Take back the last thing a person did to the flag; again, the one before it.

    Raises NotHere, StaleEdit, or ImpossibleMove when there is nothing (more) to take back.
    """
    flag = _take(workspace, by, flag_id)
    done = _done_by_people(flag)
    if not done or done[-1].to_state != flag.state:
        raise ImpossibleMove("There is nothing to undo: nobody has moved this flag since it last changed.")
    last = done[-1]
    changes = _as_before(workspace, last.from_state, done[:-1])
    moved = _move(workspace, by, flag, version, "undo", changes, f"Undid {last.action}.")
    if last.note == ITEM_WAS_SUNSET:
        _release_item_again(workspace, by, flag)
    elif changes["state"] == "accepted":
        _sunset_item(workspace, by, flag)
    return moved


def _take(workspace: Workspace, by: Actor, flag_id: int) -> Flag:
    """The flag, locked: of two people who move it at once the second sees what the first did.

    Its subject is marked first, in the order of the worker, which holds marks before it writes flags.
    """
    flags = Flag.objects.in_workspace(workspace.id).filter(pk=flag_id)
    flag = flags.first()
    if flag is None:
        raise NotHere
    if flag.item_id is not None:
        mark_items(workspace, [flag.item_id], by)
    elif flag.source_id is not None:
        mark_source(workspace, flag.source_id, by, is_calendar_changed=False)
    held = flags.select_for_update().first()
    if held is None:
        raise NotHere
    return held


def _move(
    workspace: Workspace,
    by: Actor,
    flag: Flag,
    version: int | None,
    action: str,
    changes: dict[str, Any],
    note: str,
) -> Flag:
    """Change the flag's state and write down who did it."""
    flags = Flag.objects.in_workspace(workspace.id)
    # A stale version is told before an impossible move: the caller has yet to see what the flag became.
    expected = flag.version if version is None else version
    if expected == flag.version and action in ALLOWED_FROM and flag.state not in ALLOWED_FROM[action]:
        raise ImpossibleMove(f"A flag that is {flag.state} cannot be moved by {action}.")
    if flag.state not in OPEN_STATES and changes["state"] in OPEN_STATES and _has_successor(flag):
        raise ImpossibleMove(_SUCCESSOR)
    try:
        with transaction.atomic():
            guarded_update(flags, flag.pk, expected, changes)
    except IntegrityError as clash:
        # The clock opened another between the look and the update.
        raise ImpossibleMove(_SUCCESSOR) from clash
    FlagAction.objects.create(
        workspace=workspace,
        flag=flag,
        action=action,
        from_state=flag.state,
        to_state=changes["state"],
        user_id=by.user_id,
        by=by.name,
        note=note,
    )
    return flags.get(pk=flag.pk)


_SUCCESSOR = "Another flag with this reason has been opened on the same subject since."


def _has_successor(flag: Flag) -> bool:
    same = Flag.objects.in_workspace(flag.workspace_id).standing().filter(reason=flag.reason)
    subject = {"item_id": flag.item_id, "outcome_id": flag.outcome_id, "source_id": flag.source_id}
    return same.filter(**subject).exclude(pk=flag.pk).exists()


def _done_by_people(flag: Flag) -> Sequence[FlagAction]:
    """What people did to the flag since the clock last moved it and did not take back; oldest first."""
    done: list[FlagAction] = []
    for action in FlagAction.objects.in_workspace(flag.workspace_id).filter(flag=flag).order_by("at", "id"):
        if action.action == "undo":
            done = done[:-1]
        elif action.action in ALLOWED_FROM:
            done.append(action)
        else:
            done = []
    return done


def _as_before(workspace: Workspace, state: str, done: Sequence[FlagAction]) -> dict[str, Any]:
    """The fields of a flag that returns to `state`, when `done` is what people had done to it by then."""
    if state == "dismissed":
        reason = next((action.note for action in reversed(done) if action.action == "dismiss"), "")
        return {**_opened(), "state": state, "dismiss_reason": reason, "is_suppressing": True}
    if state == "snoozed":
        ends = (date.fromisoformat(action.note) for action in reversed(done) if action.action == "snooze")
        until = next(ends, None)
        if until is None or until <= _wall_day(workspace):
            return _opened()
        return {**_opened(), "state": state, "snoozed_until": until}
    return {**_opened(), "state": state, "is_suppressing": state == "accepted"}


def _opened() -> dict[str, Any]:
    return {"state": "open", "snoozed_until": None, "dismiss_reason": "", "is_suppressing": False}


def _wall_day(workspace: Workspace) -> date:
    """Today by the wall clock in the workspace's zone; snoozes do not follow the pin."""
    return timezone.now().astimezone(workspace.zone).date()


def _status_of_item(flag: Flag) -> str:
    assert flag.item_id is not None
    return Item.objects.in_workspace(flag.workspace_id).values_list("status", flat=True).get(pk=flag.item_id)


def _sunset_item(workspace: Workspace, by: Actor, flag: Flag) -> None:
    assert flag.item_id is not None
    status = _status_of_item(flag)
    if status == SUNSET:
        return
    if status != RELEASED:
        raise ImpossibleMove(f"The item is {status}: only a released item can be sunset.")
    edit_item(workspace=workspace, by=by, item_id=flag.item_id, version=None, changes={"status": SUNSET})


def _release_item_again(workspace: Workspace, by: Actor, flag: Flag) -> None:
    assert flag.item_id is not None
    # Somebody may have moved the item on since; their move is not ours to take back.
    if _status_of_item(flag) == SUNSET:
        changes = {"status": RELEASED}
        edit_item(workspace=workspace, by=by, item_id=flag.item_id, version=None, changes=changes)
