"""Metrics, and their daily levels as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.days import DAYS_PARAMETERS, asked_days, described
from outcomes.api.filters import MetricFilters
from outcomes.api.serializers import MetricSerializer, SeriesSerializer
from outcomes.api.series import daily_levels, days_of
from outcomes.models import Metric, MetricDay
from outcomes.services import metrics
from outcomes.services.batches import MetricBatch
from productops.api.actions import RestoredMixin
from productops.api.bulk import BulkMixin
from productops.api.views import ResourceViewSet
from roadmap.api.exports import CSV_RESPONSE, csv_response

USUAL_DAYS = 365
SERIES_PARAMETERS = (*DAYS_PARAMETERS, "series")

_SERIES_DESCRIBED = [
    *described(USUAL_DAYS),
    OpenApiParameter("series", OpenApiTypes.STR, description="One series label; without it all of them."),
]


@dataclass(frozen=True, slots=True)
class Range:
    """Which days of a metric are asked for, and of which series label (None: all)."""

    first: date
    last: date
    series: str | None


class MetricViewSet(BulkMixin, RestoredMixin, ResourceViewSet):
    """Named series that outcomes are measured on. DELETE archives one that has a history."""

    model = Metric
    batch = MetricBatch
    serializer_class = MetricSerializer
    filterset_class = MetricFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"key": "key", "name": "name", "created_at": "created_at", "updated_at": "updated_at"}
    default_ordering = ("key",)

    def for_show(self, rows: QuerySet[Metric]) -> QuerySet[Metric]:
        days = MetricDay.objects.filter(metric=OuterRef("pk")).order_by().values("metric")
        return rows.annotate(last_on=Subquery(days.annotate(newest_on=Max("on")).values("newest_on")))

    def create_object(self, values: dict[str, Any]) -> Metric:
        return metrics.create_metric(**self.acting(), **values)

    def edit_object(self, held: Metric, version: int | None, changes: dict[str, Any]) -> None:
        metrics.edit_metric(**self.acting(), metric_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Metric, version: int | None) -> None:
        metrics.remove_metric(**self.acting(), metric_id=held.pk, version=version)

    def restore_object(self, held: Metric, version: int | None) -> None:
        metrics.restore_metric(**self.acting(), metric_id=held.pk, version=version)

    @extend_schema(parameters=_SERIES_DESCRIBED, responses=SeriesSerializer)
    @action(detail=True, methods=["get"])
    def series(self, request: Request, **kwargs: Any) -> Response:
        """The metric's level of every day that was reported, at most three years of them."""
        metric, asked = self.get_object(), self._range()
        days = days_of(metric, first=asked.first, last=asked.last, series=asked.series)
        levels = daily_levels(metric, first=asked.first, last=asked.last, series=asked.series)
        answer = {
            "metric": metric.key,
            "unit": metric.unit,
            "direction": metric.direction,
            "aggregation": metric.aggregation,
            "cadence": metric.cadence,
            "series": asked.series,
            "labels": sorted(days.order_by().values_list("series", flat=True).distinct()),
            "first_on": asked.first,
            "last_on": asked.last,
            "results": [asdict(level) for level in levels],
        }
        serializer = SeriesSerializer(answer)
        self._trim(serializer)
        return Response(serializer.data)

    @extend_schema(operation_id="metrics_series_csv", parameters=_SERIES_DESCRIBED, responses=CSV_RESPONSE)
    def series_csv(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """The metric's daily levels as CSV: on, value, count."""
        metric, asked = self.get_object(), self._range()
        levels = daily_levels(metric, first=asked.first, last=asked.last, series=asked.series)
        rows = ((level.on, level.value, level.count) for level in levels)
        return csv_response(f"{metric.key}.csv", ("on", "value", "count"), rows)

    def parameters(self) -> Iterable[str]:
        if self.action == "series":
            return (*SERIES_PARAMETERS, "fields")
        return SERIES_PARAMETERS if self.action == "series_csv" else super().parameters()

    def _range(self) -> Range:
        days = asked_days(self.request, self.workspace.today(), USUAL_DAYS)
        return Range(days.first, days.last, self.request.query_params.get("series"))
