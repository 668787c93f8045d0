"""Browsers on other origins may call the API if the origin is one of ours to name; nobody may by default.

A library would bring patterns, wildcards and per-path rules; an exact list is all there is to say, and what is
not there cannot be set wrongly.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

_PATH = "/api/"
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_TAKEN = (
    "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Idempotency-Key,"
    " Productops-Workspace, X-CSRFToken, X-Request-ID"
)
_SHOWN = (
    "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID, Content-Disposition,"
    " Idempotency-Replayed"
)
_REMEMBERED_S = 600


class CorsMiddleware:
    """Answers preflights, and tells a browser that a named origin may read the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.CORS_ORIGINS or not request.path.startswith(_PATH):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        is_named = origin in settings.CORS_ORIGINS
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if is_preflight and is_named else self.get_response(request)
        # Said for every origin: a cache must not hand one origin's answer to another.
        patch_vary_headers(response, ["Origin"])
        if is_named:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Credentials"] = "true"
            response["Access-Control-Expose-Headers"] = _SHOWN
        if is_named and is_preflight:
            response["Access-Control-Allow-Methods"] = _METHODS
            response["Access-Control-Allow-Headers"] = _TAKEN
            response["Access-Control-Max-Age"] = str(_REMEMBERED_S)
        return response
