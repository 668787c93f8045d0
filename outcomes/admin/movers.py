"""What a metric's page shows above its form: which items were to move it, and how far they got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outcomes.admin.explanation import reading_of
from outcomes.models import Metric, MetricDay, Outcome
from productops.workspaces.admin.owned import list_url, url_of

_MOST = 50


@dataclass(frozen=True, slots=True)
class Mover:
    """An item with an outcome on the metric, and what was last read of it."""

    title: str
    url: str
    role: str
    current: float | None
    target: float | None
    attainment: float | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The newest day with data, where all days are, and the items."""

    newest_on: date | None
    days_url: str
    rows: Sequence[Mover]


def movers_of(metric: Metric) -> Moved:
    """Return what is told of a metric; two queries."""
    days = MetricDay.objects.in_workspace(metric.workspace_id).filter(metric=metric)
    newest = days.order_by("-on").values_list("on", flat=True).first()
    outcomes = Outcome.objects.in_workspace(metric.workspace_id).filter(metric=metric)
    rows = [
        Mover(
            title=outcome.item.title,
            url=url_of(outcome.item),
            role=outcome.role,
            current=reading.get("current"),
            target=outcome.target,
            attainment=reading.get("attainment"),
            due_on=outcome.due_on,
        )
        for outcome in outcomes.select_related("item__value").order_by("role", "item__title", "id")[:_MOST]
        for reading in [reading_of(outcome)]
    ]
    return Moved(newest, list_url(MetricDay, f"metric__id__exact={metric.pk}"), rows)
