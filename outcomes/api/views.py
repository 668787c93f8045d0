"""The resources of the outcomes: outcomes, sources, deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api import filters
from outcomes.api.effects import DetectableSerializer
from outcomes.api.serializers import (
    OutcomeSerializer,
)
from outcomes.models import Outcome
from outcomes.services import outcomes
from outcomes.services.batches import OutcomeBatch
from outcomes.services.effects import detectable_effect
from productops.api.bulk import BulkMixin
from productops.api.views import ResourceViewSet
from productops.workspaces.complaints import Complaint, Refused


class OutcomeViewSet(BulkMixin, ResourceViewSet):
    """The metric an item was to move, from where to where and by when, and how that stands."""

    model = Outcome
    batch = OutcomeBatch
    serializer_class = OutcomeSerializer
    filterset_class = filters.OutcomeFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {
        "id": "id",
        "item": "item__key",
        "metric": "metric__key",
        "due_on": "due_on",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    default_ordering = ("item",)

    def for_show(self, rows: QuerySet[Outcome]) -> QuerySet[Outcome]:
        return rows.select_related("metric", "item__value")

    def create_object(self, values: dict[str, Any]) -> Outcome:
        item, metric = values.pop("item"), values.pop("metric")
        return outcomes.set_outcome(**self.acting(), item_id=item.pk, metric_id=metric.pk, **values)

    def edit_object(self, held: Outcome, version: int | None, changes: dict[str, Any]) -> None:
        kept = dict(changes)
        said = {name: kept.pop(name) for name in ("item", "metric") if name in kept}
        moved = [name for name, value in said.items() if value.pk != getattr(held, f"{name}_id")]
        if moved:
            detail = "An outcome keeps its item and metric; set another outcome instead."
            raise Refused([Complaint(name, "cannot_change", detail) for name in moved])
        outcomes.edit_outcome(**self.acting(), outcome_id=held.pk, version=version, changes=kept)

    def remove_object(self, held: Outcome, version: int | None) -> None:
        outcomes.remove_outcome(**self.acting(), outcome_id=held.pk, version=version)

    @extend_schema(responses=DetectableSerializer)
    @action(detail=True, methods=["get"])
    def detectable(self, request: Request, **kwargs: Any) -> Response:
        """Can we even know? The smallest effect this outcome could show, told before anything is built."""
        serializer = DetectableSerializer(detectable_effect(self.workspace, self.get_object()))
        self._trim(serializer)
        return Response(serializer.data)

    def parameters(self) -> Iterable[str]:
        return ("fields",) if self.action == "detectable" else super().parameters()
