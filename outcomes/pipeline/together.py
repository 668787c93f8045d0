"""Facts of many deliveries written by one statement a table.

A transaction that states a fact of each of two hundred deliveries takes hardly longer than one that states two
hundred of one. Deliveries that state the same identity are kept apart, so that each is told what became of its
own rows, as if they had come one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from outcomes.pipeline import facts
from outcomes.pipeline.facts import By, FactTable

Row = tuple[Any, ...]
# Told of the rows of one delivery that won, and how many of them changed what stood there.
Heard = Callable[[list[Row], int], None]


@dataclass(slots=True)
class _Waiting:
    """What is to be written to one table: the rows, who states them, and who wants to hear of it."""

    rows: list[Row] = field(default_factory=list)
    by: list[By] = field(default_factory=list)
    identities: set[Row] = field(default_factory=set)
    heard: list[Heard] = field(default_factory=list)


class Together:
    """Collects statements, and writes them when asked to or when one speaks of what another has spoken of."""

    def __init__(self, workspace_id: int) -> None:
        self._workspace_id = workspace_id
        self._waiting: dict[str, tuple[FactTable, _Waiting]] = {}

    def state(self, table: FactTable, rows: Sequence[Row], by: By, heard: Heard) -> None:
        """Take the statements of one delivery (no identity twice); `heard` is called once they are written."""
        if not rows:
            return
        _, waiting = self._waiting.setdefault(table.name, (table, _Waiting()))
        identities = [table.identity_of(row) for row in rows]
        # Who is behind a change is told to the database before the statement: one source at a time.
        is_others = table.is_recorded and bool(waiting.by) and waiting.by[-1].source_id != by.source_id
        if is_others or not waiting.identities.isdisjoint(identities):
            self._write(table, waiting)
            waiting = _Waiting()
            self._waiting[table.name] = (table, waiting)
        place = len(waiting.by)
        waiting.by.append(by)
        waiting.heard.append(heard)
        waiting.identities.update(identities)
        waiting.rows += [(*row, place) for row in rows]

    def write(self) -> None:
        """Write what was collected, the tables always in the same order."""
        for _, (table, waiting) in sorted(self._waiting.items()):
            self._write(table, waiting)
        self._waiting.clear()

    def forget(self) -> None:
        """Let go of what was collected: its transaction was rolled back."""
        self._waiting.clear()

    def _write(self, table: FactTable, waiting: _Waiting) -> None:
        won: list[list[Row]] = [[] for _ in waiting.by]
        changes = [0 for _ in waiting.by]
        for one in facts.state(table, waiting.rows, workspace_id=self._workspace_id, by=waiting.by):
            row = waiting.rows[one.place]
            won[row[-1]].append(row)
            changes[row[-1]] += one.is_change
        for heard, rows, changed in zip(waiting.heard, won, changes, strict=True):
            heard(rows, changed)
