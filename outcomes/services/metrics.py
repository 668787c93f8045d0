"""Create, change, archive and restore metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from outcomes.models import Metric
from outcomes.models.metrics import AGGREGATIONS, DIRECTIONS
from outcomes.models.sources import CADENCES
from outcomes.services.marking import mark_items_of_metric
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint
from productops.workspaces.models import Workspace
from roadmap.rules import is_key
from roadmap.services import rows
from roadmap.services.history import has_past

# Fields of a metric that a level or an attainment is read with.
READ_BY_SCORES = frozenset({"direction", "aggregation", "cadence"})


@transaction.atomic
def create_metric(
    *,
    workspace: Workspace,
    by: Actor,
    key: str,
    name: str = "",
    unit: str = "",
    direction: str = "increase",
    aggregation: str = "mean",
    cadence: str = "daily",
) -> Metric:
    """Create a metric; without a name it is called by its key.

    Raises Refused for a bad value and IntegrityError when the key is taken.
    """
    fields = {
        "key": key,
        "name": name or key,
        "unit": unit,
        "direction": direction,
        "aggregation": aggregation,
        "cadence": cadence,
    }
    metric = Metric(workspace=workspace, **fields)
    rows.check(metric, problems_with_metric(fields))
    metric.save(force_insert=True)
    return metric


@transaction.atomic
def edit_metric(
    *, workspace: Workspace, by: Actor, metric_id: int, version: int | None, changes: dict[str, Any]
) -> Metric:
    """Change fields of a metric. Raises Refused, StaleEdit, NotHere or IntegrityError (the key is taken)."""
    metric = rows.find(Metric, workspace, metric_id)
    before = rows.edit(metric, version, changes, problems_with_metric(changes))
    if READ_BY_SCORES & before.keys():
        mark_items_of_metric(workspace, metric_id, by)
    metric.refresh_from_db()
    return metric


@transaction.atomic
def remove_metric(*, workspace: Workspace, by: Actor, metric_id: int, version: int | None) -> bool:
    """Archive a metric that anything was measured or promised on, else delete it; returns whether it is gone.

    Raises StaleEdit or NotHere.
    """
    metric = rows.find(Metric, workspace, metric_id)
    is_gone = rows.archive_or_delete(metric, version, has_past(metric))
    mark_items_of_metric(workspace, metric_id, by)
    return is_gone


@transaction.atomic
def restore_metric(*, workspace: Workspace, by: Actor, metric_id: int, version: int | None) -> Metric:
    """Bring an archived metric back. Raises StaleEdit or NotHere."""
    metric = rows.find(Metric, workspace, metric_id)
    rows.restore(metric, version)
    mark_items_of_metric(workspace, metric_id, by)
    metric.refresh_from_db()
    return metric


def problems_with_metric(fields: Mapping[str, Any]) -> list[Complaint]:
    """Return the complaints about those fields of a metric that are given."""
    complaints = []
    if "key" in fields and not is_key(fields["key"], dotted=True):
        detail = "A metric key is letters, digits, - _ and dots, not all digits."
        complaints.append(Complaint("key", "invalid", detail))
    if "name" in fields and not fields["name"]:
        complaints.append(Complaint("name", "blank", "A metric has a name."))
    for field, allowed in (
        ("direction", DIRECTIONS),
        ("aggregation", AGGREGATIONS),
        ("cadence", CADENCES),
    ):
        if field in fields and fields[field] not in allowed:
            complaints.append(Complaint(field, "invalid_choice", f"Must be one of {', '.join(allowed)}."))
    return complaints
