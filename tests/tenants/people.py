"""Everybody who may knock: people of each role, keys of each scope, nobody, and somebody from elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from productops.workspaces.models import Workspace
from productops.workspaces.models.keys import SCOPES
from tests.callers import Caller, SignedIn
from tests.factories import a_member

READS = {"roadmap:read", "outcomes:read"}
# What each may do, told here once more and not asked of the code that is tested.
ALLOWED: dict[str, set[str]] = {
    "viewer": READS,
    "editor": READS | {"roadmap:write", "outcomes:write"},
    "admin": set(SCOPES),
    "nobody": set(),
    **{f"key for {scope}": {scope} for scope in SCOPES},
}


def _person(role: str) -> Callable[[Workspace], Caller]:
    def caller(workspace: Workspace) -> Caller:
        person = SignedIn(a_member(workspace, role).user, **{"X-CSRFToken": "a" * 32})
        person.client.cookies["csrftoken"] = "a" * 32
        return person

    return caller


def _key(scope: str) -> Callable[[Workspace], Caller]:
    return lambda workspace: Caller(workspace, [scope])


CALLERS: dict[str, Callable[[Workspace], Caller]] = {
    "viewer": _person("viewer"),
    "editor": _person("editor"),
    "admin": _person("admin"),
    "nobody": lambda workspace: Caller(),
    **{f"key for {scope}": _key(scope) for scope in SCOPES},
}
