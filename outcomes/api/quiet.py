"""Digests of what changed when everything was judged anew."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.moves import refuse_body
from outcomes.api.serializers import NothingSerializer
from outcomes.models import QuietRun
from outcomes.models.quiet import QUIET_KINDS
from outcomes.services.quiet import answer_quiet_run
from productops.api.filters import ChoicesFilter, WorkspaceFilterSet, YesNoFilter
from productops.api.views import ReadOnlyViewSet

_BY_REASON = {"type": "object", "additionalProperties": {"type": "integer"}}


class QuietRunSerializer(serializers.ModelSerializer):
    """What changed when a workspace was first judged, or by other thresholds, rules or another model."""

    kind = serializers.ChoiceField(QUIET_KINDS, read_only=True)
    opened_count = serializers.SerializerMethodField(help_text="Flags that opened. null while it goes on.")
    resolved_count = serializers.SerializerMethodField(
        help_text="Flags that resolved. null while it goes on."
    )
    opened = serializers.SerializerMethodField(help_text="Flags that opened, by reason.")
    resolved = serializers.SerializerMethodField(help_text="Flags that resolved, by reason.")

    class Meta:
        model = QuietRun
        fields = (
            "id",
            "kind",
            "cause",
            "started_at",
            "ended_at",
            "opened_count",
            "resolved_count",
            "opened",
            "resolved",
            "is_announced",
            "answered_at",
            "answered_by",
        )
        read_only_fields = fields

    def get_opened_count(self, run: QuietRun) -> int | None:
        return _total(run, "opened")

    def get_resolved_count(self, run: QuietRun) -> int | None:
        return _total(run, "resolved")

    @extend_schema_field(_BY_REASON)
    def get_opened(self, run: QuietRun) -> dict[str, int]:
        return dict(run.counts.get("opened", {}))

    @extend_schema_field(_BY_REASON)
    def get_resolved(self, run: QuietRun) -> dict[str, int]:
        return dict(run.counts.get("resolved", {}))


def _total(run: QuietRun, what: str) -> int | None:
    return None if run.ended_at is None else sum(run.counts.get(what, {}).values())


class QuietRunFilters(WorkspaceFilterSet):
    kind = ChoicesFilter(QUIET_KINDS)
    is_announced = YesNoFilter("is_announced")

    class Meta:
        model = QuietRun
        fields: list[str] = []


class QuietRunViewSet(ReadOnlyViewSet):
    """Digests: one for each time that everything was judged anew, instead of a message for every flag."""

    model = QuietRun
    serializer_class = QuietRunSerializer
    filterset_class = QuietRunFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"started_at": "started_at", "ended_at": "ended_at", "id": "id"}
    default_ordering = ("-started_at",)

    @extend_schema(request=NothingSerializer, responses=QuietRunSerializer)
    @action(detail=True, methods=["post"], url_path="answer", url_name="answer")
    def answered(self, request: Request, **kwargs: Any) -> Response:
        """Say that somebody has seen it. After two that nobody answered no more are sent."""
        held = self.get_object()
        refuse_body(request)
        answer_quiet_run(**self.acting(), quiet_run_id=held.pk)
        return self.answer(held.pk)
