"""Rows as they stood at an instant, unwound from the record of changes that the database keeps."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model

from outcomes.models import Metric, Outcome
from productops.workspaces.models import Change, Workspace
from roadmap.models import Item

Row = TypeVar("Row", bound=Model)


def as_it_stood(row: Row, changes: Iterable[Change]) -> Row:
    """A copy of the row with these edits of it taken back; `changes` come newest first."""
    then = copy(row)
    columns = {field.column: field for field in row._meta.concrete_fields}
    for change in changes:
        if change.action not in ("edited", "archived", "restored"):
            continue
        for column, (before, _) in change.values.items():
            field = columns.get(column)
            if field is not None:
                setattr(then, field.attname, field.to_python(before))
    return then


def item_at(item: Item, at: datetime) -> Item:
    return as_it_stood(item, _since(item.workspace_id, "item", [item.pk], at))


def workspace_at(workspace: Workspace, at: datetime) -> Workspace:
    return as_it_stood(workspace, _since(workspace.pk, "workspace", [workspace.pk], at))


def outcomes_at(item: Item, at: datetime) -> list[Outcome]:
    """The item's outcomes as they stood, those that were taken away since included, with their metrics."""
    held = {one.pk: one for one in Outcome.objects.filter(item=item)}
    gone = Change.objects.filter(
        workspace_id=item.workspace_id, type="outcome", action="removed", at__gt=at, values__item_id=item.pk
    )
    for change in gone:
        held[change.object_id] = _from_values(change.values, change.object_id, item.workspace_id)
    changes: dict[int, list[Change]] = {pk: [] for pk in held}
    for change in _since(item.workspace_id, "outcome", list(held), at):
        changes[change.object_id].append(change)
    then = [
        as_it_stood(one, changes[pk])
        for pk, one in sorted(held.items())
        if not any(change.action == "created" for change in changes[pk])
    ]
    metrics = Metric.objects.in_bulk({one.metric_id for one in then})
    for one in then:
        one.metric = metrics[one.metric_id]
    return [one for one in then if one.metric.archived_at is None or one.metric.archived_at > at]


def edited_since(workspace: Workspace, at: datetime, types: Iterable[str]) -> list[str]:
    """Which of these types of object were edited since."""
    rows = Change.objects.filter(workspace=workspace, at__gt=at, type__in=list(types))
    return sorted(rows.order_by().values_list("type", flat=True).distinct())


def _since(workspace_id: int, kind: str, ids: list[int], at: datetime) -> list[Change]:
    rows = Change.objects.filter(workspace_id=workspace_id, type=kind, object_id__in=ids, at__gt=at)
    return list(rows.order_by("-at", "-id"))


def _from_values(values: dict[str, Any], pk: int, workspace_id: int) -> Outcome:
    columns = {field.column: field for field in Outcome._meta.concrete_fields}
    told = {
        columns[name].attname: columns[name].to_python(v) for name, v in values.items() if name in columns
    }
    return Outcome(id=pk, workspace_id=workspace_id, **told)
