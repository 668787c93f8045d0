"""What another scoring model would change, told before it is switched on: read set-wise, writing nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from heapq import heappush, heappushpop
from typing import Any

import msgspec
from django.db import connection

from outcomes.formulas.realised import Realised, ScoringWeights
from outcomes.formulas.valuing import inputs_from, value_of
from productops.workspaces.models import Workspace
from roadmap.models import Item

POINTS = 5.0
MOST_SHOWN = 200
# A request waits for it: of more items than this an even part is valued, and said to be one.
MOST_VALUED = 4_000
_AT_ONCE = 500
_NOISE = 1e-9

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Shift:
    """One item under the model in force and under the other; values are 0..100 or None when unknown."""

    item_id: int
    before: dict[str, float | None]
    after: dict[str, float | None]
    difference: float

    @property
    def size(self) -> tuple[float, int]:
        return (abs(self.difference), -self.item_id)


@dataclass(slots=True)
class Preview:
    """How many items would move. `points` is the change of the proven value that counts as moving.

    `items` were valued, of those that are `released`; where these are more, `items` are an even part of them.
    """

    points: float
    released: int = 0
    items: int = 0
    changed: int = 0
    moved: int = 0
    up: int = 0
    down: int = 0
    shifts: list[Shift] = field(default_factory=list)

    def totals(self) -> dict[str, Any]:
        names = ("points", "released", "items", "changed", "moved", "up", "down")
        return {name: getattr(self, name) for name in names}

    @property
    def is_part(self) -> bool:
        """Whether there were too many to value all of them."""
        return self.released > self.items

    def results(self, workspace: Workspace) -> list[dict[str, Any]]:
        """The items that would move most, the largest change first."""
        items = Item.objects.in_workspace(workspace.pk).in_bulk([shift.item_id for shift in self.shifts])
        return [
            {"item": items[shift.item_id], **{k: v for k, v in asdict(shift).items() if k != "item_id"}}
            for shift in sorted(self.shifts, key=lambda shift: shift.size, reverse=True)
            if shift.item_id in items
        ]


def preview(
    workspace: Workspace, weights: ScoringWeights, *, points: float = POINTS, limit: int = MOST_SHOWN
) -> Preview:
    """Value the released items under other weights, from the inputs that their stored values rest on.

    A value that becomes known or unknown counts as one that came from or went to 0. Items whose facts are
    still being read are taken as they stood when they were last valued.
    """
    ids = _released(workspace)
    found = Preview(points)
    largest: list[tuple[tuple[float, int], Shift]] = []
    for item_id, before, explanation in _stored(_even_part(ids)):
        found.items += 1
        after = value_of(inputs_from(explanation), weights)
        shift = _shift(item_id, before, after)
        if abs(shift.difference) > _NOISE or shift.before != shift.after:
            found.changed += 1
        if abs(shift.difference) <= points:
            continue
        found.moved += 1
        found.up += shift.difference > 0
        found.down += shift.difference < 0
        if len(largest) < limit:
            heappush(largest, (shift.size, shift))
        elif limit:
            heappushpop(largest, (shift.size, shift))
    found.shifts = [shift for _, shift in largest]
    found.released = len(ids) if len(ids) > MOST_VALUED else found.items
    return found


def _shift(item_id: int, before: dict[str, float | None], after: Realised) -> Shift:
    now = {"realised": after.realised, "proven": after.proven, "coverage": after.coverage}
    return Shift(item_id, before, now, (now["proven"] or 0.0) - (before["proven"] or 0.0))


def _released(workspace: Workspace) -> list[int]:
    """The released items that have a value, in order. What is long in a row is not read for it."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASED, {"workspace": workspace.pk})
        return [row[0] for row in cursor.fetchall()]


def _even_part(ids: Sequence[int]) -> Sequence[int]:
    """All of them, or as many as are valued at most, as far apart from each other as can be."""
    if len(ids) <= MOST_VALUED:
        return ids
    return [ids[number * len(ids) // MOST_VALUED] for number in range(MOST_VALUED)]


def _stored(ids: Sequence[int]) -> Iterator[tuple[int, dict[str, float | None], dict[str, Any]]]:
    """The value of each of these and what it rests on, some at a time."""
    for first in range(0, len(ids), _AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_PAGE, {"ids": list(ids[first : first + _AT_ONCE])})
            rows = cursor.fetchall()
        for item_id, realised, proven, coverage, told in rows:
            yield item_id, {"realised": realised, "proven": proven, "coverage": coverage}, _decode(told)


_RELEASED = """
    SELECT v.item_id FROM outcomes_itemvalue v JOIN roadmap_item i ON i.id = v.item_id AND i.archived_at IS NULL
    WHERE v.workspace_id = %(workspace)s AND i.released_on IS NOT NULL
    ORDER BY v.item_id
"""

_PAGE = """
    SELECT v.item_id, v.realised, v.proven, v.coverage,
           json_build_object('is_released', true, 'outcomes', v.explanation -> 'outcomes',
                             'adoption', v.explanation -> 'adoption',
                             'retention', v.explanation -> 'retention',
                             'is_any_effect_worse', v.explanation -> 'is_any_effect_worse')::text
    FROM outcomes_itemvalue v
    WHERE v.item_id = ANY(%(ids)s) AND v.explanation -> 'is_released' = 'true'::jsonb
    ORDER BY v.item_id
"""
