"""The short way to doors that machines use by the thousand: no session, no cookie, no page, no compression."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from productops.api.errors import response_to

# Whatever lies under these answers for itself, in JSON, to whoever proves who they are by the request alone.
DIRECT_PATHS = ("/in/",)


class DirectMiddleware:
    """Answers requests to DIRECT_PATHS without going through the middleware beneath it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(DIRECT_PATHS):
            return self.get_response(request)
        response = self._directly(request)
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    def _directly(self, request: HttpRequest) -> HttpResponse:
        try:
            match = resolve(request.path_info)
            return match.func(request, *match.args, **match.kwargs)
        except Exception as error:
            response = response_to(error, request)
            if response is None:
                raise
            return response
