"""A past value computed again from facts, under the scoring model of its day, beside what was recorded then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from outcomes.models import ValueRecord
from outcomes.pipeline.judge import judge_items
from outcomes.pipeline.score import score_items
from outcomes.pipeline.scored import ValueRow
from outcomes.pipeline.value_rows import HISTORY, NOISE
from outcomes.services.rewinding import edited_since, item_at, outcomes_at, workspace_at
from outcomes.services.scoring import scoring_model
from productops.workspaces.models import Workspace
from roadmap.models import Item

# What enters a value beside the item and its outcomes, which are taken back to how they stood.
OTHERS = ("link", "evidence", "survey", "problem", "customer", "product", "metric", "source")


@dataclass(frozen=True, slots=True)
class Replay:
    """A past value: as recorded (None when nothing was) and as it comes out now.

    `because` says what may lie behind a difference, late data or the types of what was edited since, or that
    there is no record to compare with.
    """

    on: date
    record: ValueRecord | None
    recomputed: ValueRow
    differs: list[dict[str, Any]] = field(default_factory=list)
    because: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool | None:
        return None if self.record is None else not self.differs


def value_at(*, workspace: Workspace, item: Item, on: date) -> Replay:
    """The item's value as of the end of a day. Reads only.

    The item, its outcomes and the workspace's thresholds are those of the record; facts are all that are dated
    up to the day, whenever they were received: what came late is why the two may differ.
    """
    record = (
        ValueRecord.objects.in_workspace(workspace.pk)
        .filter(item=item, judged_on__lte=on)
        .order_by("-as_of", "-id")
        .first()
    )
    if record is None:
        return Replay(on, None, _valued(workspace, item, on, None), because=["no_record"])
    recomputed = _valued(workspace, item, on, record)
    differs = [
        {"name": name, "recorded": before, "recomputed": after}
        for name in HISTORY
        if _differs(before := getattr(record, name), after := getattr(recomputed, name))
    ]
    edits = edited_since(workspace, record.recorded_at, OTHERS) if differs else []
    return Replay(on, record, recomputed, differs, (edits or ["late_data"]) if differs else [])


def _valued(workspace: Workspace, item: Item, on: date, record: ValueRecord | None) -> ValueRow:
    then, past, outcomes, model = workspace, item, None, None
    if record is not None:
        then = workspace_at(workspace, record.recorded_at)
        past, outcomes = item_at(item, record.recorded_at), outcomes_at(item, record.recorded_at)
        model = scoring_model(workspace=workspace, version=record.model_version or 0)
    # A copy of the workspace pinned to the day: everything is judged as of it, by the code that always judges.
    then = Workspace(**{f.attname: getattr(then, f.attname) for f in Workspace._meta.concrete_fields})
    then.pinned_on = on
    judged = judge_items(then, [past], {past.pk: date.max})
    return score_items(then, [past], judged, {}, model=model, outcomes=outcomes)[past.pk].value


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) > NOISE
