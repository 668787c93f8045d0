"""What outcomes hears from the roadmap and the workspaces below: each change becomes marks, in its transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from outcomes.models import Experiment, ItemSource, ItemUsage, ItemValue, ProductAudience, SourceDay
from outcomes.pipeline import clock
from outcomes.pipeline.effect_marks import effects_around
from outcomes.pipeline.marks import Marks, mark
from outcomes.pipeline.news import items_released
from outcomes.services.scoring import follow_target
from productops.workspaces import signals as workspace_signals
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from roadmap import signals
from roadmap.models import Item

# What of a workspace enters its verdicts and flags; its name and target share do not.
READ_BY_VERDICTS = frozenset(
    {
        "time_zone",
        "pinned_on",
        "grace_days",
        "window_days",
        "under_used_below",
        "flag_open_days",
        "flag_resolve_days",
    }
)


def listen() -> None:
    """Connect every listener, once, when the apps are ready."""
    signals.items_created.connect(_items_created, dispatch_uid="outcomes.items_created")
    signals.items_changed.connect(_items_changed, dispatch_uid="outcomes.items_changed")
    signals.problems_changed.connect(_problems_changed, dispatch_uid="outcomes.problems_changed")
    signals.products_changed.connect(_products_changed, dispatch_uid="outcomes.products_changed")
    workspace_signals.workspace_changed.connect(_workspace_changed, dispatch_uid="outcomes.workspace_changed")


def _items_created(*, workspace_id: int, ids: list[int], cause: dict[str, Any], **_: Any) -> None:
    """A card has its value and usage from the item's creation on; a worker fills them in."""
    ordered = sorted(ids)
    values = [ItemValue(workspace_id=workspace_id, item_id=id_) for id_ in ordered]
    ItemValue.objects.bulk_create(values, ignore_conflicts=True)
    usages = [ItemUsage(workspace_id=workspace_id, item_id=id_) for id_ in ordered]
    ItemUsage.objects.bulk_create(usages, ignore_conflicts=True)
    mark("item", workspace_id, ids, cause=cause)
    items_released(workspace_id, ids)


def _items_changed(
    *, workspace_id: int, ids: list[int], cause: dict[str, Any], products: Iterable[int] = (), **_: Any
) -> None:
    """`products` are those that items came to or left."""
    marks = _marks_of_products(workspace_id, products, cause)
    marks.add_all("effect", effects_around(workspace_id, ids), cause=cause)
    # Its release says which days its baselines are read from.
    trials = Experiment.objects.filter(item_id__in=ids).values_list("id", flat=True)
    marks.add_all("experiment", trials, cause=cause)
    marks.add_all("item", ids, cause=cause)
    if ItemSource.objects.filter(item_id__in=ids, has_events=True).exists():
        # It may have moved to another product, or asks for another window: whose audience it was nobody says
        # here, so every product's that has one is looked at again, when nothing else is left to do.
        known = ProductAudience.objects.filter(workspace_id=workspace_id).values_list("product_id", flat=True)
        theirs = Item.objects.filter(id__in=ids, product__isnull=False).values_list("product_id", flat=True)
        marks.add_all("audience", {*known.distinct(), *theirs}, cause=cause)
    marks.write()
    items_released(workspace_id, ids)


def _problems_changed(*, workspace_id: int, ids: list[int], cause: dict[str, Any], **_: Any) -> None:
    mark("problem", workspace_id, ids, cause=cause)


def _products_changed(*, workspace_id: int, ids: list[int], cause: dict[str, Any], **_: Any) -> None:
    _marks_of_products(workspace_id, ids, cause).write()


def _marks_of_products(workspace_id: int, ids: Iterable[int], cause: dict[str, Any]) -> Marks:
    """A product's unit and declared users enter the verdicts of all its items."""
    marks, products = Marks(workspace_id), list(ids)
    if products:
        items = Item.objects.filter(workspace_id=workspace_id, product_id__in=products)
        marks.add_all("audience", products, cause=cause)
        marks.add_all("item", items.values_list("id", flat=True), cause=cause)
    return marks


def _workspace_changed(
    *, workspace_id: int, changed: list[str], before: dict[str, Any], cause: dict[str, Any], **_: Any
) -> None:
    """Its pin and thresholds enter every verdict. Its zone says which day a fact is of, so it stays."""
    if "time_zone" in changed and SourceDay.objects.filter(workspace_id=workspace_id).exists():
        detail = f"Facts were recorded by the days of {before['time_zone']}; the zone can no longer change."
        raise Refused([Complaint("time_zone", "in_use", detail)])
    workspace = Workspace.objects.get(pk=workspace_id)
    if "target_adoption" in changed:
        follow_target(workspace=workspace, by=Actor(cause["by"], None, cause["via"]))
    rules = READ_BY_VERDICTS & set(changed) - {"pinned_on"}
    if rules:
        clock.judge_anew(workspace, {**cause, "kind": "thresholds"}, quiet="thresholds")
    elif "pinned_on" in changed:
        # A pin that moves is a day that turns: what it brings is news and told as such.
        clock.judge_anew(workspace, {**cause, "kind": "clock"})
