"""Endpoints: where news goes, what became of it, and sending it again."""

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

from outcomes.api.endpoint_filters import AttemptFilters, EndpointFilters, NoticeFilters
from outcomes.api.events import PAYLOAD
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body, version_if_said
from outcomes.api.serializers import NothingSerializer
from outcomes.api.sources import RotationSerializer
from outcomes.models import Attempt, Endpoint, EndpointSecret, Notice
from outcomes.models.endpoints import CHANNELS, DISABLED_REASONS
from outcomes.models.notices import NOTICE_STATES, RECIPIENTS
from outcomes.models.told import EVENTS, TOLD_EVENTS
from outcomes.services import endpoints
from productops.api.fields import KeyOrId, Number, Text, WebAddress
from productops.api.serializers import RowSerializer
from productops.api.views import ListedMixin, ReadOnlyViewSet, ResourceViewSet
from productops.workspaces.complaints import SaysWhatIsWrong
from productops.workspaces.models import Member
from productops.workspaces.versions import NotHere


class EndpointSecretSerializer(serializers.ModelSerializer):
    """That a secret signs, and until when. Never the secret."""

    class Meta:
        model = EndpointSecret
        fields = ("created_at", "expires_at")
        read_only_fields = fields


class EndpointSerializer(RowSerializer):
    """Where news goes. Address and mailbox are shown to callers with the scope admin, and blank to others."""

    name = Text(max_length=200)
    channel = serializers.ChoiceField(CHANNELS, required=False, help_text="It stays what it was made as.")
    url = WebAddress(
        required=False, allow_blank=True, max_length=2000, help_text="Of a webhook or a Slack channel."
    )
    host = serializers.CharField(read_only=True, help_text="The host of `url`, for everybody.")
    email = serializers.EmailField(required=False, allow_blank=True, help_text="Of a digest.")
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENTS),
        required=False,
        allow_empty=False,
        max_length=len(EVENTS),
        help_text="All, if nothing is said.",
    )
    value_threshold = Number(
        required=False,
        min_value=0,
        max_value=100,
        help_text="By how many points proven value must have moved since it was last told.",
    )
    owner = KeyOrId(Member, required=False, allow_null=True, shows=("id", "display_name"))
    is_enabled = serializers.SerializerMethodField()
    disabled_reason = serializers.SerializerMethodField(
        help_text="by_hand: a person did. gone: it answered 410. failing: days of nothing but failures."
    )
    waiting = serializers.IntegerField(read_only=True, help_text="Notices that are not delivered yet.")
    secrets = EndpointSecretSerializer(
        source="valid_secrets", many=True, read_only=True, help_text="Those that sign now, the newest first."
    )

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id",
            "name",
            "channel",
            "url",
            "host",
            "email",
            "events",
            "value_threshold",
            "owner",
            "is_enabled",
            "disabled_at",
            "disabled_reason",
            "failing_since",
            "waiting",
            "digest_due_at",
            "secrets",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = (
            "disabled_at",
            "failing_since",
            "digest_due_at",
            "version",
            "created_at",
            "updated_at",
        )

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        if isinstance(self.instance, Endpoint):
            channel: str | None = self.instance.channel
            yield from endpoints.problems_with_channel(self.instance.channel, said.get("channel", channel))
        elif "channel" in self.initial_data and "channel" not in said:
            channel = None
        else:
            said = {"url": "", "email": "", "channel": "webhook", **said}
            channel = said["channel"]
        yield from endpoints.problems_with_fields(said, channel)

    def get_is_enabled(self, endpoint: Endpoint) -> bool:
        return endpoint.disabled_at is None

    @extend_schema_field(serializers.ChoiceField(DISABLED_REASONS, allow_null=True))
    def get_disabled_reason(self, endpoint: Endpoint) -> str | None:
        return endpoint.disabled_reason or None

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if "admin" not in self.context["request"].scopes:
            # What follows the host in an address is often all that protects what is behind it.
            shown.update({name: "" for name in ("url", "email") if name in shown})
        return shown


class EndpointWithSecretSerializer(EndpointSerializer):
    """An endpoint and a new secret of it: told now and never again. Null for a channel that signs nothing."""

    secret = serializers.CharField(read_only=True, allow_null=True)

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")


