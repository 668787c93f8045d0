"""Which workspace a person's request acts in, and as what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models
from django.http import HttpRequest, HttpResponse

from productops.workspaces.actors import Actor
from productops.workspaces.attribution import say_who
from productops.workspaces.models import Member, Role, User, Workspace

SESSION_KEY = "productops_workspace"
_CACHE = "productops_scope"
_PAGES = "/admin/"
# The switch is a list to choose from, not a directory.
_MOST_CHOICES = 500

VIEWER, EDITOR, ADMIN = Role.VIEWER.value, Role.EDITOR.value, Role.ADMIN.value
_RANK = {VIEWER: 0, EDITOR: 1, ADMIN: 2}

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a person sees and may do.

    `workspace` is the one in hand. It is None for somebody who belongs nowhere, and for a superuser who is
    nobody's member and looks at all workspaces at once (`is_everywhere`): that view is read-only.
    """

    workspace: Workspace | None
    role: str | None
    choices: Sequence[Workspace]
    is_everywhere: bool = False
    may_be_everywhere: bool = False

    @property
    def workspace_id(self) -> int | None:
        return self.workspace.pk if self.workspace else None

    def may_see(self, role: str | None) -> bool:
        return role is not None and (self.is_everywhere or self._has(role))

    def may_edit(self, role: str | None) -> bool:
        return role is not None and self.workspace is not None and self._has(role)

    def _has(self, role: str) -> bool:
        return self.role is not None and _RANK[self.role] >= _RANK[role]

    def limit(self, queryset: models.QuerySet[M], path: str = "workspace_id") -> models.QuerySet[M]:
        """Return the rows of the workspace in hand; `path` leads from a row to its workspace's id."""
        if self.is_everywhere:
            return queryset
        if self.workspace is None:
            return queryset.none()
        return queryset.filter(**{path: self.workspace.pk})

    def holds(self, row: Any) -> bool:
        """Whether a row belongs to what is seen."""
        return self.is_everywhere or (self.workspace is not None and row.workspace_id == self.workspace.pk)


def scope_of(request: HttpRequest) -> Scope:
    """Return the scope of the request's person; read once per request."""
    scope: Scope | None = getattr(request, _CACHE, None)
    if scope is None:
        scope = _read_scope(request)
        setattr(request, _CACHE, scope)
    return scope


def choose_workspace(request: HttpRequest, choice: str) -> bool:
    """Remember the chosen workspace for this session; a blank choice is all of them, where that is allowed.

    Returns False, changing nothing, when the person has no such workspace.
    """
    scope = scope_of(request)
    if choice == "" and scope.may_be_everywhere:
        request.session.pop(SESSION_KEY, None)
    elif any(str(workspace.pk) == choice for workspace in scope.choices):
        request.session[SESSION_KEY] = int(choice)
    else:
        return False
    setattr(request, _CACHE, None)
    return True


def workspace_in_hand(request: HttpRequest) -> Workspace:
    """Return the workspace that an edit acts in. Edits are only allowed where there is one."""
    workspace = scope_of(request).workspace
    assert workspace is not None, "an edit was let through without a workspace"
    return workspace


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person, as the services want to know them."""
    user = request.user
    assert isinstance(user, User)
    return Actor(name=user.get_full_name() or user.get_username(), user_id=user.pk, via="admin")


class AttributionMiddleware:
    """Attribute what a signed-in person writes through pages. The API says for itself who calls."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_PAGES) and isinstance(request.user, User):
            say_who(actor_of(request))
        return self.get_response(request)


def _read_scope(request: HttpRequest) -> Scope:
    user = request.user
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return Scope(None, None, ())
    members = list(
        Member.objects.filter(user=user)
        .select_related("workspace")
        .order_by("workspace__name", "workspace_id")
    )
    chosen = request.session.get(SESSION_KEY)
    if members:
        member = next((m for m in members if m.workspace_id == chosen), members[0])
        return Scope(member.workspace, member.role, [m.workspace for m in members])
    if not user.is_superuser:
        return Scope(None, None, ())
    every = list(Workspace.objects.order_by("name", "pk")[:_MOST_CHOICES])
    workspace = next((w for w in every if w.pk == chosen), None)
    return Scope(workspace, ADMIN, every, is_everywhere=workspace is None, may_be_everywhere=True)


def asking(request: HttpRequest) -> dict[str, Any]:
    """Return the keywords that every service takes: the workspace it acts in, and who asks."""
    return {"workspace": workspace_in_hand(request), "by": actor_of(request)}
