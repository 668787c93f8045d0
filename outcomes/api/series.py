"""A metric's daily levels, read from its days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Min, QuerySet, Sum

from outcomes.models import Metric, MetricDay


@dataclass(frozen=True, slots=True)
class DayLevel:
    """A metric on one day: its level by the metric's aggregation and how many observations are behind it."""

    on: date
    value: float
    count: int


def days_of(metric: Metric, *, first: date, last: date, series: str | None) -> QuerySet[MetricDay]:
    """The metric's days from `first` to `last`, of one series label or (None) of all."""
    days = MetricDay.objects.in_workspace(metric.workspace_id).filter(metric=metric, on__range=(first, last))
    return days if series is None else days.filter(series=series)


def daily_levels(metric: Metric, *, first: date, last: date, series: str | None = None) -> Iterator[DayLevel]:
    """Yield the metric's level of every reported day in [first, last], over all its series or the one.

    sum and count add the series up; mean is over all observations; last is the newest; min and max the
    extreme. A day nothing was reported for is left out.
    """
    by_day = days_of(metric, first=first, last=last, series=series).values("on").order_by("on")
    merged = by_day.annotate(
        observations=Sum("count"),
        amount=Sum("total"),
        lowest=Min("low"),
        highest=Max("high"),
        # Two series may report at the same instant: the larger value, as in levels over longer windows.
        newest=ArrayAgg("last", order_by=("-last_at", "-last")),
    )
    for row in merged.iterator(chunk_size=500):
        yield DayLevel(row["on"], _level(metric.aggregation, dict(row)), row["observations"])


def _level(aggregation: str, row: dict[str, Any]) -> float:
    if aggregation == "sum":
        return row["amount"]
    if aggregation == "count":
        return float(row["observations"])
    if aggregation == "mean":
        return row["amount"] / row["observations"]
    if aggregation == "last":
        return row["newest"][0]
    return row["lowest"] if aggregation == "min" else row["highest"]
