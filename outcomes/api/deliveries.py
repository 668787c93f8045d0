"""Deliveries: what came in, and what became of every row of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import DeliveryFilters
from outcomes.api.moves import impossible_is_409, refuse_body
from outcomes.api.serializers import NothingSerializer
from outcomes.models import Delivery, Source
from outcomes.models.deliveries import DELIVERY_STATES
from outcomes.services import deliveries
from productops.api.fields import KeyOrId
from productops.api.problems import Problem
from productops.api.serializers import RowSerializer
from productops.api.views import ReadOnlyViewSet

# Of each body this much is shown in a list.
LISTED_BYTES = 8 * 1024


class BodySerializer(serializers.Serializer):
    """A stored body as it came in, but for the secrets of its source."""

    text = serializers.CharField(allow_null=True, help_text="Null when its bytes are no longer kept.")
    encoding = serializers.ChoiceField(["utf-8", "base64"], help_text="base64: it is no text.")
    is_cut = serializers.BooleanField(help_text="Whether there is more than is shown.")


class StoredBodyField(serializers.Field):
    """The stored body, bounded."""

    def __init__(self) -> None:
        super().__init__(source="*", read_only=True)

    def to_representation(self, delivery: Delivery) -> dict[str, Any]:
        return asdict(deliveries.body_of(delivery))


class DeliverySerializer(RowSerializer):
    """One webhook request as received, and what became of every row of it."""

    source = KeyOrId(Source, read_only=True)  # type: ignore[assignment]
    state = serializers.ChoiceField(DELIVERY_STATES, read_only=True)
    outcome = serializers.JSONField(
        read_only=True, help_text="Refused rows with their reasons, totals by section, and any error."
    )

    class Meta:
        model = Delivery
        fields = (
            "id",
            "external_id",
            "source",
            "state",
            "taken",
            "duplicates",
            "refused",
            "outcome",
            "attempts",
            "retry_at",
            "content_type",
            "body_bytes",
            "signed_at",
            "received_at",
            "interpreted_at",
        )
        read_only_fields = fields


class DeliveryViewSet(ReadOnlyViewSet):
    """Webhook requests as received, and what was taken, repeated and refused of each.

    `?expand=body` shows the stored bytes, up to a bound, to those with the scope admin: they may hold what is
    kept nowhere else, such as who an actor was.
    """

    model = Delivery
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"received_at": "received_at", "id": "id"}
    default_ordering = ("-received_at",)
    expansions: ClassVar[dict[str, Any]] = {"body": extend_schema_field(BodySerializer)(StoredBodyField)}

    def for_show(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        # Up to a megabyte each, and seldom shown.
        return rows.select_related("source").defer("body", "body_sha256")

    def expanded(self, rows: QuerySet[Delivery], names: list[str]) -> QuerySet[Delivery]:
        if "body" not in names:
            return rows
        if "admin" not in getattr(self.request, "scopes", ()):
            raise Problem(403, "missing_scope", "Stored bodies need the scope admin.")
        size = LISTED_BYTES if self.action == "list" else deliveries.SHOWN_BYTES
        return deliveries.with_body_start(rows, size)

    @extend_schema(request=NothingSerializer, responses=DeliverySerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **kwargs: Any) -> Response:
        """Have it interpreted again, after a metric or an item was added; what was taken stays taken."""
        held = self.get_object()
        refuse_body(request)
        with impossible_is_409():
            deliveries.replay_delivery(**self.acting(), delivery_id=held.pk)
        return self.answer(held.pk)
