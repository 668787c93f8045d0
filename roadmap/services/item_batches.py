"""Batches of items, with their links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import SaysWhatIsWrong
from productops.workspaces.models import Workspace
from roadmap.models import Item, Link
from roadmap.services import rows
from roadmap.services.batches import Batch, Draft
from roadmap.services.items import edit_consequences, problems_with_the_item, release_consequences
from roadmap.services.links import compare_links, problems_with_links, replace_links_of
from roadmap.signals import items_changed, items_created, problems_changed


class ItemBatch(Batch[Item]):
    """Items with their links. `links`, when given, replaces all links of an item."""

    model = Item
    extras = frozenset({"links"})

    def __init__(self, workspace: Workspace, by: Actor) -> None:
        super().__init__(workspace, by)
        self.today = workspace.today()

    def words(self, row: Item) -> str:
        return row.title

    def follows(self, row: Item, said: Mapping[str, Any]) -> dict[str, Any]:
        follow = release_consequences if row.pk is None else edit_consequences
        return follow(row, said, self.today)

    def complaints(self, row: Item, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        yield from problems_with_the_item(row)
        if "links" in said:
            yield from problems_with_links(self.workspace, said["links"], row)

    def settle(self, drafts: Sequence[Draft[Item]]) -> None:
        wanted = {draft.row.pk: draft.wish.said["links"] for draft in drafts if _relinks(draft)}
        relinked = compare_links(self.workspace, wanted).item_ids if wanted else set()
        for draft in drafts:
            # The card shows its links: changing them is an edit of the item.
            draft.is_touched = draft.row.pk in relinked

    def finish(self, drafts: Sequence[Draft[Item]]) -> None:
        new = [draft.row.pk for draft in drafts if draft.is_new]
        changed = [draft.row.pk for draft in drafts if not draft.is_new]
        rows.tell(items_created, self.workspace, new, self.by)
        links = {draft.row.pk: draft.wish.said["links"] for draft in drafts if "links" in draft.wish.said}
        problems = replace_links_of(self.workspace, links) if links else []
        rows.tell(problems_changed, self.workspace, problems, self.by)
        # A link moves credit among all items of its problem.
        beside = Link.objects.in_workspace(self.workspace.pk).filter(problem_id__in=problems)
        credited = beside.values_list("item_id", flat=True) if problems else ()
        moved = [draft for draft in drafts if draft.is_new or "product" in draft.before]
        old = [draft.before["product"].pk for draft in moved if draft.before.get("product")]
        products = [*(draft.row.product_id for draft in moved), *old]
        rows.tell(items_changed, self.workspace, [*changed, *credited], self.by, products=products)


def _relinks(draft: Draft[Item]) -> bool:
    return not draft.is_new and "links" in draft.wish.said
