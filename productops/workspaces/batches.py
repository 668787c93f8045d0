"""Many rows at once: what is wished for each, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from productops.workspaces.complaints import Complaint
from productops.workspaces.models import Versioned

MOST_ROWS = 1000

CREATED: Literal["created"] = "created"
UPDATED: Literal["updated"] = "updated"
UNCHANGED: Literal["unchanged"] = "unchanged"
REFUSED: Literal["refused"] = "refused"

ROW_STATUSES = (CREATED, UPDATED, UNCHANGED, REFUSED)

# What a row would have been taken for does not matter when the whole is refused for another one.
NOT_WRITTEN: Literal["not_written"] = "not_written"

# Why a row is refused although its values are fine; every other code is about a value.
NOT_FOUND, STALE, TAKEN, IMPOSSIBLE = "not_found", "stale_edit", "taken", "impossible_move"


@dataclass(frozen=True, slots=True)
class Wish:
    """One row of a batch: make one of `said`, or change the one named by `ref` that still has `version`.

    `index` is its place in the batch; `ref` is an id or a key.
    """

    index: int
    said: Mapping[str, Any]
    ref: str | int | None = None
    version: int | None = None


@dataclass(slots=True)
class RowAnswer:
    """What became of one row; `row` is None when it was refused."""

    index: int
    status: Literal["created", "updated", "unchanged", "refused"]
    row: Versioned | None = None
    complaints: list[Complaint] = field(default_factory=list)
