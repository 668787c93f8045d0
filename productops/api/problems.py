"""The body of every error: RFC 9457, `application/problem+json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from productops.api.requests import request_id_of

MEDIA_TYPE = "application/problem+json"


class FieldError(TypedDict):
    """One thing that is wrong: where (a JSON pointer into the body, or the parameter's name), a code, words."""

    pointer: str
    code: str
    detail: str
    # "query" when the pointer names a query parameter instead of a place in the body.
    source: NotRequired[str]


class Problem(APIException):
    """An error whose status, code, words and field errors are said by whoever raises it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.status_code = status
        self.members = dict(members or {})
        self.errors = list(errors)
        self.headers = dict(headers or {})
        super().__init__(detail, code)


class BadParameter(ValidationError):
    """A query parameter that is unknown, repeated or has a bad value."""

    def __init__(self, name: str, detail: str, code: str = "invalid") -> None:
        super().__init__({name: [ErrorDetail(detail, code)]})


class BadParameters(ValidationError):
    """Several query parameters with bad values, each with its complaints."""


def problem_response(
    request: HttpRequest | None,
    status: int,
    code: str,
    detail: str,
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return the answer; it does not go through content negotiation, so that any Accept header gets it.

    `members` are what else this kind of problem tells (RFC 9457 calls them extension members).
    """
    body: dict[str, Any] = {
        "type": "about:blank" if code == "error" else f"urn:productops:problem:{code}",
        "title": title_of(status),
        "status": status,
        "detail": detail,
        "instance": getattr(request, "path", ""),
        "request_id": request_id_of(request),
        "errors": list(errors),
        **(members or {}),
    }
    return HttpResponse(
        json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        status=status,
        content_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def title_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def field_errors(detail: object, source: str | None = None, path: str = "") -> list[FieldError]:
    """Flatten REST framework's nested complaints into pointers: `/links/0/problem`."""
    if isinstance(detail, dict):
        return [
            error
            for name, inner in detail.items()
            for error in field_errors(
                inner, source, path if name == "non_field_errors" else f"{path}/{_escaped(name)}"
            )
        ]
    if isinstance(detail, list):
        return [
            error
            for index, inner in enumerate(detail)
            # A list of words belongs to the field itself; a list of objects to its elements.
            for error in field_errors(inner, source, path if isinstance(inner, str) else f"{path}/{index}")
        ]
    error = FieldError(pointer=path, code=getattr(detail, "code", None) or "invalid", detail=str(detail))
    if source:
        error["source"] = source
    return [error]


def _escaped(name: object) -> str:
    """A member's name as a JSON pointer writes it (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
