"""Every request has an id that is in its answer, its errors and its log lines."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from productops.workspaces.attribution import acting

# What a client may call its request: short and harmless in a log line.
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Take the client's X-Request-ID, or make one, and put it on the request and the answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        made = given if _USABLE.fullmatch(given) else uuid.uuid4().hex
        request.request_id = made  # type: ignore[attr-defined]
        with acting(None, request_id=made):
            response = self.get_response(request)
        response["X-Request-ID"] = made
        return response


def request_id_of(request: object) -> str | None:
    """The id of a Django or a REST framework request; None outside the middleware."""
    return getattr(request, "request_id", None)
