"""How the API describes itself: OpenAPI 3.1 with the scopes, headers and errors of every operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, force_instance
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter

from productops.api.authentication import HasScope, required_scope
from productops.api.document_links import links_after
from productops.api.examples import example_for
from productops.api.idempotency import HEADER, LONGEST_KEY, REPLAYED
from productops.api.pages import ordering_parameter
from productops.api.problems import MEDIA_TYPE, title_of
from productops.api.serializers import ErrorBodySerializer, RefusesUnknownFields
from productops.api.views import Resource, StrictView

_EVERYWHERE = (400, 401, 403, 405, 429, 500, 503)
_WITH_BODY = (409, 411, 413, 415)
# Printable ASCII, and no blank at an end.
_KEY = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"}
_BY_VERSION = (409, 412, 428)
_EXAMPLES: dict[int, tuple[str, str, list[dict[str, str]]]] = {
    400: (
        "invalid",
        "statuss: There is no such field.",
        [{"pointer": "/statuss", "code": "unknown", "detail": "There is no such field."}],
    ),
    401: ("not_authenticated", "This API key is not known, or no longer in force.", []),
    403: ("missing_scope", "This needs the scope roadmap:write.", []),
    404: ("not_found", "There is no such object here.", []),
    405: ("method_not_allowed", 'Method "PUT" not allowed.', []),
    409: (
        "taken",
        "Another item has this key.",
        [{"pointer": "/key", "code": "taken", "detail": "Another item has this key."}],
    ),
    411: ("length_required", "Send the body with its Content-Length.", []),
    412: ("stale_edit", "It has been changed since; read it again and repeat the edit.", []),
    413: ("too_large", "The body is larger than 2097152 bytes.", []),
    415: ("unsupported_media_type", 'Unsupported media type "text/plain" in request.', []),
    422: ("idempotency_key_reused", "This Idempotency-Key was used before, for another request.", []),
    428: ("if_match_required", "Send If-Match with the ETag of what you read.", []),
    429: ("too_many_requests", "More than 6000 requests in a minute.", []),
    500: ("internal", "Something went wrong here. The request id finds it in the log.", []),
    503: ("unavailable", "The database is away or busy. Nothing was done; try again.", []),
}
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
        made: dict[str, Any] = super()._map_basic_serializer(  # type: ignore[no-untyped-call]
            serializer, direction
        )
        for told in made.get("properties", {}).values():
            _either_or_blank(told)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        if not vars(kind).get("__doc__"):
            # What its parent says is about serializers.
            made.pop("description", None)
        for told in made.get("properties", {}).values():
            if told.get("oneOf") == [{}, {"type": "null"}]:
                # Null is anything, too, so that it would be two of the two where one is asked for.
                del told["oneOf"]
        if direction == "response":
            sometimes = getattr(kind, "sometimes", ())
            made["required"] = sorted(name for name in made.get("properties", {}) if name not in sometimes)
            if not made["required"]:
                del made["required"]
            return made
        if issubclass(kind, RefusesUnknownFields):
            made["additionalProperties"] = False
        fields = force_instance(serializer).fields  # type: ignore[no-untyped-call]
        for name, told in made.get("properties", {}).items():
            if told.get("type") == "array" and not getattr(fields[name], "allow_empty", True):
                told["minItems"] = 1
            if told.get("type") == "array" and getattr(fields[name], "max_length", None):
                told["maxItems"] = fields[name].max_length
            default_in_words(told)
            # A format alone asks for nothing: this much can be asked for.
            if told.get("format") == "date":
                told["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
        return made

    def _get_parameters(self) -> list[Any]:
        """The query parameters are exactly those that are taken, and no parameter may be blank."""
        parameters: list[Any] = super()._get_parameters()
        if isinstance(self.view, StrictView):
            taken = set(self.view.parameters())
            parameters = [told for told in parameters if told["in"] != "query" or told["name"] in taken]
            if "ordering" in taken - {told["name"] for told in parameters}:
                parameters.append(ordering_parameter(self.view))
        for told in parameters:
            schema = told["schema"]
            if told["in"] == "header" and told.get("required"):
                schema["minLength"] = 1
            if told["in"] != "query":
                continue
            if schema.get("type") == "array":
                schema["minItems"] = 1
            elif schema.get("type") == "string" and not {"enum", "format"} & set(schema):
                schema["minLength"] = 1
        return parameters

    def get_request_serializer(self) -> Any:
        told = self.view.described_body() if isinstance(self.view, Resource) else None
        return super().get_request_serializer() if told is None else told

    def _get_request_body(self, direction: Direction = "request") -> dict[str, Any] | None:
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        example = example_for(self.method, self.path)
        if body is not None and example is not None:
            body["content"]["application/json"]["example"] = example
        return body

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
            OpenApiParameter(HEADER, _KEY, header, description=words),
            OpenApiParameter(REPLAYED, OpenApiTypes.STR, header, description=told, response=True),
        ]

    def _path_parameters(self) -> list[OpenApiParameter]:
        if "{id}" not in self.path:
            return []
        has_key = any(field.name == "key" for field in self.view.model._meta.fields)
        words = "An id or a key." if has_key else "An id."
        return [OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH, description=words)]

    def _trimming(self) -> list[OpenApiParameter]:
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
        done, links = links_after(self.view, self.path, self.get_operation_id())
        if links and done in bodies:
            bodies[done]["links"] = links
        for status in self._errors():
            bodies.setdefault(str(status), self._error_body(status))
        return dict(sorted(bodies.items()))

    def _errors(self) -> Sequence[int]:
        statuses = set(_EVERYWHERE)
        if "{" in self.path:
            statuses.add(404)
        if self.path.endswith("/bulk/"):
            # What a row names may be missing.
            statuses.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            statuses.update(_WITH_BODY)
        if self.method == "POST" and _scopes(self):
            statuses.add(422)
        if self._is_versioned:
            statuses.update(_BY_VERSION)
        if getattr(self.view, "action", None) == "bulk":
            # Nothing was written, and all refused rows agree on why.
            statuses.update((404, 412))
        if any(getattr(one, "name", "") == "If-Match" for one in self.get_override_parameters()):
            # An action may be based on what was read, too.
            statuses.add(412)
        return sorted(statuses)

    def _error_body(self, status: int) -> dict[str, Any]:
        """A reference to the answer that every operation gives with this status."""
        name = "".join(word for word in title_of(status).title() if word.isalpha())
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=ResolvedComponent.RESPONSE, object=status
        )
        if component not in self.registry:
            body = self.resolve_serializer(ErrorBodySerializer, "response").ref
            content = {"schema": body, "example": _example_of(status)}
            described = {"description": title_of(status), "content": {MEDIA_TYPE: content}}
            headers = _HEADERS_OF.get(status)
            component.schema = {**described, "headers": headers} if headers else described
            self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference


def default_in_words(told: dict[str, Any]) -> None:
    """Tell in words what a field is when it is left out: generated clients take `default` for "always there"."""
    if "default" not in told:
        return
    default = told.pop("default")
    if default not in (None, ""):
        told["description"] = f"{told.get('description', '')} {default} when it is left out.".strip()


def _either_or_blank(told: dict[str, Any]) -> None:
    """Let a blank text be both of what it may be: where formats are not looked at, it matches the other, too."""
    if {"type": "string", "maxLength": 0} in told.get("oneOf", ()):
        told["anyOf"] = told.pop("oneOf")


def _example_of(status: int) -> dict[str, Any]:
    """A problem as it is told; for a bad body also where it is bad."""
    code, detail, errors = _EXAMPLES.get(status, ("error", title_of(status), []))
    return {
        "type": f"urn:productops:problem:{code}",
        "title": title_of(status),
        "status": status,
        "detail": detail,
        "instance": "/api/v1/items/saved-carts/",
        "request_id": "5f1d7a84bc0b4d7c8f4fb1ff7f6bdc1a",
        "errors": errors,
    }
