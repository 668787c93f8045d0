"""What one delivery states while it is recorded: by whom, its rows by identity, and what they leave behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from outcomes.models import Source
from outcomes.pipeline.marks import Marks
from outcomes.pipeline.seen import Seen
from outcomes.pipeline.together import Row
from outcomes.sources.bodies import Numbered
from outcomes.sources.rows import RetractRow
from productops.workspaces.actors import Actor


@dataclass(slots=True)
class Tally:
    """What became of a delivery's rows."""

    taken: int = 0
    duplicates: int = 0
    refused: int = 0


class Trail:
    """What one delivery leaves behind besides its facts: marks, what its source spoke of, who was heard."""

    def __init__(self, workspace_id: int) -> None:
        self.marks = Marks(workspace_id)
        self.seen = Seen(workspace_id)
        self.heard: set[int] = set()
        # Items and days whose toggles were counted.
        self.exposed: set[tuple[int, date]] = set()


@dataclass(frozen=True, slots=True)
class Statement:
    """Who states a body's rows, and when: what decides which of two statements wins."""

    workspace_id: int
    source: Source
    stated_at: datetime
    stated_by: str
    cause: dict[str, Any]
    marks: Marks
    seen: Seen
    # Whom changes of the roadmap are attributed to.
    who: Actor


class Rows:
    """Facts of one body by identity: of two rows with one identity the later wins, the other is a duplicate."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._rows: dict[tuple[Any, ...], tuple[int, tuple[Any, ...], bool]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self, identity: tuple[Any, ...], fact: tuple[Any, ...], is_retracted: bool, numbered: Numbered[Any]
    ) -> None:
        held = self._rows.get(identity)
        if held is not None:
            self._tally.duplicates += 1
            if held[0] > numbered.number:
                return
        self._rows[identity] = (numbered.number, fact, is_retracted)

    def facts(self) -> Iterable[tuple[Any, ...]]:
        return (fact for _, fact, _ in self._rows.values())

    def facts_and_retractions(self) -> Iterable[tuple[tuple[Any, ...], bool]]:
        return ((fact, is_retracted) for _, fact, is_retracted in self._rows.values())

    def with_statements(self) -> list[tuple[Any, ...]]:
        return [(*fact, is_retracted, number) for number, fact, is_retracted in self._rows.values()]


def mark_metric_days(won: list[Row], by: Statement) -> None:
    for metric_id, series, on in {(row[0], row[1], row[3]) for row in won}:
        by.marks.add("metric_day", metric_id, series=series, on=on, cause=by.cause)


def mark_usage_days(won: list[Row], by: Statement) -> None:
    for item_id, on in {row[:2] for row in won}:
        by.marks.add("usage_day", item_id, on=on, cause=by.cause)


def mark_items(won: list[Row], by: Statement) -> None:
    for item_id, on in {row[:2] for row in won}:
        by.marks.add("item", item_id, from_on=on, cause=by.cause)


def mark_experiments(won: list[Row], by: Statement) -> None:
    for experiment_id in {row[0] for row in won}:
        by.marks.add("experiment", experiment_id, cause=by.cause)


def mark_problems(won: list[Row], by: Statement) -> None:
    for problem_id in {row[0] for row in won}:
        by.marks.add("problem", problem_id, cause=by.cause)


def stated(
    rows: list[Numbered[Any]], retracted: list[Numbered[RetractRow]]
) -> Iterable[tuple[Numbered[Any], bool]]:
    for numbered in rows:
        yield numbered, False
    for numbered in retracted:
        yield numbered, True


def by_kind(rows: list[Numbered[RetractRow]]) -> defaultdict[str, list[Numbered[RetractRow]]]:
    by_kind: defaultdict[str, list[Numbered[RetractRow]]] = defaultdict(list)
    for numbered in rows:
        by_kind[numbered.row.kind].append(numbered)
    return by_kind
