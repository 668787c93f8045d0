"""Items: bets on the roadmap, from an idea to what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.thresholds import problems_with_thresholds
from productops.workspaces.versions import guarded_update
from roadmap.models import Item, Link
from roadmap.rules import DELIVERY, DISCOVERY, EXEMPT, IDEA, RELEASED, Complaint, problems_with_item
from roadmap.services import rows
from roadmap.services.history import has_past
from roadmap.services.links import WantedLink, replace_links, tell_links
from roadmap.signals import items_created

_BEFORE_RELEASE = (IDEA, DISCOVERY, DELIVERY)
_FROZEN = ("reach", "impact", "confidence", "effort")


@transaction.atomic
def create_item(
    *,
    workspace: Workspace,
    by: Actor,
    key: str = "",
    links: Sequence[WantedLink] = (),
    **fields: Any,
) -> Item:
    """Create an item with its links. Only a title is asked for; a key is made from it when there is none.

    Raises Refused, and IntegrityError when the key is taken.
    """
    item = Item(workspace=workspace, key=key, **fields)
    for name, value in release_consequences(Item(workspace=workspace), fields, workspace.today()).items():
        setattr(item, name, value)
    rows.check(item, problems_with_the_item(item))
    rows.insert_named(item, item.title)
    rows.tell(items_created, workspace, [item.pk], by)
    touched = replace_links(workspace, item, links)
    tell_links(workspace, [item.pk] if touched else [], touched, by, [item.product_id])
    return item


@transaction.atomic
def edit_item(
    *, workspace: Workspace, by: Actor, item_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    """Change an item; `links`, when given, replaces all of its links.

    What a move means follows by itself: becoming released sets the day and freezes the inputs, going back
    before release clears both.
    """
    item = rows.find(Item, workspace, item_id)
    said = {name: value for name, value in changes.items() if name != "links"}
    before = rows.edit(
        item,
        version,
        {**said, **edit_consequences(item, said, workspace.today())},
        problems_with_the_item(item),
    )
    touched = replace_links(workspace, item, changes["links"]) if "links" in changes else []
    if touched and not before:
        # The card shows its links: changing them is an edit of the item.
        guarded_update(Item.objects.in_workspace(workspace.pk), item_id, version, {})
    products: list[int | None] = []
    if "product" in before:
        products = [before["product"].pk if before["product"] else None, item.product_id]
    tell_links(workspace, [item_id] if before or touched else [], touched, by, products)


def release_item(
    *, workspace: Workspace, by: Actor, item_id: int, version: int | None = None, on: date | None = None
) -> None:
    """Release an item on a day, today when none is said; a day that is said is a statement and stays."""
    changes: dict[str, Any] = {"status": RELEASED}
    if on is not None:
        changes["released_on"] = on
    edit_item(workspace=workspace, by=by, item_id=item_id, version=version, changes=changes)


@transaction.atomic
def remove_item(*, workspace: Workspace, by: Actor, item_id: int, version: int | None) -> bool:
    item = rows.find(Item, workspace, item_id)
    problems = _problems_of(item)
    is_past = item.released_on is not None or has_past(item)
    is_gone = rows.archive_or_delete(item, version, is_past)
    tell_links(workspace, [] if is_gone else [item_id], problems, by)
    return is_gone


@transaction.atomic
def restore_item(*, workspace: Workspace, by: Actor, item_id: int, version: int | None) -> None:
    item = rows.find(Item, workspace, item_id)
    rows.restore(item, version)
    tell_links(workspace, [item_id], _problems_of(item), by)


def _problems_of(item: Item) -> list[int]:
    links = Link.objects.in_workspace(item.workspace_id).filter(item=item)
    return list(links.values_list("problem_id", flat=True))


def edit_consequences(held: Item, changes: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What else changes when a person edits these; `held` is the item before."""
    follows = release_consequences(held, changes, today)
    if changes.get("usage_policy", EXEMPT) != EXEMPT and "exemption_reason" not in changes:
        follows["exemption_reason"] = ""
    return follows


def release_consequences(held: Item, changes: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What else changes when these do. `held` is the item before; a new item is one that says nothing yet."""
    status = changes.get("status", held.status)
    told_day = "released_on" in changes
    day: date | None = changes.get("released_on", held.released_on)
    follows: dict[str, Any] = {}
    if told_day:
        follows["is_release_stated"] = day is not None
    if status == RELEASED:
        if day is None:
            follows["released_on"] = today
        if held.inputs_at_release is None:
            follows["inputs_at_release"] = {name: changes.get(name, getattr(held, name)) for name in _FROZEN}
    elif status in _BEFORE_RELEASE:
        follows["inputs_at_release"] = None
        if held.status not in _BEFORE_RELEASE and not told_day:
            # It has not been released, after all: a day that stayed would say so in every filter.
            follows |= {"released_on": None, "is_release_stated": False}
    return follows


def problems_with_the_item(item: Item) -> Iterator[Complaint]:
    """What is wrong with an item as it is to be."""
    yield from problems_with_item(
        status=item.status,
        horizon=item.horizon,
        kind=item.kind,
        usage_policy=item.usage_policy,
        exemption_reason=item.exemption_reason,
        reach=item.reach,
        impact=item.impact,
        confidence=item.confidence,
        effort=item.effort,
        released_on=item.released_on,
    )
    for said in problems_with_thresholds(
        grace_days=item.grace_days,
        window_days=item.window_days,
        under_used_below=item.under_used_below,
        target_adoption=item.target_adoption,
        natural_period_days=item.natural_period_days,
    ):
        yield Complaint(said.field, said.code, said.detail)
    if item.usage_policy != EXEMPT and item.exemption_reason:
        yield Complaint("exemption_reason", "not_exempt", "Only an exempt item has a reason for it.")
