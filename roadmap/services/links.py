"""Links: which problems an item is for, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, beneath, complaint_if_archived, refuse_if_any
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_delete
from roadmap.models import Item, Link, Problem
from roadmap.rules import problems_with_weights
from roadmap.services.rows import check, edit, find, refuse_if_part_of_archived, tell, write_many
from roadmap.signals import items_changed, problems_changed


@dataclass(frozen=True, slots=True)
class WantedLink:
    """A link as an item's body says it."""

    problem: Problem
    weight: float = 1.0


@transaction.atomic
def create_link(
    *, workspace: Workspace, by: Actor, item: Item, problem: Problem, weight: float = 1.0
) -> Link:
    link = Link(workspace=workspace, item=item, problem=problem, weight=weight)
    check(link, problems_with_weights([*_other_weights(workspace, item.pk), weight]))
    link.save(force_insert=True)
    tell_links(workspace, [item.pk], [problem.pk], by)
    return link


@transaction.atomic
def edit_link(
    *, workspace: Workspace, by: Actor, link_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    link = find(Link, workspace, link_id)
    items, problems = [link.item_id], [link.problem_id]
    item = changes.get("item", link.item)
    others = _other_weights(workspace, item.pk, but=link_id)
    rules = problems_with_weights([*others, changes.get("weight", link.weight)])
    if edit(link, version, changes, rules):
        tell_links(workspace, [*items, link.item_id], [*problems, link.problem_id], by)


@transaction.atomic
def remove_link(*, workspace: Workspace, by: Actor, link_id: int, version: int | None) -> bool:
    link = find(Link, workspace, link_id)
    refuse_if_part_of_archived(link)
    guarded_delete(Link.objects.in_workspace(workspace.pk), link_id, version)
    tell_links(workspace, [link.item_id], [link.problem_id], by)
    return True


def replace_links(workspace: Workspace, item: Item, wanted: Sequence[WantedLink]) -> list[int]:
    """Make the item's links exactly these, inside the caller's transaction.

    Returns the problems whose credit is divided anew; raises Refused with the place of each complaint.
    """
    refuse_if_any(problems_with_links(workspace, wanted, item))
    return replace_links_of(workspace, {item.pk: wanted})


def replace_links_of(workspace: Workspace, wanted: Mapping[int, Sequence[WantedLink]]) -> list[int]:
    """Make the links of these items (by id) exactly these, which `problems_with_links` has nothing against.

    Returns the problems whose credit is divided anew.
    """
    difference = compare_links(workspace, wanted)
    links = Link.objects.in_workspace(workspace.pk)
    links.filter(pk__in=[link.pk for link in difference.gone]).delete()
    write_many(Link, difference.changed, ["weight"])
    Link.objects.bulk_create(difference.new)
    return sorted({link.problem_id for link in (*difference.gone, *difference.changed, *difference.new)})


@dataclass(frozen=True, slots=True)
class LinkDifference:
    """What has to happen to links so that they are what is wanted."""

    gone: list[Link]
    changed: list[Link]
    new: list[Link]

    @property
    def item_ids(self) -> set[int]:
        return {link.item_id for link in (*self.gone, *self.changed, *self.new)}


def compare_links(workspace: Workspace, wanted: Mapping[int, Sequence[WantedLink]]) -> LinkDifference:
    """Hold the standing links of these items, locked in one order, against what is wanted."""
    standing = Link.objects.in_workspace(workspace.pk).filter(item_id__in=wanted)
    held = {(link.item_id, link.problem_id): link for link in standing.order_by("pk").select_for_update()}
    asked = {(item_id, link.problem.pk): link.weight for item_id, links in wanted.items() for link in links}
    changed = [held[pair] for pair in sorted(held.keys() & asked.keys()) if held[pair].weight != asked[pair]]
    for link in changed:
        link.weight = asked[link.item_id, link.problem_id]
    return LinkDifference(
        gone=[held[pair] for pair in sorted(held.keys() - asked.keys())],
        changed=changed,
        new=[
            Link(workspace=workspace, item_id=pair[0], problem_id=pair[1], weight=asked[pair])
            for pair in sorted(asked.keys() - held.keys())
        ],
    )


def tell_links(
    workspace: Workspace,
    item_ids: Iterable[int],
    problem_ids: Iterable[int],
    by: Actor,
    products: Iterable[int | None] = (),
) -> None:
    """A link moves credit: among all items of its problem, not only the one it is on.

    `products` are those that the items came to or left.
    """
    problems = sorted(set(problem_ids))
    beside = Link.objects.in_workspace(workspace.pk).filter(problem_id__in=problems)
    credited = beside.values_list("item_id", flat=True) if problems else ()
    tell(problems_changed, workspace, problems, by)
    tell(items_changed, workspace, {*item_ids, *credited}, by, products=products)


def _other_weights(workspace: Workspace, item_id: int, but: int | None = None) -> list[float]:
    links = Link.objects.in_workspace(workspace.pk).filter(item_id=item_id)
    return [weight for pk, weight in links.values_list("pk", "weight") if pk != but]


def problems_with_links(workspace: Workspace, wanted: Sequence[WantedLink], item: Item) -> list[Complaint]:
    """What is wrong with all the links of one item, new or standing, each with its place."""
    complaints: list[Complaint] = _newly_linked_to_archived(wanted, item)
    seen: set[int] = set()
    for index, link in enumerate(wanted):
        complaints += beneath(f"links/{index}", problems_with_weights([link.weight]))
        if link.problem.workspace_id != workspace.pk:
            complaints.append(
                Complaint(f"links/{index}/problem", "does_not_exist", "There is no such object here.")
            )
        if link.problem.pk in seen:
            complaints.append(Complaint(f"links/{index}/problem", "repeated", "Linked twice."))
        seen.add(link.problem.pk)
    if not complaints:
        total = problems_with_weights(link.weight for link in wanted)
        complaints = [Complaint("links", said.code, said.detail) for said in total]
    return complaints


def _newly_linked_to_archived(wanted: Sequence[WantedLink], item: Item) -> list[Complaint]:
    """A link to what was archived since may stay; a new one is refused."""
    away = {index: link.problem for index, link in enumerate(wanted) if link.problem.archived_at is not None}
    if not away:
        return []
    linked = set(
        Link.objects.filter(item_id=item.pk, problem__in=away.values()).values_list("problem_id", flat=True)
    )
    return [
        complaint
        for index, problem in away.items()
        if problem.pk not in linked
        for complaint in complaint_if_archived(problem, f"links/{index}/problem")
    ]
