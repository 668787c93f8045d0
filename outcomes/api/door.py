"""`POST /in/{token}`: the webhook's door. Turns a request into one stored delivery, or says why not."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from outcomes.pipeline import interpret, receive
from outcomes.sources.signatures import SignatureRefused
from productops.api.parsing import drain
from productops.api.problems import problem_response

# The native body is JSON; a curl that forgets to say so is not turned away for it.
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain", "")


@csrf_exempt
def receive_delivery(request: HttpRequest, token: str) -> HttpResponse:
    """Verify, store once, answer 202. Nothing else happens here: a worker interprets it later."""
    if request.method != "POST":
        detail = f"Only POST is taken here, not {request.method}."
        return problem_response(request, 405, "method_not_allowed", detail, headers={"Allow": "POST"})
    unknown = set(request.GET) - {"dry_run"}
    if unknown:
        detail = f"Unknown parameter: {', '.join(sorted(unknown))}."
        return problem_response(request, 400, "unknown_parameter", detail)
    content_type = (request.content_type or "").lower()
    if content_type not in CONTENT_TYPES:
        detail = f"{content_type} is not taken here; send application/json."
        return problem_response(request, 415, "unsupported_media_type", detail)
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and not request.headers.get(
        "Content-Length"
    ):
        # Under WSGI such a body would look empty; better to say so than to verify nothing.
        return problem_response(request, 411, "length_required", "Say how long the body is (Content-Length).")
    try:
        body = _whole_body(request)
    except _TooLarge as error:
        return problem_response(request, 413, "too_large", str(error))
    except _UnknownEncoding as error:
        return problem_response(request, 415, "unsupported_media_type", str(error))
    now = timezone.now()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        source, signed = receive.verified(token, headers, body, now=now)
    except SignatureRefused:
        # One and the same answer for every reason, so that a stranger learns nothing.
        return problem_response(request, 401, "not_authenticated", "The signature could not be verified.")
    try:
        unpacked = _unpacked(request, body)
    except _TooLarge as error:
        return problem_response(request, 413, "too_large", str(error))
    except _UnknownEncoding as error:
        return problem_response(request, 415, "unsupported_media_type", str(error))
    if request.GET.get("dry_run", "").lower() in ("true", "1"):
        return JsonResponse(interpret.preview(source, signed, unpacked, now=now))
    try:
        receipt = receive.store(source, signed, unpacked, content_type)
    except receive.DeliveryConflict:
        return problem_response(
            request, 409, "conflict", "This webhook-id was used before, for another body."
        )
    status = "duplicate" if receipt.is_duplicate else "accepted"
    return JsonResponse({"id": str(receipt.delivery_id), "status": status}, status=202)


class _TooLarge(Exception):
    pass


class _UnknownEncoding(Exception):
    pass


def _whole_body(request: HttpRequest) -> bytes:
    limit = settings.WEBHOOK_MAX_BYTES
    message = f"A delivery may weigh at most {limit} bytes."
    # Never more than one byte beyond the limit is kept, whatever the sender declared.
    body: bytes = request.read(limit + 1)
    if len(body) > limit:
        drain(request)
        raise _TooLarge(message)
    return body


def _unpacked(request: HttpRequest, body: bytes) -> bytes:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise _UnknownEncoding(f"Content-Encoding {encoding} is not taken here; gzip is.")
    limit = settings.WEBHOOK_MAX_UNPACKED_BYTES
    try:
        with gzip.GzipFile(fileobj=BytesIO(body)) as packed:
            unpacked: Any = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _UnknownEncoding("The body is not gzip.") from error
    if len(unpacked) > limit:
        raise _TooLarge(f"A delivery may unpack to at most {limit} bytes.")
    return bytes(unpacked)
