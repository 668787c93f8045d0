"""Batches of metrics, of outcomes, and of items with the outcomes they are to move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from outcomes.models import Metric, Outcome
from outcomes.pipeline.effect_marks import mark_effects_of_metrics
from outcomes.services.items import problems_with_outcomes
from outcomes.services.marking import edit_by, mark_effects, mark_experiments_of_items, mark_items
from outcomes.services.metrics import READ_BY_SCORES, problems_with_metric
from outcomes.services.outcomes import normalised, problems_with_outcome
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, SaysWhatIsWrong
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.services.batches import Batch, Draft
from roadmap.services.item_batches import ItemBatch


class MetricBatch(Batch[Metric]):
    model = Metric

    def follows(self, row: Metric, said: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": said["key"]} if row.pk is None and not said.get("name") else {}

    def complaints(self, row: Metric, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_metric({"name": row.name, "key": row.key, **said})

    def finish(self, drafts: Sequence[Draft[Metric]]) -> None:
        changed = [draft.row.pk for draft in drafts if READ_BY_SCORES & draft.before.keys()]
        on_metric = Outcome.objects.in_workspace(self.workspace.pk).filter(metric_id__in=changed)
        mark_effects_of_metrics(self.workspace.pk, changed, edit_by(self.by))
        mark_items(self.workspace, on_metric.values_list("item_id", flat=True), self.by)


class OutcomeBatch(Batch[Outcome]):
    model = Outcome
    identity = ("item_id", "metric_id", "series")
    names = "metric"

    def __init__(self, workspace: Workspace, by: Actor) -> None:
        super().__init__(workspace, by)
        self._controls: dict[int, Any] = {}

    def follows(self, row: Outcome, said: Mapping[str, Any]) -> dict[str, Any]:
        # While it is still as it was: what it had before may stay.
        self._controls[row.pk] = row.controls
        return {name: value for name, value in normalised(dict(said)).items() if value != said[name]}

    def complaints(self, row: Outcome, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_outcome(row, said, self._controls.get(row.pk, ()))

    def settle(self, drafts: Sequence[Draft[Outcome]]) -> None:
        for draft in drafts:
            moved = [name for name in ("item", "metric") if name in draft.before]
            detail = "An outcome keeps its item and metric; set another outcome instead."
            draft.refuse(Complaint(name, "cannot_change", detail) for name in moved)

    def finish(self, drafts: Sequence[Draft[Outcome]]) -> None:
        item_ids = [draft.row.item_id for draft in drafts]
        mark_effects(self.workspace, item_ids, self.by)
        mark_experiments_of_items(self.workspace, item_ids, self.by)
        mark_items(self.workspace, item_ids, self.by)


class ItemWithOutcomesBatch(ItemBatch):
    """Items with their links; a new one may carry its outcomes, too."""

    extras = frozenset({"links", "outcomes"})

    def complaints(self, row: Item, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        yield from super().complaints(row, said)
        if "outcomes" not in said:
            return
        if row.pk is not None:
            detail = "Outcomes come with a new item; later each is set and changed under /outcomes/."
            yield Complaint("outcomes", "only_on_creation", detail)
        else:
            yield from problems_with_outcomes(row, said["outcomes"])

    def finish(self, drafts: Sequence[Draft[Item]]) -> None:
        super().finish(drafts)
        # New items are marked already.
        Outcome.objects.bulk_create(
            Outcome(workspace=self.workspace, item=draft.row, **normalised(dict(outcome)))
            for draft in sorted(drafts, key=lambda draft: draft.row.pk)
            for outcome in draft.wish.said.get("outcomes", ())
        )
        mark_effects(
            self.workspace, [draft.row.pk for draft in drafts if "outcomes" in draft.wish.said], self.by
        )
