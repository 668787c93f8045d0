"""Links: which problems an item is for, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, beneath, refuse_if_any
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_delete, guarded_update
from roadmap.models import Item, Link, Problem
from roadmap.rules import problems_with_weights
from roadmap.services.rows import check, edit, find, tell
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
    guarded_delete(Link.objects.in_workspace(workspace.pk), link_id, version)
    tell_links(workspace, [link.item_id], [link.problem_id], by)
    return True


def replace_links(workspace: Workspace, item: Item, wanted: Sequence[WantedLink]) -> list[int]:
    """Make the item's links exactly these, inside the caller's transaction.

    Returns the problems whose credit is divided anew; raises Refused with the place of each complaint.
    """
    refuse_if_any(_complaints(workspace, wanted))
    held = {link.problem_id: link for link in Link.objects.in_workspace(workspace.pk).filter(item=item)}
    asked = {link.problem.pk: link.weight for link in wanted}
    touched = {pk for pk in held.keys() | asked.keys() if pk not in held or asked.get(pk) != held[pk].weight}
    links = Link.objects.in_workspace(workspace.pk)
    links.filter(item=item, problem_id__in=held.keys() - asked.keys()).delete()
    for pk in sorted(touched & held.keys() & asked.keys()):
        guarded_update(links, held[pk].pk, None, {"weight": asked[pk]})
    Link.objects.bulk_create(
        Link(workspace=workspace, item=item, problem_id=pk, weight=asked[pk])
        for pk in sorted(asked.keys() - held.keys())
    )
    return sorted(touched)


def tell_links(workspace: Workspace, item_ids: Iterable[int], problem_ids: Iterable[int], by: Actor) -> None:
    """A link moves credit: among all items of its problem, not only the one it is on."""
    problems = sorted(set(problem_ids))
    beside = Link.objects.in_workspace(workspace.pk).filter(problem_id__in=problems)
    tell(problems_changed, workspace, problems, by)
    tell(items_changed, workspace, {*item_ids, *beside.values_list("item_id", flat=True)}, by)


def _other_weights(workspace: Workspace, item_id: int, but: int | None = None) -> list[float]:
    links = Link.objects.in_workspace(workspace.pk).filter(item_id=item_id)
    return [weight for pk, weight in links.values_list("pk", "weight") if pk != but]


def _complaints(workspace: Workspace, wanted: Sequence[WantedLink]) -> list[Complaint]:
    complaints: list[Complaint] = []
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
