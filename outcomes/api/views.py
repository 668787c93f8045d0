"""The resources of the outcomes: outcomes, sources, deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api import filters
from outcomes.api.effects import DetectableSerializer
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body, version_if_said
from outcomes.api.serializers import (
    DeliverySerializer,
    NothingSerializer,
    OutcomeSerializer,
    RotationSerializer,
    SourceSerializer,
    SourceWithSecretSerializer,
)
from outcomes.models import Delivery, Outcome, Source
from outcomes.services import deliveries, outcomes, sources
from outcomes.services.batches import OutcomeBatch
from outcomes.services.effects import detectable_effect
from outcomes.services.health import with_health
from productops.api.bulk import BulkMixin
from productops.api.views import ReadOnlyViewSet, ResourceViewSet
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


class SourceViewSet(ResourceViewSet):
    """Where data comes from. Its secret is in the answers to its creation and to a rotation only."""

    model = Source
    serializer_class = SourceSerializer
    filterset_class = filters.SourceFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"key": "key", "name": "name", "last_seen_at": "seen_at", "created_at": "created_at"}
    default_ordering = ("key",)

    def for_show(self, rows: QuerySet[Source]) -> QuerySet[Source]:
        return with_health(rows, self.workspace.today())

    @extend_schema(responses={201: SourceWithSecretSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a source. The answer holds its secret, which is shown this once."""
        response = super().create(request, *args, **kwargs)
        return self.with_secret(response, self.new_secret)

    def create_object(self, values: dict[str, Any]) -> Source:
        source, self.new_secret = sources.create_source(**self.acting(), **values)
        return source

    def edit_object(self, held: Source, version: int | None, changes: dict[str, Any]) -> None:
        kept = dict(changes)
        # A full replacement that leaves the kind out does not ask for the default one.
        kind = kept.pop("kind", held.kind)
        if "kind" in self.request.data and kind != held.kind:
            detail = "A source keeps its kind: senders are set up for it. Make another source instead."
            raise Refused([Complaint("kind", "cannot_change", detail)])
        sources.edit_source(**self.acting(), source_id=held.pk, version=version, changes=kept)

    def remove_object(self, held: Source, version: int | None) -> None:
        with impossible_is_409():
            sources.remove_source(**self.acting(), source_id=held.pk, version=version)

    @extend_schema(
        request=RotationSerializer, parameters=[IF_MATCH], responses=moved(SourceWithSecretSerializer)
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, **kwargs: Any) -> Response:
        """Give the source a new secret, shown this once; those before it stay valid for a while."""
        held = self.get_object()
        said = checked(RotationSerializer, request)
        overlap = (
            timedelta(hours=said["overlap_hours"]) if "overlap_hours" in said else sources.ROTATION_OVERLAP
        )
        version = version_if_said(request, held)
        _, secret = sources.rotate_secret(
            **self.acting(), source_id=held.pk, version=version, overlap=overlap
        )
        return self.with_secret(self.answer(held.pk), secret)

    def with_secret(self, response: Response, secret: str) -> Response:
        """Add the secret after the ETag was made: no later reading could show the same representation."""
        response.data = {**response.data, "secret": secret}
        response["Cache-Control"] = "no-store"
        return response


class DeliveryViewSet(ReadOnlyViewSet):
    """Webhook requests as received, and what was taken, repeated and refused of each."""

    model = Delivery
    serializer_class = DeliverySerializer
    filterset_class = filters.DeliveryFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"received_at": "received_at", "id": "id"}
    default_ordering = ("-received_at",)

    def for_show(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        # Up to a megabyte each, and never shown.
        return rows.select_related("source").defer("body", "body_sha256")

    @extend_schema(request=NothingSerializer, responses=DeliverySerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **kwargs: Any) -> Response:
        """Have it interpreted again, after a metric or an item was added; what was taken stays taken."""
        held = self.get_object()
        refuse_body(request)
        with impossible_is_409():
            deliveries.replay_delivery(**self.acting(), delivery_id=held.pk)
        return self.answer(held.pk)
