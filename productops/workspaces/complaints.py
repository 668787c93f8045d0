"""How a room says no: everything that is wrong at once, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

ARCHIVED = "archived"


class SaysWhatIsWrong(Protocol):
    """What is wrong with one field, whichever module found it (`roadmap.rules` has a type of its own)."""

    @property
    def field(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def detail(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one field: its path (`weight`, `links/0/problem`; empty for the whole), a code for
    programs and a sentence for people."""

    field: str
    code: str
    detail: str


class Refused(Exception):
    """The change breaks a rule and nothing of it was done."""

    def __init__(self, complaints: Iterable[SaysWhatIsWrong]) -> None:
        self.complaints = [Complaint(said.field, said.code, said.detail) for said in complaints]
        super().__init__("; ".join(f"{said.field}: {said.detail}" for said in self.complaints))


class InUse(Refused):
    """What stands forbids it, not the values: something else has to change first."""


class Archived(InUse):
    """It is about something that was put away: that can be read and restored, and is not changed before."""


def refuse_if_any(complaints: Iterable[SaysWhatIsWrong]) -> None:
    """Raise Refused with all of them unless there are none; Archived when that is all that is wrong."""
    taken = list(complaints)
    if taken:
        raise (Archived if all(said.code == ARCHIVED for said in taken) else Refused)(taken)


def complaint_if_archived(row: object, field: str = "") -> list[Complaint]:
    """What is to be said against changing this row, or against tying something to it in `field`."""
    if getattr(row, "archived_at", None) is None:
        return []
    return [Complaint(field, ARCHIVED, "It is archived; restore it first.")]


def beneath(path: str, complaints: Iterable[SaysWhatIsWrong]) -> list[Complaint]:
    """The same complaints about a part of a larger whole, `links/0` say."""
    return [Complaint(f"{path}/{said.field}".rstrip("/"), said.code, said.detail) for said in complaints]
