"""What each move makes of a flag: which states it may be made from, what it changes, what it says.

Reads no database: it is given the flag, what people had done to it and how its item stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.models import Flag, FlagAction
from outcomes.querysets import OPEN_STATES
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.complaints import Complaint, Refused
from roadmap.rules import RELEASED, SUNSET

# From which states each move may be made. A resolved flag resolved itself: its condition no longer holds.
ALLOWED_FROM = {
    "acknowledge": ("open", "snoozed"),
    "snooze": OPEN_STATES,
    "dismiss": OPEN_STATES,
    "accept": OPEN_STATES,
    "reopen": ("acknowledged", "snoozed", "dismissed", "accepted"),
}
MOVES = (*ALLOWED_FROM, "undo")
# The note of an accept that moved its item, so that undoing it knows to move the item back.
ITEM_WAS_SUNSET = "The item moved from released to sunset."
SUCCESSOR = "Another flag with this reason has been opened on the same subject since."


@dataclass(frozen=True, slots=True)
class Standing:
    """A flag with what decides about its moves: `done` is what people did to it since the clock last moved it
    and did not take back, oldest first; `item_status` is None for a flag on a source."""

    flag: Flag
    done: Sequence[FlagAction]
    item_status: str | None
    has_successor: bool
    today: date  # by the wall clock, in the workspace's zone


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of a flag and, if it moves too, of its item."""

    action: str
    changes: Mapping[str, Any]
    note: str = ""
    item_status: str | None = None


def plan_move(standing: Standing, move: str, said: Mapping[str, Any]) -> Planned:
    """Return what a move does; raises ImpossibleMove when the state does not allow it, Refused for bad words."""
    planned = _undo(standing) if move == "undo" else _of_state(standing, move, said)
    flag = standing.flag
    if flag.state not in OPEN_STATES and planned.changes["state"] in OPEN_STATES and standing.has_successor:
        raise ImpossibleMove(SUCCESSOR)
    return planned


def _of_state(standing: Standing, move: str, said: Mapping[str, Any]) -> Planned:
    flag = standing.flag
    if move == "snooze" and said["until"] <= standing.today:
        raise Refused([Complaint("until", "not_in_the_future", "A snooze ends on a day yet to come.")])
    if flag.state not in ALLOWED_FROM[move]:
        raise ImpossibleMove(f"A flag that is {flag.state} cannot be moved by {move}.")
    if move == "acknowledge":
        return Planned(move, {"state": "acknowledged", "snoozed_until": None}, said.get("note", ""))
    if move == "snooze":
        until = said["until"]
        return Planned(move, {"state": "snoozed", "snoozed_until": until}, until.isoformat())
    if move == "dismiss":
        return Planned(move, _dismissed(said.get("reason", "")), said.get("reason", ""))
    if move == "accept":
        return _accept(standing)
    is_sunset = flag.state == "accepted" and standing.done and standing.done[-1].note == ITEM_WAS_SUNSET
    return Planned(move, _opened(), item_status=_released_again(standing) if is_sunset else None)


def _accept(standing: Standing) -> Planned:
    """Like a dismissed flag it keeps its class quiet: what was agreed to is not asked again."""
    if standing.item_status is None:
        raise ImpossibleMove("A source cannot be sunset; acknowledge or dismiss this flag instead.")
    status = _sunset(standing.item_status)
    return Planned("accept", _accepted(), ITEM_WAS_SUNSET if status else "", status)


def _undo(standing: Standing) -> Planned:
    done, flag = standing.done, standing.flag
    if not done or done[-1].to_state != flag.state:
        raise ImpossibleMove("There is nothing to undo: nobody has moved this flag since it last changed.")
    last = done[-1]
    changes = _as_before(last.from_state, done[:-1], standing.today)
    item_status = None
    if last.note == ITEM_WAS_SUNSET:
        item_status = _released_again(standing)
    elif changes["state"] == "accepted" and standing.item_status is not None:
        item_status = _sunset(standing.item_status)
    return Planned("undo", changes, f"Undid {last.action}.", item_status)


def done_by_people(actions: Iterable[FlagAction]) -> Sequence[FlagAction]:
    """What people did since the clock last moved the flag and did not take back; of its actions, oldest first.

    A resolution that late data took back is as if it had not been.
    """
    done: list[FlagAction] = []
    before: list[FlagAction] = []
    for action in actions:
        if action.action == "undo":
            done = done[:-1]
        elif action.action in ALLOWED_FROM:
            done.append(action)
        elif action.action == "revive":
            done = before
        else:
            before, done = done, []
    return done


def _sunset(status: str) -> str | None:
    """The status an accepted item is to get; None when it has it."""
    if status == SUNSET:
        return None
    if status != RELEASED:
        raise ImpossibleMove(f"The item is {status}: only a released item can be sunset.")
    return SUNSET


def _released_again(standing: Standing) -> str | None:
    """Somebody may have moved the item on since; their move is not ours to take back."""
    return RELEASED if standing.item_status == SUNSET else None


def _as_before(state: str, done: Sequence[FlagAction], today: date) -> dict[str, Any]:
    """The fields of a flag that returns to `state`, when `done` is what people had done to it by then."""
    if state == "dismissed":
        reason = next((action.note for action in reversed(done) if action.action == "dismiss"), "")
        return _dismissed(reason)
    if state == "snoozed":
        ends = (date.fromisoformat(action.note) for action in reversed(done) if action.action == "snooze")
        until = next(ends, None)
        if until is None or until <= today:
            return _opened()
        return {**_opened(), "state": state, "snoozed_until": until}
    return {**_opened(), "state": state, "is_suppressing": state == "accepted"}


def _opened() -> dict[str, Any]:
    return {"state": "open", "snoozed_until": None, "dismiss_reason": "", "is_suppressing": False}


def _dismissed(reason: str) -> dict[str, Any]:
    return {"state": "dismissed", "dismiss_reason": reason, "is_suppressing": True, "snoozed_until": None}


def _accepted() -> dict[str, Any]:
    return {"state": "accepted", "snoozed_until": None, "is_suppressing": True}
