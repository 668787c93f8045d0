"""`Idempotency-Key`: a POST that may be sent again, and is done once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.authentication import workspace_of
from productops.api.parsing import drain, refuse_cut_short
from productops.api.problems import Problem
from productops.api.rendering import JSONRenderer
from productops.workspaces.answers import Answer, OtherRequest, Repeatable, StillRunning
from productops.workspaces.models import ApiKey

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
# How long a repetition waits for the first, and how often it looks.
PATIENCE_S = 5.0
_PAUSE_S = 0.05
# Says that the answer is one that was given before.
REPLAYED = "Idempotency-Replayed"

_KEPT_HEADERS = ("ETag", "Location", "Cache-Control")


def carries_key(request: Request) -> bool:
    return request.method == "POST" and HEADER in request.headers


def is_asked_for(request: Request) -> bool:
    """Whether the answer is to be kept; known once the caller is."""
    # Whoever acts in no workspace, to sign in say, does nothing that is kept.
    return carries_key(request) and getattr(request, "workspace", None) is not None


def hold_body(request: Request) -> None:
    """Read the whole body, which Django keeps for whoever parses it.

    Before anybody is authenticated: the check of a CSRF token looks for it in the parsed body, and what was
    parsed from the stream is gone. Raises Problem 413, or 400 for one cut short.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit:
        drain(request._request)
        raise Problem(413, "too_large", f"With {HEADER}, {limit} bytes at most.")
    refuse_cut_short(len(request._request.body), request.headers)


def answer_once(handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> Any:
    """Call the handler and keep its answer in one transaction, or answer as before.

    While the first is running the others wait for its answer, PATIENCE_S at most. Raises Problem 409 when it
    is running still and 422 for another request under the same key. An error has no effect, so none is kept:
    sent again, the request is looked at again.
    """
    repeatable = _repeatable(request)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _answer(repeatable, handler, request, *args, **kwargs)
        except StillRunning:
            if time.monotonic() >= until:
                detail = f"The first request with this {HEADER} is still running; try again in a moment."
                raise Problem(409, "still_running", detail, headers={"Retry-After": "1"}) from None
        if not connection.in_atomic_block:
            # Back to the pool: those who wait must not keep the first from the connections it needs.
            connection.close()
        time.sleep(_PAUSE_S)


def _answer(
    repeatable: Repeatable, handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any
) -> Any:
    with transaction.atomic():
        try:
            known = repeatable.claim()
        except OtherRequest:
            detail = f"This {HEADER} was used before, for another request."
            raise Problem(422, "idempotency_key_reused", detail) from None
        if known is not None:
            return _replayed(known)
        response = handler(request, *args, **kwargs)
        if response.status_code < 400:
            repeatable.keep(_answer_of(response))
        else:
            transaction.set_rollback(True)
        return response


def _repeatable(request: Request) -> Repeatable:
    key = request.headers[HEADER].strip()
    if not (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        detail = f"{HEADER} is 1 to {LONGEST_KEY} printable ASCII characters, a UUID for example."
        raise Problem(400, "invalid", detail)
    told = f"{request.method} {request.get_full_path()} {request.headers.get('Content-Encoding', '')}\n"
    body = request._request.body
    return Repeatable(
        workspace_of(request), _caller(request), key, hashlib.sha256(told.encode() + body).digest()
    )


def _caller(request: Request) -> str:
    if isinstance(request.auth, ApiKey):
        return f"key:{request.auth.pk}"
    return f"person:{request.user.pk}"


def _answer_of(response: Response) -> Answer:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    body = b"" if response.data is None else JSONRenderer().render(response.data)
    return Answer(
        response.status_code, headers, body, is_secret="no-store" in response.get("Cache-Control", "")
    )


def _replayed(known: Answer) -> HttpResponse:
    response = HttpResponse(
        known.body,
        status=known.status,
        content_type=JSONRenderer.media_type,
        headers={**known.headers, REPLAYED: "true"},
    )
    if not known.body:
        del response["Content-Type"]
    return response
