"""The workspace in hand, its people and its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.changes import ChangeViewSet
from productops.api.fields import Text
from productops.api.preconditions import expected_version, is_known
from productops.api.serializers import RowSerializer, only
from productops.api.views import CreatedMixin, EditedMixin, ReadOnlyViewSet, RemovedMixin, Resource
from productops.workspaces.bounds import problems_with_pin
from productops.workspaces.complaints import SaysWhatIsWrong
from productops.workspaces.keys import is_in_force, issue_key, problems_with_expiry, revoke_key
from productops.workspaces.models import ApiKey, Invitation, Member, Workspace
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.people import (
    change_role,
    invite,
    problems_with_address,
    remove_member,
    withdraw_invitation,
)
from productops.workspaces.services import THRESHOLDS, edit_workspace
from productops.workspaces.thresholds import RANGES, problems_with_thresholds


class WorkspaceSerializer(RowSerializer):
    # The service says which days a pin may be; those of facts and plans reach further.
    pinned_on = serializers.DateField(
        required=False, allow_null=True, help_text="Judge everything as of this day instead of today."
    )
    today = serializers.SerializerMethodField(help_text="The day that everything is judged as of.")
    ranges = RANGES

    class Meta:
        model = Workspace
        fields = (
            "id",
            "key",
            "name",
            "time_zone",
            "pinned_on",
            "today",
            "grace_days",
            "window_days",
            "under_used_below",
            "target_adoption",
            "flag_open_days",
            "flag_resolve_days",
            "is_generated",
            "version",
            "updated_at",
        )
        read_only_fields = ("key", "is_generated", "version", "updated_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        yield from problems_with_thresholds(**only(said, *THRESHOLDS))
        if "pinned_on" in said and isinstance(self.instance, Workspace):
            yield from problems_with_pin(said["pinned_on"], self.instance.day_by_the_clock())

    @extend_schema_field(serializers.DateField)
    def get_today(self, workspace: Workspace) -> str:
        return workspace.today().isoformat()


class WorkspaceViewSet(Resource):
    """The workspace that the key or the header names: its zone, pin and thresholds.

    Changing any of these judges everything anew.
    """

    model = Workspace
    serializer_class = WorkspaceSerializer
    read_scope = "roadmap:read"
    write_scope = "admin"
    pagination_class = None

    def get_queryset(self) -> QuerySet[Workspace]:
        if getattr(self, "swagger_fake_view", False):
            return Workspace.objects.none()
        return Workspace.objects.filter(pk=self.workspace.pk)

    def retrieve(self, request: Request) -> Response:
        held = self.workspace
        response = Response(self.get_serializer(held).data)
        if is_known(request, self.tag(response, held)):
            response.data, response.status_code = None, 304
        return response

    def update(self, request: Request, partial: bool = False) -> Response:
        held = self.workspace
        version = expected_version(request, held.version)
        serializer = self.get_serializer(held, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        edit_workspace(workspace=held, by=self.actor, version=version, changes=serializer.written_values())
        return self.answer(held.pk)

    def partial_update(self, request: Request) -> Response:
        return self.update(request, partial=True)


class MemberSerializer(RowSerializer):
    name = serializers.CharField(source="display_name", read_only=True)
    email = serializers.SerializerMethodField(help_text="Shown to those who may manage members, else null.")

    class Meta:
        model = Member
        fields = ("id", "name", "email", "role", "created_at", "version", "updated_at")
        read_only_fields = ("created_at", "version", "updated_at")
        extra_kwargs = {"role": {"required": True}}

    def get_email(self, member: Member) -> str | None:
        return member.user.email if "admin" in self.context["request"].scopes else None


class MemberViewSet(EditedMixin, RemovedMixin, ReadOnlyViewSet):
    """The people of the workspace. They come by invitation; the last admin stays one."""

    model = Member
    serializer_class = MemberSerializer
    read_scope = "roadmap:read"
    write_scope = "admin"
    orderings: ClassVar[dict[str, str]] = {"created_at": "created_at", "role": "role"}

    def for_show(self, rows: QuerySet[Member]) -> QuerySet[Member]:
        return rows.select_related("user")

    def edit_object(self, held: Member, version: int | None, changes: dict[str, Any]) -> None:
        role = changes.get("role", held.role)
        change_role(**self.acting(), member_id=held.pk, version=version, role=role)

    def remove_object(self, held: Member, version: int | None) -> None:
        remove_member(**self.acting(), member_id=held.pk, version=version)


class InvitationSerializer(RowSerializer):
    email = Text(max_length=254)

    class Meta:
        model = Invitation
        fields = (
            "id",
            "email",
            "role",
            "invited_by",
            "created_at",
            "expires_at",
            "accepted_at",
            "version",
            "updated_at",
        )
        read_only_fields = ("invited_by", "created_at", "expires_at", "accepted_at", "version", "updated_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_address(said["email"]) if "email" in said else ()


class NewInvitationSerializer(InvitationSerializer):
    """A new invitation, with the token that is shown this once."""

    token = serializers.CharField(read_only=True, help_text="Shown once; only its hash is kept.")

    class Meta:
        model = Invitation
        fields = (*InvitationSerializer.Meta.fields, "token")
        read_only_fields = InvitationSerializer.Meta.read_only_fields


class InvitationViewSet(CreatedMixin, RemovedMixin, ReadOnlyViewSet):
    """Who was asked in by e-mail. The token is shown once, for the link that they are sent; it stands a week.

    A new invitation of the same address replaces the one before it.
    """

    model = Invitation
    serializer_class = InvitationSerializer
    read_scope = "admin"
    write_scope = "admin"
    orderings: ClassVar[dict[str, str]] = {
        "created_at": "created_at",
        "expires_at": "expires_at",
        "email": "email",
    }
    default_ordering = ("-created_at",)

    @extend_schema(responses={201: NewInvitationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        invitation, token = invite(**self.acting(), **serializer.validated_data)
        return _once(self.answer(invitation.pk, status=201), "token", token)

    def remove_object(self, held: Invitation, version: int | None) -> None:
        withdraw_invitation(**self.acting(), invitation_id=held.pk, version=version)


class ApiKeySerializer(RowSerializer):
    name = Text(max_length=200)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES), allow_empty=False)
    is_in_force = serializers.SerializerMethodField()

    class Meta:
        model = ApiKey
        fields = (
            "id",
            "name",
            "scopes",
            "public_id",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "is_in_force",
        )
        read_only_fields = ("public_id", "created_at", "revoked_at", "last_used_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_expiry(said.get("expires_at"))

    def get_is_in_force(self, key: ApiKey) -> bool:
        return is_in_force(key)


class IssuedKeySerializer(ApiKeySerializer):
    """A new key, with the plain text that is shown this once."""

    key = serializers.CharField(read_only=True, help_text="Shown once; only its hash is kept.")

    class Meta:
        model = ApiKey
        fields = (*ApiKeySerializer.Meta.fields, "key")
        read_only_fields = ApiKeySerializer.Meta.read_only_fields


class ApiKeyViewSet(CreatedMixin, ReadOnlyViewSet):
    """The keys of the workspace. The secret is shown once, at creation; a key cannot revoke itself."""

    model = ApiKey
    serializer_class = ApiKeySerializer
    read_scope = "admin"
    write_scope = "admin"
    orderings: ClassVar[dict[str, str]] = {"created_at": "created_at", "name": "name"}
    default_ordering = ("-created_at",)

    @extend_schema(responses={201: IssuedKeySerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        key, plain_text = issue_key(self.workspace, by=self.actor, **serializer.validated_data)
        return _once(self.answer(key.pk, status=201), "key", plain_text)

    @extend_schema(request=None, responses=ApiKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:
        """Revoke the key at once."""
        key = self.get_object()
        by_key = request.auth if isinstance(request.auth, ApiKey) else None
        revoke_key(workspace=self.workspace, key_id=key.pk, by_key=by_key)
        return self.answer(key.pk)


def _once(response: Response, name: str, secret: str) -> Response:
    """Add a secret after the ETag was made: no later reading could show the same representation."""
    response.data = {**response.data, name: secret}
    response["Cache-Control"] = "no-store"
    return response


ROUTES = [
    ("members", MemberViewSet),
    ("invitations", InvitationViewSet),
    ("api-keys", ApiKeyViewSet),
    ("changes", ChangeViewSet),
]
