"""Who may call, in the OpenAPI document: the ways to authenticate and the scope that an operation needs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from productops.api.authentication import HasScope, required_scope


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "productops.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "po_<id>_<secret>",
            "description": "An API key of one workspace, with scopes.",
        }

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        return {self.name: scopes_of(auto_schema)}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "productops.api.authentication.WorkspaceSessionAuthentication"
    name = "Session"
    priority = 1

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A person who has signed in; roles stand for scopes. Writes need the CSRF token; "
            "the header Productops-Workspace chooses among several workspaces.",
        }

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        return {self.name: scopes_of(auto_schema)}


class PersonScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The same cookie where no workspace is chosen."""

    name = "Person"
    target_class = "productops.api.authentication.PersonAuthentication"


def scopes_of(auto_schema: AutoSchema) -> list[str]:
    view = auto_schema.view
    is_scoped = any(isinstance(permission, HasScope) for permission in view.get_permissions())
    return [required_scope(view, auto_schema.method)] if is_scoped else []
