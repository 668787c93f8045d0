"""Sources: where data comes from, what proves it, and whether it still comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import SourceFilters
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body, version_if_said
from outcomes.api.replays import ReplaySerializer, replay_answer
from outcomes.api.serializers import NothingSerializer
from outcomes.models import Source, SourceSecret
from outcomes.services import sources
from outcomes.services.deliveries import replay_source
from outcomes.services.health import HEALTH_STATES, SHARE_OF, health_of, with_health
from productops.api.fields import Text, WholeNumber
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.api.views import ResourceViewSet
from productops.workspaces.complaints import Complaint, Refused, SaysWhatIsWrong


class HealthSerializer(serializers.Serializer):
    state = serializers.ChoiceField(
        HEALTH_STATES,
        help_text="silent: the newest covered period ended more than two periods ago.",
    )
    last_covered_on = serializers.DateField(allow_null=True, help_text="The newest day it reported for.")
    last_delivery_at = serializers.DateTimeField(allow_null=True)
    last_refused_at = serializers.DateTimeField(
        allow_null=True, help_text="When the newest delivery came in of which something was refused."
    )
    refused_share = serializers.FloatField(
        allow_null=True,
        help_text=f"Of its rows among the workspace's newest {SHARE_OF} deliveries of the last 24 hours; 0 to 1.",
    )
    waiting = serializers.IntegerField(help_text="Deliveries received and not interpreted yet.")
    set_aside = serializers.IntegerField(help_text="Deliveries that failed or were quarantined.")
    has_stale_flag = serializers.BooleanField(help_text="Whether a flag asks a person to look at it.")


class SecretSerializer(serializers.ModelSerializer):
    """That a secret holds, and until when. Never the secret."""

    class Meta:
        model = SourceSecret
        fields = ("created_at", "expires_at")
        read_only_fields = fields


class SourceSerializer(RowSerializer):
    """Where data comes from: an address, a cadence and a health of its own."""

    name = Text(max_length=200, required=False, help_text="The key, if nothing is said.")
    url = serializers.URLField(read_only=True, help_text="Where to send to. Knowing it is not enough.")
    last_seen_at = serializers.DateTimeField(
        source="seen_at", read_only=True, allow_null=True, help_text="When its newest delivery came in."
    )
    health = serializers.SerializerMethodField()
    secrets = SecretSerializer(
        source="valid_secrets", many=True, read_only=True, help_text="Those that hold now, the newest first."
    )

    class Meta:
        model = Source
        fields: tuple[str, ...] = (
            "id",
            "key",
            "name",
            "kind",
            "cadence",
            "url",
            "last_seen_at",
            "health",
            "secrets",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("version", "created_at", "updated_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return sources.problems_with_source(said)

    @extend_schema_field(HealthSerializer)
    def get_health(self, source: Source) -> dict[str, Any]:
        return dict(HealthSerializer(health_of(source, self.context["request"].workspace.today())).data)


class SourceWithSecretSerializer(SourceSerializer):
    """A source and a new secret of it: told now and never again."""

    secret = serializers.CharField(read_only=True)

    class Meta(SourceSerializer.Meta):
        fields = (*SourceSerializer.Meta.fields, "secret")


class RotationSerializer(PlainSerializer):
    overlap_hours = WholeNumber(
        required=False,
        min_value=0,
        max_value=24 * 30,
        help_text="How long the secrets before stay valid; 24 if nothing is said, 0 ends them at once.",
    )


class SourceViewSet(ResourceViewSet):
    """Where data comes from. Its secret is in the answers to its creation and to a rotation only."""

    model = Source
    serializer_class = SourceSerializer
    filterset_class = SourceFilters
    read_scope, write_scope = "outcomes:read", "admin"
    action_scopes = {"replay": "outcomes:write"}
    orderings = {"key": "key", "name": "name", "last_seen_at": "seen_at", "created_at": "created_at"}
    default_ordering = ("key",)

    def for_show(self, rows: QuerySet[Source]) -> QuerySet[Source]:
        held = SourceSecret.objects.valid_at(timezone.now()).order_by("-created_at", "-id")
        return with_health(rows, self.workspace.today()).prefetch_related(
            Prefetch("secrets", held, to_attr="valid_secrets")
        )

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

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(SourceSerializer))
    @action(detail=True, methods=["post"], url_path="revoke-old-secrets")
    def revoke_old_secrets(self, request: Request, **kwargs: Any) -> Response:
        """End every secret but the newest at once, when all senders have that one."""
        held = self.get_object()
        refuse_body(request)
        version = version_if_said(request, held)
        with impossible_is_409():
            sources.revoke_old_secrets(**self.acting(), source_id=held.pk, version=version)
        return self.answer(held.pk)

    @extend_schema(request=NothingSerializer, responses={202: ReplaySerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **kwargs: Any) -> Response:
        """Have all of its stored deliveries read again, after a rule was added; what was taken stays."""
        held = self.get_object()
        refuse_body(request)
        with impossible_is_409():
            replay = replay_source(**self.acting(), source=held)
        return replay_answer(request, replay.pk)

    def with_secret(self, response: Response, secret: str) -> Response:
        """Add the secret after the ETag was made: no later reading could show the same representation."""
        response.data = {**response.data, "secret": secret}
        response["Cache-Control"] = "no-store"
        return response
