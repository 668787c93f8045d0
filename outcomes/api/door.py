"""`/in/{token}`: the webhook's door. Turns a request into one stored delivery, or says why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from outcomes.api import replies
from outcomes.instruments import REFUSED
from outcomes.models import Source
from outcomes.pipeline import interpret, receive, senders
from outcomes.pipeline.senders import Sender
from outcomes.sources import adapters
from outcomes.sources.proofs import basic
from outcomes.sources.signatures import SignatureRefused
from outcomes.sources.wholeness import is_evidently_whole
from productops.api.packing import CannotUnpack, EndsTooSoon, UnpacksTooLarge, unpack
from productops.api.parsing import Readable, cut_short, drain
from productops.api.problems import FieldError, problem_response

# Parameters that libraries append are theirs to know; the native body has none but this.
_PARAMETERS = {"dry_run"}
_YES, _NO = ("true", "1"), ("false", "0")
_GZIP_MAGIC = b"\x1f\x8b"


@csrf_exempt
def receive_delivery(request: HttpRequest, token: str, path: str = "") -> HttpResponse:
    """Verify, store once, answer. Nothing else happens here: a worker interprets it later."""
    return _counted(_at(request, senders.at(token), path))


@csrf_exempt
def receive_by_write_key(request: HttpRequest) -> HttpResponse:
    """The same for libraries that drop the address's path: the write key says which source it is."""
    headers = {"authorization": request.headers.get("Authorization", "")}
    pair = basic(headers)
    key = pair[0] if pair and "\x00" not in pair[0] else ""
    source = senders.with_secret("segment", key, now=timezone.now()) if key else None
    return _counted(_at(request, source, request.path.strip("/")))


def _counted(response: HttpResponse) -> HttpResponse:
    if response.status_code >= 400:
        REFUSED.labels(str(response.status_code)).inc()
    return response


def _at(request: HttpRequest, source: Sender | None, path: str) -> HttpResponse:
    if request.method in ("GET", "HEAD"):
        if "data" in request.GET:
            is_theirs = source is not None and source.kind == "mixpanel"
            return _take(request, source, path) if is_theirs else _stranger(request)
        if replies.may_be_asked(path):
            return _asked(request, source, path)
    if request.method != "POST":
        detail = f"Only POST is taken here, not {request.method}."
        return problem_response(request, 405, "method_not_allowed", detail, headers={"Allow": "POST"})
    return _take(request, source, path)


def _asked(request: HttpRequest, source: Sender | None, path: str) -> HttpResponse:
    """What a library asks for besides, told to those who hold the key; whether there is anything, to nobody else."""
    answer = replies.asked(source, path) if source is not None else None
    if source is None or answer is None:
        return _stranger(request)
    try:
        # Nothing is stored that would prove it again, so what is remembered of the sender is not enough.
        receive.verified(senders.look_up(source.token), _headers(request), b"", now=timezone.now())
    except SignatureRefused:
        return _stranger(request)
    return answer


def _take(request: HttpRequest, source: Sender | None, path: str) -> HttpResponse:
    content_type = (request.content_type or "").lower()
    if _length_is_missing(request):
        return problem_response(request, 411, "length_required", "Say how long the body is (Content-Length).")
    try:
        body = _whole_body(request)
        try:
            return _verified(request, source, path, body, content_type)
        except receive.SenderChanged as changed:
            # Between verifying and storing; what it is now decides.
            return _verified(request, senders.look_up(changed.token), path, body, content_type)
    except _TooLarge as error:
        return problem_response(request, 413, "too_large", str(error))
    except _CutShort as error:
        return problem_response(request, 400, "cut_short", str(error))
    except _NoEnd as error:
        return problem_response(request, 411, "length_required", str(error))
    except (_UnknownEncoding, _UnknownType) as error:
        return problem_response(request, 415, "unsupported_media_type", str(error))
    except (SignatureRefused, receive.SenderChanged):
        return _stranger(request)


def _verified(
    request: HttpRequest, source: Sender | None, path: str, body: bytes, content_type: str
) -> HttpResponse:
    """Store a body once it is proven.

    Raises SignatureRefused, _TooLarge, _CutShort, _NoEnd, _UnknownEncoding or _UnknownType.
    """
    if source is None:
        raise SignatureRefused("token")
    now = timezone.now()
    headers = {**_headers(request), "content-type": content_type}
    if source.kind in adapters.SIGNS_BYTES:
        source, signed = receive.verified(source, headers, body, now=now)
        unpacked = _unpacked(request, body, source.kind)
    else:
        unpacked = _unpacked_for(request, body, source, headers, now)
        source, signed = receive.verified(source, headers, unpacked, now=now)
    if not replies.takes(source.kind, content_type):
        raise _UnknownType(f"{content_type} is not taken here; send application/json.")
    _refuse_without_end(request, source.kind, unpacked, content_type)
    if source.kind == "productops" and (problem := _misplaced(request, path)) is not None:
        return problem
    is_kept = replies.states_something(source.kind, path)
    if (problem := _unclear(request)) is not None:
        return problem
    is_dry = request.GET.get("dry_run", "").lower() in _YES
    if is_dry or not is_kept:
        # Nothing is stored that would prove it again, so what is remembered of the sender is not enough.
        source, signed = receive.verified(
            senders.look_up(source.token),
            headers,
            body if source.kind in adapters.SIGNS_BYTES else unpacked,
            now=now,
        )
    if not is_kept:
        return replies.unkept(request, source, path, unpacked)
    kept = {} if source.kind == "productops" else adapters.headers_to_keep(headers)
    if is_dry:
        asked = Source.objects.select_related("workspace").get(pk=source.source_id)
        return JsonResponse(interpret.preview(asked, signed, unpacked, now=now, path=path, headers=kept))
    try:
        receipt = receive.store(source, signed, unpacked, content_type, path=path, headers=kept)
    except receive.DeliveryConflict:
        return problem_response(
            request, 409, "conflict", "This webhook-id was used before, for another body."
        )
    return replies.accepted(request, source.kind, path, receipt, unpacked)


