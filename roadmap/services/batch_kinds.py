"""Batches of customers, problems, evidence and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from productops.workspaces.complaints import Complaint, SaysWhatIsWrong
from productops.workspaces.models import Workspace
from roadmap.models import Customer, Evidence, Item, Link, Problem
from roadmap.rules import problems_with_weights
from roadmap.services import rows
from roadmap.services.batches import Batch, Draft
from roadmap.services.evidence import problems_with_the_piece, route_evidence
from roadmap.services.links import tell_links
from roadmap.services.problems import CIRCLE, closes_circle, parents_of
from roadmap.signals import problems_changed

TOO_MUCH = Complaint("weight", "too_much", "The weights of one item may sum to at most 1.")


class CustomerBatch(Batch[Customer]):
    model = Customer

    def words(self, row: Customer) -> str:
        return row.name

    def finish(self, drafts: Sequence[Draft[Customer]]) -> None:
        revalued = [draft.row.pk for draft in drafts if "mrr" in draft.before]
        touched = Evidence.objects.in_workspace(self.workspace.pk).filter(customer_id__in=revalued)
        rows.tell(problems_changed, self.workspace, touched.values_list("problem_id", flat=True), self.by)


class ProblemBatch(Batch[Problem]):
    model = Problem

    def words(self, row: Problem) -> str:
        return row.title

    def settle(self, drafts: Sequence[Draft[Problem]]) -> None:
        """Refuse what would close a circle; the rows of a batch are looked at one after the other."""
        moved = [draft for draft in drafts if "parent" in draft.before and draft.row.parent_id]
        if not moved:
            return
        # One change of the tree at a time: two that are each fine could close a circle together.
        Workspace.objects.select_for_update(no_key=True).get(pk=self.workspace.pk)
        parents = parents_of(self.workspace)
        for draft in moved:
            if closes_circle(parents, draft.row.pk, draft.row.parent_id):
                draft.refuse([CIRCLE])
            else:
                parents[draft.row.pk] = draft.row.parent_id

    def finish(self, drafts: Sequence[Draft[Problem]]) -> None:
        moved = [draft for draft in drafts if draft.is_new or "parent" in draft.before]
        old = [draft.before["parent"].pk for draft in moved if draft.before.get("parent")]
        ids = [pk for draft in moved for pk in (draft.row.pk, draft.row.parent_id)]
        rows.tell(problems_changed, self.workspace, [*ids, *old], self.by)


class EvidenceBatch(Batch[Evidence]):
    model = Evidence
    identity = ("problem_id", "external_id")
    names = "external_id"

    def standing(self) -> QuerySet[Evidence]:
        # A tombstone is nothing that people see or edit.
        return super().standing().filter(is_retracted=False)

    def complaints(self, row: Evidence, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_the_piece(row)

    def finish(self, drafts: Sequence[Draft[Evidence]]) -> None:
        moved = [draft for draft in drafts if "problem" in draft.before]
        old = [draft.before["problem"].pk for draft in moved]
        for draft in sorted(moved, key=lambda draft: draft.row.pk):
            if draft.row.external_id:
                before_id, into_id = draft.before["problem"].pk, draft.row.problem_id
                route_evidence(self.workspace, draft.row.external_id, before_id, into_id)
        now = [draft.row.problem_id for draft in drafts]
        rows.tell(problems_changed, self.workspace, [*now, *old], self.by)


class LinkBatch(Batch[Link]):
    model = Link
    identity = ("item_id", "problem_id")
    names = "problem"

    def complaints(self, row: Link, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_weights([row.weight])

    def settle(self, drafts: Sequence[Draft[Link]]) -> None:
        """Refuse what makes the links of an item weigh more than 1 together, the last of the batch first."""
        weights = self._weights_with(drafts)
        waiting = list(drafts)
        too_heavy = {item_id for item_id, held in weights.items() if problems_with_weights(held.values())}
        while too_heavy:
            last = next((draft for draft in reversed(waiting) if _adds_to(draft, too_heavy)), None)
            if last is None:
                return
            waiting.remove(last)
            heavy_id = last.row.item_id
            del weights[heavy_id][_slot(last)]
            last.refuse([TOO_MUCH])
            if not last.is_new:
                weights[last.row.item_id][_slot(last)] = last.row.weight
            for item_id in (heavy_id, last.row.item_id):
                if problems_with_weights(weights[item_id].values()):
                    too_heavy.add(item_id)
                else:
                    too_heavy.discard(item_id)

    def _weights_with(self, drafts: Sequence[Draft[Link]]) -> dict[int, dict[str, float]]:
        """What the links of every touched item would weigh, by item and link."""
        touched = {draft.row.item_id for draft in drafts}
        touched |= {draft.before["item"].pk for draft in drafts if "item" in draft.before}
        # The database locks an item when it checks its weights at commit; all of them now, in one order.
        items = Item.objects.in_workspace(self.workspace.pk).filter(pk__in=touched).order_by("pk")
        weights: dict[int, dict[str, float]] = {
            pk: {} for pk in items.select_for_update(no_key=True).values_list("pk", flat=True)
        }
        held = Link.objects.in_workspace(self.workspace.pk).filter(item_id__in=weights)
        for item_id, pk, weight in held.values_list("item_id", "pk", "weight"):
            weights[item_id][str(pk)] = weight
        for draft in drafts:
            if "item" in draft.before:
                weights[draft.before["item"].pk].pop(_slot(draft), None)
            weights[draft.row.item_id][_slot(draft)] = draft.row.weight
        return weights

    def finish(self, drafts: Sequence[Draft[Link]]) -> None:
        old = [draft.before for draft in drafts]
        items = [draft.row.item_id for draft in drafts] + [was["item"].pk for was in old if "item" in was]
        problems = [draft.row.problem_id for draft in drafts]
        problems += [was["problem"].pk for was in old if "problem" in was]
        if problems:
            tell_links(self.workspace, items, problems, self.by)


def _slot(draft: Draft[Link]) -> str:
    return f"new {draft.wish.index}" if draft.is_new else str(draft.row.pk)


def _adds_to(draft: Draft[Link], item_ids: set[int]) -> bool:
    """Whether one of these items would weigh less without the draft."""
    if draft.row.item_id not in item_ids:
        return False
    is_standing = not draft.is_new and "item" not in draft.before
    return not is_standing or draft.before.get("weight", draft.row.weight) < draft.row.weight
