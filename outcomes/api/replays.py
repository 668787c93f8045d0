"""Replays: how far the reading again of a source's deliveries has come."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import ReplayFilters
from outcomes.models import Replay, Source
from outcomes.services.deliveries import done_of, with_queued
from productops.api.fields import KeyOrId
from productops.api.serializers import RowSerializer
from productops.api.views import ReadOnlyViewSet


class ReplaySerializer(RowSerializer):
    """Stored deliveries that are read again: how many of how many."""

    source = KeyOrId(Source, read_only=True)  # type: ignore[assignment]
    candidate = serializers.IntegerField(
        source="candidate_id",
        read_only=True,
        allow_null=True,
        help_text="The candidate that was accepted, when only what spoke of it is read again.",
    )
    total = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null until it was counted.")
    done = serializers.SerializerMethodField(help_text="How many have been read: it grows to total.")
    is_finished = serializers.SerializerMethodField()

    class Meta:
        model = Replay
        fields = (
            "id",
            "source",
            "candidate",
            "total",
            "done",
            "is_finished",
            "asked_by",
            "asked_at",
            "finished_at",
        )
        read_only_fields = fields

    def get_done(self, replay: Replay) -> int:
        return done_of(replay)

    def get_is_finished(self, replay: Replay) -> bool:
        return replay.finished_at is not None


class ReplayViewSet(ReadOnlyViewSet):
    """Replays of sources, the newest first, and how far each has come."""

    model = Replay
    serializer_class = ReplaySerializer
    filterset_class = ReplayFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"id": "id", "asked_at": "asked_at"}
    default_ordering = ("-id",)

    def for_show(self, rows: QuerySet[Replay]) -> QuerySet[Replay]:
        return with_queued(rows).select_related("source")


def replay_answer(request: Request, replay_id: int) -> Response:
    """The answer to having asked for a replay: what there is to watch, and where."""
    replay = with_queued(Replay.objects.select_related("source")).get(pk=replay_id)
    response = Response(ReplaySerializer(replay, context={"request": request}).data, status=202)
    response["Location"] = request.build_absolute_uri(f"/api/v1/replays/{replay_id}/")
    return response
