"""Signing in from a browser frontend: who am I, sign in, sign out, my workspaces, accept an invitation.

A session is a cookie that scripts cannot read. Every write needs the CSRF token that `GET /session/` answers
with, in the header X-CSRFToken, signing in included: otherwise another site could sign a person in as itself.
"""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.db.models import QuerySet
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.authentication import SCOPES_OF_ROLE, PersonAuthentication
from productops.api.fields import Text
from productops.api.problems import MEDIA_TYPE, Problem
from productops.api.serializers import ErrorBodySerializer, PlainSerializer
from productops.api.views import StrictView
from productops.workspaces.models import Member, Role, User
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.people import HasAccount, InvitationRefused, Newcomer, accept_invitation
from productops.workspaces.sign_in import WINDOW_SECONDS, TooManyAttempts, person_who_signs_in

# Who belongs to more workspaces than this finds the others through /workspaces/.
_MOST_MEMBERSHIPS = 500


class WorkspaceRefSerializer(PlainSerializer):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()


class MembershipSerializer(PlainSerializer):
    """A workspace of the person, what they are there, and which scopes that stands for."""

    id = serializers.IntegerField(help_text="The member's id: what an item's owner refers to.")
    workspace = WorkspaceRefSerializer()
    role = serializers.ChoiceField(choices=Role.choices)
    scopes = serializers.SerializerMethodField()

    def get_scopes(self, member: Member) -> list[str]:
        return [scope for scope in SCOPES if scope in SCOPES_OF_ROLE[member.role]]


class PersonSerializer(PlainSerializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.SerializerMethodField()
    email = serializers.CharField()

    def get_name(self, person: User) -> str:
        return person.get_full_name() or person.username


class SessionSerializer(PlainSerializer):
    """Who has signed in, if anybody has, and the token that every write has to carry."""

    person = PersonSerializer(allow_null=True)
    memberships = MembershipSerializer(many=True)
    csrf_token = serializers.CharField(help_text="For the header X-CSRFToken; it changes at sign-in.")


class CredentialsSerializer(PlainSerializer):
    username = Text(max_length=150)
    password = serializers.CharField(
        max_length=4096, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )


class AcceptanceSerializer(PlainSerializer):
    token = serializers.CharField(max_length=200)
    name = Text(max_length=150, required=False, help_text="Of somebody new. Needed without a session.")
    password = serializers.CharField(
        max_length=4096,
        trim_whitespace=False,
        write_only=True,
        required=False,
        help_text="Of somebody new. Needed without a session.",
    )


class PersonView(StrictView):
    """A view for a person, or for nobody yet; keys are not people."""

    authentication_classes = [PersonAuthentication]
    permission_classes = [AllowAny]

    def person(self) -> User | None:
        user = self.request.user
        return user if isinstance(user, User) else None

    def enforce_csrf(self) -> None:
        """Also where nobody has signed in yet: REST framework asks for the token of those who have."""
        PersonAuthentication().enforce_csrf(self.request)


class SessionView(PersonView):
    """The session of the browser that asks."""

    @extend_schema(operation_id="session_retrieve", responses=SessionSerializer, tags=["session"])
    def get(self, request: Request) -> Response:
        """Who has signed in, where they are members and as what, and the CSRF token.

        Nobody having signed in is an answer, too: `person` is null. The CSRF cookie is set.
        """
        return self._shown(self.person())

    @extend_schema(
        operation_id="session_create",
        request=CredentialsSerializer,
        responses=SessionSerializer,
        tags=["session"],
    )
    def post(self, request: Request) -> Response:
        """Sign in. 401 for a name and password that do not go together; 429 after too many attempts."""
        self.enforce_csrf()
        said = CredentialsSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            person = person_who_signs_in(request._request, **said.validated_data)
        except TooManyAttempts:
            raise Problem(
                429,
                "too_many_attempts",
                "Too many attempts. Try again in a quarter of an hour.",
                headers={"Retry-After": str(WINDOW_SECONDS)},
            ) from None
        if person is None:
            raise Problem(
                401,
                "wrong_credentials",
                "This name and this password do not go together.",
                headers={"WWW-Authenticate": 'Session realm="productops"'},
            )
        # Also for whoever was signed in already: what is known of the old name opens nothing any more.
        request._request.session.cycle_key()
        login(request._request, person)
        return self._shown(person)

    @extend_schema(operation_id="session_destroy", responses={204: None}, tags=["session"])
    def delete(self, request: Request) -> Response:
        """Sign out. Nobody having signed in is as good."""
        self.enforce_csrf()
        logout(request._request)
        return Response(status=204, headers={"Cache-Control": "no-store"})

    def _shown(self, person: User | None) -> Response:
        body = {
            "person": person,
            "memberships": memberships_of(person)[:_MOST_MEMBERSHIPS] if person else [],
            "csrf_token": get_token(self.request._request),
        }
        return Response(SessionSerializer(body).data, headers={"Cache-Control": "no-store"})


class MyWorkspacesView(PersonView):
    """The workspaces that the header Productops-Workspace can name."""

    @extend_schema(
        operation_id="workspaces_list", responses=MembershipSerializer(many=True), tags=["session"]
    )
    def get(self, request: Request) -> Response:
        """The workspaces of the person who has signed in, by name, with what they are there."""
        person = self.person()
        if person is None:
            raise Problem(
                401,
                "not_authenticated",
                "Sign in first.",
                headers={"WWW-Authenticate": 'Session realm="productops"'},
            )
        return Response(MembershipSerializer(memberships_of(person), many=True).data)


class AcceptInvitationView(PersonView):
    """One-time tokens of invitations."""

    @extend_schema(
        operation_id="invitations_accept",
        request=AcceptanceSerializer,
        responses={201: MembershipSerializer, (404, MEDIA_TYPE): ErrorBodySerializer},
        tags=["invitations"],
    )
    def post(self, request: Request) -> Response:
        """Accept an invitation, as the person who has signed in or as somebody new.

        404 when the token opens nothing (any more); 409 when its address has an account: sign in first. Somebody
        new signs in afterwards, with the address as their username.
        """
        said = AcceptanceSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        password = said.validated_data.get("password")
        newcomer = Newcomer(said.validated_data.get("name", ""), password) if password else None
        try:
            member = accept_invitation(
                token=said.validated_data["token"], user=self.person(), newcomer=newcomer
            )
        except InvitationRefused:
            raise Problem(404, "no_such_invitation", "This invitation does not stand (any more).") from None
        except HasAccount:
            detail = "The address that was invited has an account: sign in, then accept."
            raise Problem(409, "sign_in_first", detail) from None
        return Response(MembershipSerializer(member).data, status=201, headers={"Cache-Control": "no-store"})


def memberships_of(person: User) -> QuerySet[Member]:
    """The person's memberships with their workspaces, by the workspace's name."""
    members = Member.objects.filter(user=person).select_related("workspace")
    return members.order_by("workspace__name", "workspace_id")
