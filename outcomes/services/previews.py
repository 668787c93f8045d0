"""What another scoring model would change, told before it is switched on: read set-wise, writing nothing."""

from __future__ import annotations

from collections.abc import Iterator
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
_AT_ONCE = 2_000
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
    """How many items would move. `points` is the change of the proven value that counts as moving."""

    points: float
    items: int = 0
    changed: int = 0
    moved: int = 0
    up: int = 0
    down: int = 0
    shifts: list[Shift] = field(default_factory=list)

    def totals(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("points", "items", "changed", "moved", "up", "down")}

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
    """Value every item under other weights, from the inputs that its stored value rests on.

    A value that becomes known or unknown counts as one that came from or went to 0. Items whose facts are
    still being read are taken as they stood when they were last valued.
    """
    found = Preview(points)
    largest: list[tuple[tuple[float, int], Shift]] = []
    for item_id, before, explanation in _stored(workspace):
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
    return found


def _shift(item_id: int, before: dict[str, float | None], after: Realised) -> Shift:
    now = {"realised": after.realised, "proven": after.proven, "coverage": after.coverage}
    return Shift(item_id, before, now, (now["proven"] or 0.0) - (before["proven"] or 0.0))


def _stored(workspace: Workspace) -> Iterator[tuple[int, dict[str, float | None], dict[str, Any]]]:
    """Every released item's value and what it rests on, some at a time."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PAGE, {"workspace": workspace.pk, "after": after, "limit": _AT_ONCE})
            rows = cursor.fetchall()
        for item_id, realised, proven, coverage, told in rows:
            yield item_id, {"realised": realised, "proven": proven, "coverage": coverage}, _decode(told)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


_PAGE = """
    SELECT v.item_id, v.realised, v.proven, v.coverage,
           json_build_object('is_released', true, 'outcomes', v.explanation -> 'outcomes',
                             'adoption', v.explanation -> 'adoption',
                             'retention', v.explanation -> 'retention',
                             'is_any_effect_worse', v.explanation -> 'is_any_effect_worse')::text
    FROM outcomes_itemvalue v JOIN roadmap_item i ON i.id = v.item_id AND i.archived_at IS NULL
    WHERE v.workspace_id = %(workspace)s AND v.item_id > %(after)s
      AND v.explanation -> 'is_released' = 'true'::jsonb
    ORDER BY v.item_id LIMIT %(limit)s
"""
