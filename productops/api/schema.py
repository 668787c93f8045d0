"""How the API describes itself: OpenAPI 3.1 with the scopes, headers and errors of every operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter
from rest_framework.permissions import SAFE_METHODS

from productops.api.authentication import HasScope, required_scope
from productops.api.idempotency import HEADER, REPLAYED
from productops.api.problems import MEDIA_TYPE, title_of
from productops.api.serializers import ErrorBodySerializer, RefusesUnknownFields
from productops.api.views import Resource, StrictView

_EVERYWHERE = (400, 401, 403, 405, 429, 503)
_WITH_BODY = (409, 411, 413, 415)
_BY_VERSION = (409, 412, 428)
_HEADERS_OF = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    405: {"Allow": {"schema": {"type": "string"}}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}


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
        return {self.name: _scopes(auto_schema)}


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
        return {self.name: _scopes(auto_schema)}


class PersonScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The same cookie where no workspace is chosen."""

    name = "Person"
    target_class = "productops.api.authentication.PersonAuthentication"


def _scopes(auto_schema: AutoSchema) -> list[str]:
    view = auto_schema.view
    is_scoped = any(isinstance(permission, HasScope) for permission in view.get_permissions())
    return [required_scope(view, auto_schema.method)] if is_scoped else []


class ProductopsSchema(AutoSchema):
    """What drf-spectacular cannot see: ETags, preconditions, errors, scopes, references by key or id."""

    view: Any

    def get_description(self) -> str:  # type: ignore[override]
        told = super().get_description()
        scopes = _scopes(self)
        return f"{told}\n\nNeeds the scope `{scopes[0]}`.".strip() if scopes else told

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        """An answer has all of its fields, whichever could have been left out of the question.

        (`?fields=` leaves out what its caller did not ask for; no schema can say that.)
        """
        made: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        if direction == "response":
            sometimes = getattr(kind, "sometimes", ())
            made["required"] = sorted(name for name in made.get("properties", {}) if name not in sometimes)
            if not made["required"]:
                del made["required"]
        elif issubclass(kind, RefusesUnknownFields):
            made["additionalProperties"] = False
        return made

    def get_request_serializer(self) -> Any:
        told = self.view.described_body() if isinstance(self.view, Resource) else None
        return super().get_request_serializer() if told is None else told

    def get_override_parameters(self) -> list[Any]:
        if not isinstance(self.view, Resource):
            return [*self._idempotency(), *self._rate_limits()] if isinstance(self.view, StrictView) else []
        return [
            *self._path_parameters(),
            *self._trimming(),
            *self._preconditions(),
            *self._idempotency(),
            *self._rate_limits(),
        ]

    def _rate_limits(self) -> list[OpenApiParameter]:
        header: Literal["header"] = "header"
        told = {
            "RateLimit": 'What is left: `"minute";r=5999;t=37`, with t the seconds until there are all again.',
            "RateLimit-Policy": 'How much there is: `"minute";q=6000;w=60`.',
        }
        return [
            OpenApiParameter(name, OpenApiTypes.STR, header, description=words, response=True)
            for name, words in told.items()
        ]

    def _idempotency(self) -> list[OpenApiParameter]:
        if self.method != "POST" or not _scopes(self):
            return []
        words = (
            "Any text of the client's, a UUID say. Sent again within 24 hours, the answer is the first one."
        )
        told = "`true` on an answer that was given before."
        header: Literal["header"] = "header"
        return [
            OpenApiParameter(HEADER, OpenApiTypes.STR, header, description=words),
            OpenApiParameter(REPLAYED, OpenApiTypes.STR, header, description=told, response=True),
        ]

    def _path_parameters(self) -> list[OpenApiParameter]:
        if "{id}" not in self.path:
            return []
        has_key = any(field.name == "key" for field in self.view.model._meta.fields)
        words = "An id or a key." if has_key else "An id."
        return [OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH, description=words)]

    def _trimming(self) -> list[OpenApiParameter]:
        if self.method not in SAFE_METHODS:
            return []
        parameters = [
            OpenApiParameter("fields", OpenApiTypes.STR, description="Only these fields, comma-separated.")
        ]
        if self.view.expansions:
            told = f"Also these, comma-separated. Of: {', '.join(sorted(self.view.expansions))}."
            parameters.append(OpenApiParameter("expand", OpenApiTypes.STR, description=told))
        return parameters

    def _preconditions(self) -> list[OpenApiParameter]:
        header: Literal["header"] = "header"
        parameters = []
        if self._reads_one:
            words = "ETags that the reader has; 304 when one of them is still right."
            parameters.append(OpenApiParameter("If-None-Match", OpenApiTypes.STR, header, description=words))
        if self._is_versioned:
            words = "The ETag of what the edit is based on; only its version counts."
            parameters.append(
                OpenApiParameter("If-Match", OpenApiTypes.STR, header, required=True, description=words)
            )
        if getattr(self.view, "action", None) in ("retrieve", "create", "update", "partial_update"):
            words = '`"<version>.<hash of the representation>"`'
            parameters.append(
                OpenApiParameter("ETag", OpenApiTypes.STR, header, description=words, response=[200, 201])
            )
        return parameters

    @property
    def _reads_one(self) -> bool:
        return isinstance(self.view, Resource) and getattr(self.view, "action", None) == "retrieve"

    @property
    def _is_versioned(self) -> bool:
        actions = ("update", "partial_update", "destroy")
        return isinstance(self.view, Resource) and getattr(self.view, "action", None) in actions

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self._reads_one:
            bodies["304"] = {"description": "Not modified since the ETag in If-None-Match."}
        for status in self._errors():
            bodies.setdefault(str(status), self._error_body(status))
        return dict(sorted(bodies.items()))

    def _errors(self) -> Sequence[int]:
        statuses = set(_EVERYWHERE)
        if "{" in self.path:
            statuses.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            statuses.update(_WITH_BODY)
        if self.method == "POST" and _scopes(self):
            statuses.add(422)
        if self._is_versioned:
            statuses.update(_BY_VERSION)
        return sorted(statuses)

    def _error_body(self, status: int) -> dict[str, Any]:
        body = self.resolve_serializer(ErrorBodySerializer, "response").ref
        described = {"description": title_of(status), "content": {MEDIA_TYPE: {"schema": body}}}
        return {**described, "headers": _HEADERS_OF[status]} if status in _HEADERS_OF else described