def _misplaced(request: HttpRequest, path: str) -> HttpResponse | None:
    """What is wrong with the address of a native body: libraries append what they like, our own senders do not."""
    if path.strip("/"):
        return problem_response(request, 404, "not_found", "There is nothing at this address.")
    if unknown := set(request.GET) - _PARAMETERS:
        detail = f"Unknown parameter: {', '.join(sorted(unknown))}."
        return problem_response(request, 400, "unknown_parameter", detail)
    return None


def _unclear(request: HttpRequest) -> HttpResponse | None:
    """What is wrong with `dry_run`: a typing error in it would store what was only to be tried."""
    said = [text.lower() for text in request.GET.getlist("dry_run")]
    if not said or (len(said) == 1 and said[0] in _YES + _NO):
        return None
    detail = "true or false." if len(said) == 1 else "Given more than once."
    error = FieldError(pointer="/dry_run", code="invalid", detail=detail, source="query")
    return problem_response(request, 400, "invalid", f"dry_run: {detail}", [error])


def _stranger(request: HttpRequest) -> HttpResponse:
    # One and the same answer for every reason, so that a stranger learns nothing.
    return problem_response(request, 401, "not_authenticated", "The signature could not be verified.")


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


class _TooLarge(Exception):
    pass


class _CutShort(Exception):
    pass


class _NoEnd(Exception):
    pass


class _UnknownEncoding(Exception):
    pass


class _UnknownType(Exception):
    pass


def _whole_body(request: HttpRequest) -> bytes:
    if request.method != "POST":
        # Mixpanel's Node library sends its form as the query.
        return request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    limit = settings.WEBHOOK_MAX_BYTES
    message = f"A delivery may weigh at most {limit} bytes."
    # Django reads as much as was declared: nothing of a body in chunks, whose end the server tells.
    stream: Readable = request.META["wsgi.input"] if _is_chunked(request) else request
    # Never more than one byte beyond the limit is kept, whatever the sender declared.
    body = b""
    while len(body) <= limit and (chunk := stream.read(limit + 1 - len(body))):
        body += chunk
    if len(body) > limit:
        drain(stream)
        raise _TooLarge(message)
    if detail := cut_short(len(body), request.headers):
        raise _CutShort(detail)
    return body


def _is_chunked(request: HttpRequest) -> bool:
    """Whether the body comes in chunks and its length is not known before. Many libraries on Node send so."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    return chunked and not request.headers.get("Content-Length")


def _length_is_missing(request: HttpRequest) -> bool:
    """Whether a body would look empty only because nobody said how long it is."""
    if request.method != "POST":
        return False
    if _is_chunked(request):
        return not _ends_by_itself(request)
    return not request.headers.get("Content-Length")


def _refuse_without_end(request: HttpRequest, kind: str, unpacked: bytes, content_type: str) -> None:
    """Refuse a body in chunks that may have been cut: the web server tells no broken connection from an end.

    A signature over all of it, the checksum of gzip or JSON that closes what it opened show that it is whole.
    """
    if not _is_chunked(request) or kind in adapters.SIGNS_ALL_BYTES or _is_packed(request):
        return
    if not is_evidently_whole(unpacked, content_type):
        raise _NoEnd(
            "It cannot be told whether a body in chunks came whole; say how long it is (Content-Length)."
        )


def _ends_by_itself(request: HttpRequest) -> bool:
    """Whether the web server tells where a body in chunks ends, as the one we ship with does."""
    return request.META.get("wsgi.input_terminated") is True


def _is_packed(request: HttpRequest) -> bool:
    return request.headers.get("Content-Encoding", "").strip().lower() == "gzip"


def _unpacked_for(
    request: HttpRequest, body: bytes, source: Sender, headers: Mapping[str, str], now: datetime
) -> bytes:
    """Unpack a body whose proof may be inside it; what is wrong with it is told to nobody who proves nothing."""
    try:
        return _unpacked(request, body, source.kind)
    except (_TooLarge, _CutShort, _UnknownEncoding):
        receive.verified(source, headers, b"", now=now)
        raise


def _unpacked(request: HttpRequest, body: bytes, kind: str) -> bytes:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        # PostHog's browser library says that it packed the body in the query only.
        if not (kind == "posthog" and body.startswith(_GZIP_MAGIC)):
            return body
    elif encoding != "gzip":
        raise _UnknownEncoding(f"Content-Encoding {encoding} is not taken here; gzip is.")
    limit = settings.WEBHOOK_MAX_UNPACKED_BYTES
    try:
        return unpack(body, limit)
    except UnpacksTooLarge as error:
        raise _TooLarge(f"A delivery may unpack to at most {limit} bytes.") from error
    except EndsTooSoon as error:
        raise _CutShort("The packed body ends before its end.") from error
    except CannotUnpack as error:
        raise _UnknownEncoding("The body is not gzip.") from error
