"""Rows that each move one flag: how they are said and how they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from outcomes.api.serializers import DismissSerializer, NoteSerializer, NothingSerializer, SnoozeSerializer
from outcomes.services.flag_moves import MOVES
from outcomes.services.flags import Move, Moved
from outcomes.services.refusals import ImpossibleMove
from productops.api.bulk import row_refused, row_taken
from productops.api.fields import Day, Text, WholeNumber
from productops.api.problems import FieldError
from productops.api.serializers import PlainSerializer
from productops.workspaces.batches import IMPOSSIBLE, MOST_ROWS, NOT_FOUND, STALE, UPDATED
from productops.workspaces.complaints import Refused
from productops.workspaces.versions import NotHere, StaleEdit

_SAID = {"acknowledge": NoteSerializer, "snooze": SnoozeSerializer, "dismiss": DismissSerializer}


class FlagMoveSerializer(PlainSerializer):
    """A flag and what to do with it."""

    id = WholeNumber(min_value=1)
    action = serializers.ChoiceField(MOVES)
    version = WholeNumber(
        min_value=1, required=False, help_text="Of what the move is based on, if newer is to be refused."
    )
    note = Text(required=False, help_text="With acknowledge.")
    until = Day(required=False, help_text="With snooze, which needs it.")
    reason = Text(required=False, help_text="With dismiss.")


class FlagMovesSerializer(PlainSerializer):
    rows = serializers.ListField(
        child=FlagMoveSerializer(),
        allow_empty=False,
        max_length=MOST_ROWS,
        help_text=f"1 to {MOST_ROWS} of them.",
    )


def move_of(row: Any) -> Move:
    """What a row asks for; raises ValidationError."""
    if not isinstance(row, Mapping):
        raise ValidationError([ErrorDetail("An object.", "invalid")])
    said = {name: value for name, value in row.items() if name not in _NAMES}
    named = FlagMoveSerializer(data={name: row[name] for name in _NAMES if name in row})
    complaints = {} if named.is_valid() else dict(named.errors)
    action = row.get("action")
    if not isinstance(action, str) or action not in MOVES:
        # What else may be said hangs on what is to be done.
        raise ValidationError(complaints)
    words = _SAID.get(action, NothingSerializer)(data=said)
    if not words.is_valid():
        complaints |= words.errors
    if complaints:
        raise ValidationError(complaints)
    return Move(
        named.validated_data["id"], action, dict(words.validated_data), named.validated_data.get("version")
    )


_NAMES = ("id", "action", "version")


def moved_row(index: int, moved: Moved) -> dict[str, Any]:
    """The answer for a row whose move was tried."""
    if moved.flag is not None:
        return row_taken(index, UPDATED, moved.flag)
    return row_refused(index, _errors(f"/rows/{index}", moved.refusal))


def _errors(pointer: str, refusal: Exception | None) -> list[FieldError]:
    if isinstance(refusal, Refused):
        return [
            FieldError(pointer=f"{pointer}/{said.field}".rstrip("/"), code=said.code, detail=said.detail)
            for said in refusal.complaints
        ]
    if isinstance(refusal, NotHere):
        return [FieldError(pointer=f"{pointer}/id", code=NOT_FOUND, detail="There is no such flag here.")]
    if isinstance(refusal, StaleEdit):
        detail = "The flag has been moved since this version."
        return [FieldError(pointer=f"{pointer}/version", code=STALE, detail=detail)]
    assert isinstance(refusal, ImpossibleMove)
    return [FieldError(pointer=f"{pointer}/action", code=IMPOSSIBLE, detail=str(refusal))]
