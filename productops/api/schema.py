"""How the API describes itself: OpenAPI 3.1 with the scopes, headers and errors of every operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter

from productops.api.document_errors import HEADERS_OF, example_of
from productops.api.document_fields import tell_fields
from productops.api.document_links import links_after
from productops.api.document_security import scopes_of
from productops.api.examples import answer_for, example_for
from productops.api.idempotency import HEADER, LONGEST_KEY, REPLAYED
from productops.api.pages import ordering_parameter
from productops.api.problems import MEDIA_TYPE, title_of
from productops.api.serializers import ErrorBodySerializer
from productops.api.views import Resource, StrictView

_EVERYWHERE = (400, 401, 403, 405, 429, 500, 503)
_WITH_BODY = (409, 411, 413, 415)
# Printable ASCII, and no blank at an end.
_KEY = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"}
_BY_VERSION = (409, 412, 428)


class ProductopsSchema(AutoSchema):
    """What drf-spectacular cannot see: ETags, preconditions, errors, scopes, references by key or id."""

    view: Any

    def get_description(self) -> str:  # type: ignore[override]
        told = super().get_description()
        scopes = scopes_of(self)
        return f"{told}\n\nNeeds the scope `{scopes[0]}`.".strip() if scopes else told

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        made: dict[str, Any] = super()._map_basic_serializer(  # type: ignore[no-untyped-call]
            serializer, direction
        )
        return tell_fields(made, serializer, direction)

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
        if self.method != "POST" or not scopes_of(self):
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
        for given, told in bodies.items():
            answer = answer_for(self.method, self.path, given)
            if answer is not None:
                told["content"]["application/json"]["example"] = answer
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
        if self.method == "POST" and scopes_of(self):
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
            content = {"schema": body, "example": example_of(status)}
            described = {"description": title_of(status), "content": {MEDIA_TYPE: content}}
            headers = HEADERS_OF.get(status)
            component.schema = {**described, "headers": headers} if headers else described
            self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference
