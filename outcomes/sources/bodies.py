"""What was read of a body: rows, what was refused of it and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic

import msgspec

from outcomes.sources.rows import SECTIONS, R, Row


class BodyRefused(Exception):
    """The body as a whole cannot be read; nothing of it was taken. `part` names the part to blame, if one is."""

    def __init__(self, detail: str, part: str = "") -> None:
        super().__init__(detail)
        self.part = part


def unmarked(body: bytes) -> bytes:
    """The body without the mark of UTF-8 (a BOM) that some senders put before it."""
    return body.removeprefix(b"\xef\xbb\xbf")


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A name that means nothing here yet: `kind` is one of CANDIDATE_KINDS. `at` is when it was spoken of."""

    kind: str
    name: str
    at: datetime
    sample: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not taken: where it stood (a JSON pointer), a code for programs, words for people."""

    pointer: str
    code: str
    detail: str
    # The name nobody claimed, when that is why: it becomes a candidate.
    unclaimed: Unclaimed | None = None

    def as_json(self) -> dict[str, str]:
        # What a sender called something may be no text that the database takes.
        pointer, detail = (_storable(text[:300]) for text in (self.pointer, self.detail))
        return {"row": pointer, "code": self.code, "detail": detail}


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class Numbered(msgspec.Struct, Generic[R], frozen=True):
    """A row, its place in the body and its number among all rows, by which later rows win over earlier."""

    row: R
    pointer: str
    number: int


@dataclass(slots=True)
class NativeBody:
    """What a body states. `sent_at` is the sender's time of stating, None when it said none."""

    sent_at: datetime | None = None
    covers: list[date] = field(default_factory=list)
    rows: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    refusals: list[Refusal] = field(default_factory=list)
    row_count: int = 0

    def take(self, section: str, rows: Sequence[Row]) -> None:
        """Add a whole section of rows that were looked at, numbered in their order."""
        first = self.row_count + 1
        self.rows[section] += [
            Numbered(row, f"/{section}/{index}", first + index) for index, row in enumerate(rows)
        ]
        self.row_count += len(rows)
