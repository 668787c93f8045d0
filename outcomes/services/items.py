"""Create an item together with the outcomes it is to move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from outcomes.models import Metric, Outcome
from outcomes.services.outcomes import normalised, problems_with_outcome, set_outcome
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import (
    Complaint,
    Refused,
    beneath,
    complaint_if_archived,
    refuse_if_any,
)
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.services import create_item


@transaction.atomic
def create_item_with_outcomes(
    *, workspace: Workspace, by: Actor, outcomes: Sequence[Mapping[str, Any]] = (), **fields: Any
) -> Item:
    """Create an item with its links and outcomes, all or nothing.

    Each of `outcomes` holds `metric` (a Metric) and any other columns of an outcome; `fields` are those of
    `roadmap.services.create_item`. Raises Refused with the place of each complaint, and IntegrityError when
    the item's key is taken.
    """
    refuse_if_any(_repeated(outcomes))
    item = create_item(workspace=workspace, by=by, **fields)
    complaints: list[Complaint] = []
    for index, wanted in enumerate(outcomes):
        said = dict(wanted)
        metric: Metric = said.pop("metric")
        try:
            set_outcome(workspace=workspace, by=by, item_id=item.pk, metric_id=metric.pk, **said)
        except Refused as refusal:
            complaints += beneath(f"outcomes/{index}", refusal.complaints)
    refuse_if_any(complaints)
    return item


def problems_with_outcomes(item: Item, outcomes: Sequence[Mapping[str, Any]]) -> list[Complaint]:
    """What is wrong with the outcomes of one new item, each with its place."""
    complaints = _repeated(outcomes)
    for index, wanted in enumerate(outcomes):
        said = {name: value for name, value in normalised(dict(wanted)).items() if name != "metric"}
        outcome = Outcome(workspace=item.workspace, item=item, metric=wanted["metric"], **said)
        complaints += beneath(f"outcomes/{index}", problems_with_outcome(outcome, said))
        complaints += complaint_if_archived(outcome.metric, f"outcomes/{index}/metric")
    return complaints


def _repeated(outcomes: Sequence[Mapping[str, Any]]) -> list[Complaint]:
    seen: set[tuple[int, str | None]] = set()
    complaints = []
    for index, wanted in enumerate(outcomes):
        subject = (wanted["metric"].pk, wanted.get("series") or None)
        if subject in seen:
            detail = "The item has an outcome on this metric and series already."
            complaints.append(Complaint(f"outcomes/{index}/metric", "repeated", detail))
        seen.add(subject)
    return complaints