class NoticeSerializer(RowSerializer):
    """One message to one endpoint: what it says, and what became of it."""

    message_id = serializers.CharField(read_only=True, help_text="The webhook-id, the same in every attempt.")
    endpoint = serializers.IntegerField(source="endpoint_id", read_only=True, help_text="Its id.")
    event = serializers.ChoiceField(TOLD_EVENTS, source="occurrence.event", read_only=True)
    state = serializers.ChoiceField(NOTICE_STATES, read_only=True)
    recipient = serializers.ChoiceField(
        RECIPIENTS, read_only=True, help_text="owner: a mail to the person who answers for the endpoint."
    )
    due_at = serializers.SerializerMethodField(help_text="When it is tried next; null when it is not.")
    occurred_at = serializers.DateTimeField(source="occurrence.occurred_at", read_only=True)
    payload = serializers.SerializerMethodField(help_text="The body, as it is sent.")

    class Meta:
        model = Notice
        fields = (
            "id",
            "message_id",
            "endpoint",
            "recipient",
            "event",
            "state",
            "attempts",
            "due_at",
            "occurred_at",
            "created_at",
            "finished_at",
            "payload",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_due_at(self, notice: Notice) -> Any:
        field = serializers.DateTimeField()
        return field.to_representation(notice.due_at) if notice.state == "pending" else None

    @extend_schema_field(PAYLOAD)
    def get_payload(self, notice: Notice) -> Any:
        return notice.occurrence.payload


class AttemptSerializer(RowSerializer):
    """One try to deliver a notice. Without `took_ms` it is under way, or was cut off."""

    notice = serializers.IntegerField(source="notice_id", read_only=True, help_text="Its id.")
    answer = serializers.SerializerMethodField(
        help_text="How the answer's body begins; blank to callers without the scope admin."
    )

    class Meta:
        model = Attempt
        fields = ("id", "notice", "number", "started_at", "took_ms", "status", "error", "answer")
        read_only_fields = fields

    def get_answer(self, attempt: Attempt) -> str:
        return attempt.answer if "admin" in self.context["request"].scopes else ""


class EndpointViewSet(ResourceViewSet):
    """Where news goes: signed webhooks, Slack, or a mailbox once a day or week.

    A webhook's secret is in the answers to its creation and to a rotation only.
    """

    model = Endpoint
    serializer_class = EndpointSerializer
    filterset_class = EndpointFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"id": "id", "name": "name", "created_at": "created_at"}
    default_ordering = ("id",)

    def for_show(self, rows: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        held = EndpointSecret.objects.valid_at(timezone.now()).order_by("-created_at", "-id")
        shown = endpoints.with_waiting(rows.select_related("owner__user"))
        return shown.prefetch_related(Prefetch("secrets", held, to_attr="valid_secrets"))

    @extend_schema(responses={201: EndpointWithSecretSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make an endpoint. It is told what happens from now on. The answer holds its secret, shown this once."""
        response = super().create(request, *args, **kwargs)
        return self.with_secret(response, self.new_secret)

    def create_object(self, values: dict[str, Any]) -> Endpoint:
        endpoint, self.new_secret = endpoints.create_endpoint(**self.acting(), **values)
        return endpoint

    def edit_object(self, held: Endpoint, version: int | None, changes: dict[str, Any]) -> None:
        # A full replacement that leaves the channel out does not ask for the default one.
        kept = changes if "channel" in self.request.data else {**changes, "channel": held.channel}
        endpoints.edit_endpoint(**self.acting(), endpoint_id=held.pk, version=version, changes=kept)

    def remove_object(self, held: Endpoint, version: int | None) -> None:
        endpoints.remove_endpoint(**self.acting(), endpoint_id=held.pk, version=version)

    @extend_schema(
        request=RotationSerializer, parameters=[IF_MATCH], responses=moved(EndpointWithSecretSerializer)
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, **kwargs: Any) -> Response:
        """Give it a new secret, shown this once; those before it sign beside it for a while."""
        held = self.get_object()
        said = checked(RotationSerializer, request)
        overlap = (
            timedelta(hours=said["overlap_hours"]) if "overlap_hours" in said else endpoints.ROTATION_OVERLAP
        )
        version = version_if_said(request, held)
        with impossible_is_409():
            secret = endpoints.rotate_secret(
                **self.acting(), endpoint_id=held.pk, version=version, overlap=overlap
            )
        return self.with_secret(self.answer(held.pk), secret)

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(EndpointSerializer))
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, **kwargs: Any) -> Response:
        """Let it be told again, of what happens from now on."""
        held = self.get_object()
        refuse_body(request)
        version = version_if_said(request, held)
        endpoints.enable_endpoint(**self.acting(), endpoint_id=held.pk, version=version)
        return self.answer(held.pk)

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(EndpointSerializer))
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, **kwargs: Any) -> Response:
        """Tell it nothing more; what waits for it is dropped."""
        held = self.get_object()
        refuse_body(request)
        version = version_if_said(request, held)
        endpoints.disable_endpoint(**self.acting(), endpoint_id=held.pk, version=version)
        return self.answer(held.pk)

    @extend_schema(request=NothingSerializer, responses={202: NoticeSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, **kwargs: Any) -> Response:
        """Have a test sent to it, once; the notice that is answered says what became of it."""
        held = self.get_object()
        refuse_body(request)
        notice = endpoints.send_test(**self.acting(), endpoint_id=held.pk)
        response = Response(NoticeSerializer(notice, context={"request": request}).data, status=202)
        response["Location"] = request.build_absolute_uri(f"/api/v1/notices/{notice.pk}/")
        return response

    def with_secret(self, response: Response, secret: str | None) -> Response:
        """Add the secret after the ETag was made: no later reading could show the same representation."""
        response.data = {**response.data, "secret": secret}
        response["Cache-Control"] = "no-store"
        return response


class NoticeViewSet(ReadOnlyViewSet):
    """What was told, to which endpoint, and what became of it."""

    model = Notice
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"id": "id"}
    default_ordering = ("-id",)

    def for_show(self, rows: QuerySet[Notice]) -> QuerySet[Notice]:
        return rows.select_related("occurrence")

    @extend_schema(request=NothingSerializer, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, **kwargs: Any) -> Response:
        """Have it sent again, with the same id; 409 while it waits, or while its endpoint is disabled."""
        held = self.get_object()
        refuse_body(request)
        with impossible_is_409():
            endpoints.redeliver(**self.acting(), notice_id=held.pk)
        return self.answer(held.pk)


class AttemptsOfEndpointViewSet(ListedMixin):
    """Every try to deliver something to one endpoint, the newest first."""

    model = Attempt
    serializer_class = AttemptSerializer
    filterset_class = AttemptFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"id": "id"}
    default_ordering = ("-id",)

    def for_show(self, rows: QuerySet[Attempt]) -> QuerySet[Attempt]:
        held = Endpoint.objects.in_workspace(self.workspace.pk).by_ref(self.kwargs["endpoint"]).first()
        if held is None:
            raise NotHere
        return rows.filter(endpoint=held)
