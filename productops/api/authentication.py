"""Who calls, in which workspace, and what they may do there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from productops.api.limits import spend
from productops.api.problems import Problem
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import say_who
from productops.workspaces.keys import KeyRefused, find_key, note_use
from productops.workspaces.models import ApiKey, Member, Role, User, Workspace
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.sessions import members_of_session

if TYPE_CHECKING:
    # REST framework's settings name this module, so it is read before the views are.
    from rest_framework.views import APIView

WORKSPACE_HEADER = "Productops-Workspace"

READ_SCOPES = frozenset({"roadmap:read", "outcomes:read"})
WRITE_SCOPES = frozenset({"roadmap:write", "outcomes:write"})
SCOPES_OF_ROLE: dict[str, frozenset[str]] = {
    Role.VIEWER: READ_SCOPES,
    Role.EDITOR: READ_SCOPES | WRITE_SCOPES,
    Role.ADMIN: frozenset(SCOPES),
}


def admit(request: Request, workspace: Workspace, actor: Actor, scopes: Iterable[str]) -> None:
    """Put on the request what every view reads: `workspace`, `actor` and `scopes`."""
    say_who(actor)
    request.workspace = workspace  # type: ignore[attr-defined]
    request.actor = actor  # type: ignore[attr-defined]
    request.scopes = frozenset(scopes)  # type: ignore[attr-defined]


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer po_<id>_<secret>`. An empty header counts as none."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "").strip()
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Authenticate with: Authorization: Bearer <API key>.")
        try:
            key = find_key(token.strip())
        except KeyRefused:
            raise AuthenticationFailed("This API key is not known, or no longer in force.") from None
        spend(request, f"key:{key.public_id}")
        _refuse_other_workspace(request, key.workspace)
        note_use(key)
        admit(request, key.workspace, Actor(name=key.name, user_id=None, via="api"), key.scopes)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="productops"'


def _refuse_other_workspace(request: Request, own: Workspace) -> None:
    """A key acts in its own workspace; whoever names another one must not find its work done in this."""
    ref = _named_workspace(request)
    if ref and ref not in (own.key, str(own.pk)):
        detail = f"This API key is not of the workspace in {WORKSPACE_HEADER}."
        raise Problem(403, "other_workspace", detail)


def _named_workspace(request: Request) -> str:
    return str(request.headers.get(WORKSPACE_HEADER, "")).strip()


class PersonAuthentication(SessionAuthentication):
    """A person who has signed in, whatever workspace they act in: for what is theirs alone."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        signed_in = super().authenticate(request)
        if signed_in is None:
            return None
        user: User = signed_in[0]
        spend(request, f"person:{user.pk}")
        say_who(Actor(name=user.get_full_name() or user.get_username(), user_id=user.pk, via="api"))
        return user, None

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refusal:
            raise Problem(403, "csrf", str(refusal.detail)) from None


class WorkspaceSessionAuthentication(PersonAuthentication):
    """A person who has signed in acts in the workspace that the header names, or in their only one."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        ref = _named_workspace(request)
        found = members_of_session(request._request, _named(Member.objects.order_by(), ref))
        signed_in = super().authenticate(request)
        if signed_in is None:
            return None
        user = signed_in[0]
        member = _only(found or _memberships(user, ref), ref)
        actor = Actor(name=member.display_name, user_id=user.pk, via="api")
        admit(request, member.workspace, actor, SCOPES_OF_ROLE[member.role])
        return user, None


def _named(members: QuerySet[Member], ref: str) -> QuerySet[Member]:
    """Those in the workspace that a key or id names; with none named, all."""
    if not ref:
        return members
    field = "workspace_id" if ref.isascii() and ref.isdigit() and len(ref) < 19 else "workspace__key"
    return members.filter(**{field: ref}) if ref.isprintable() else members.none()


def _memberships(user: User, ref: str) -> list[Member]:
    members = Member.objects.filter(user=user).select_related("workspace", "user")
    return list(_named(members, ref)[:2])


def _only(found: list[Member], ref: str) -> Member:
    """The membership that was chosen; a workspace of others is refused exactly like a missing one."""
    if not found:
        which = f"the workspace in {WORKSPACE_HEADER}" if ref else "any workspace"
        raise Problem(403, "not_a_member", f"You are not a member of {which}.")
    if len(found) > 1:
        detail = f"You are a member of several workspaces: name one in the header {WORKSPACE_HEADER}."
        raise Problem(400, "workspace_required", detail)
    return found[0]


def required_scope(view: APIView, method: str) -> str:
    """The scope that a view asks for: of the action if it names one, else `read_scope` or `write_scope`."""
    by_action: dict[str, str] = getattr(view, "action_scopes", {})
    action = getattr(view, "action", None)
    if action in by_action:
        return by_action[action]
    name = "read_scope" if method in SAFE_METHODS else "write_scope"
    # A view that says nothing is a mistake, and opens to nobody.
    scope = getattr(view, name)
    assert scope in SCOPES, f"{type(view).__name__}.{name}"
    return str(scope)


class HasScope(BasePermission):
    """The key, or the person's role, has the scope that the view asks for."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if getattr(request, "workspace", None) is None:
            return False
        needs_scope(request, required_scope(view, str(request.method)))
        return True


def needs_scope(request: Any, scope: str) -> None:
    """Refuse a caller without the scope."""
    if scope not in getattr(request, "scopes", ()):
        raise Problem(403, "missing_scope", f"This needs the scope {scope}.")


def workspace_of(request: Any) -> Workspace:
    """The workspace that the caller acts in."""
    workspace: Workspace = request.workspace
    return workspace


def actor_of(request: Any) -> Actor:
    """The caller, as services want to know them."""
    actor: Actor = request.actor
    return actor
