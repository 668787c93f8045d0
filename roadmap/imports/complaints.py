"""What is wrong with a file, by line and column, and what became of its rows. Knows no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_COMPLAINTS = 1000
"""How many complaints a report spells out; a file that is wrong throughout is told the rest as a number."""


@dataclass(frozen=True, slots=True)
class RowComplaint:
    """One thing wrong on one line, counted from 1 with the header; an empty column means the whole line."""

    line: int
    column: str
    code: str
    detail: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.detail}"


class FileRefused(Exception):
    """The file as a whole cannot be read, and nothing of it was taken."""

    def __init__(self, complaints: Sequence[RowComplaint]) -> None:
        self.complaints = list(complaints)
        super().__init__("; ".join(map(str, complaints)))


@dataclass(slots=True)
class Report:
    """What an import did, or in a dry run would have done: every row is in exactly one of the four totals."""

    kind: str
    is_dry_run: bool = False
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    complaints: list[RowComplaint] = field(default_factory=list)
    complaints_left_out: int = 0

    def refuse(self, complaints: Sequence[RowComplaint]) -> None:
        """Count one row as refused, for these reasons."""
        self.refused += 1
        room = max(0, MAX_COMPLAINTS - len(self.complaints))
        self.complaints.extend(complaints[:room])
        self.complaints_left_out += max(0, len(complaints) - room)

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.created} created, {self.updated} updated,"
            f" {self.unchanged} unchanged, {self.refused} refused"
        )
