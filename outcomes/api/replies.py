"""What the libraries of each kind of source expect to hear, and to be given when they ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from outcomes.instruments import ACCEPTED
from outcomes.pipeline.receive import Receipt
from outcomes.pipeline.senders import Sender
from outcomes.sources.wholeness import PROTOBUF
from roadmap.models import Item

# A library keeps all of its flags in memory.
_MOST_FLAGS = 2_000

_JSON = ("application/json", "application/x-www-form-urlencoded", "text/plain", "")
_TAKEN: dict[str, tuple[str, ...]] = {
    # Our own senders say what they send.
    "productops": ("application/json", ""),
    "otlp": (*_JSON, *PROTOBUF),
    "mixpanel": (*_JSON, "application/x-ndjson"),
}


# How the addresses end that libraries GET; `all` is of `latest-all`, too.
_ASKED_FOR = ("client/features", "all", "flags", "identities")

# A library that would rather be streamed to is told once, and to come back in an hour: nothing will change.
_NO_FLAGS_STREAMED = (
    'retry: 3600000\nevent: put\ndata: {"path": "/", "data": {"flags": {}, "segments": {}}}\n\n'
)


def takes(kind: str, content_type: str) -> bool:
    """Whether a body of this type is read. In binary mode a CloudEvent's data may be of any."""
    return kind == "cloudevents" or content_type in _TAKEN.get(kind, _JSON)


def states_something(kind: str, path: str) -> bool:
    """Whether a request to this path carries facts; the others are answered and not kept."""
    last = path.rstrip("/")
    if kind == "unleash":
        return not last.endswith("register")
    if kind == "launchdarkly":
        return not last.endswith("diagnostic")
    if kind == "posthog":
        return not last.endswith(("flags", "decide"))
    if kind == "flagsmith":
        return not last.endswith("identities")
    if kind == "mixpanel":
        return not last.endswith(("engage", "groups"))
    return True


def accepted(request: HttpRequest, kind: str, path: str, receipt: Receipt, body: bytes) -> HttpResponse:
    """The answer to a stored delivery."""
    status = "duplicate" if receipt.is_duplicate else "accepted"
    ACCEPTED.labels(kind, status).inc()
    answer = _ACCEPTED.get(kind)
    if answer is None:
        return JsonResponse({"id": str(receipt.delivery_id), "status": status}, status=202)
    return answer(request, path, body)


def unkept(request: HttpRequest, source: Sender, path: str, body: bytes) -> HttpResponse:
    """The answer to a request that states nothing."""
    if source.kind == "mixpanel":
        return _mixpanel(request, path, body)
    if source.kind == "posthog":
        flags = {
            "flags": {},
            "featureFlags": {},
            "featureFlagPayloads": {},
            "errorsWhileComputingFlags": False,
        }
        return JsonResponse(flags)
    if source.kind == "flagsmith":
        return JsonResponse({"flags": _flagsmith_flags(source), "traits": []})
    return HttpResponse(status=202)


def may_be_asked(path: str) -> bool:
    """Whether a library of any kind asks for what is at this path."""
    return path.strip("/").endswith(_ASKED_FOR)


def asked(source: Sender, path: str) -> HttpResponse | None:
    """The answer to a GET, None when there is none.

    We are no flag service: a library that asks for toggles is told of none and uses its own defaults, but counts
    what it is asked for. Flagsmith's counts known flags only, so it is told of the items.
    """
    last = path.strip("/")
    if source.kind == "unleash" and last.endswith("client/features"):
        return JsonResponse({"version": 2, "features": []}, headers={"ETag": '"none"'})
    if source.kind == "launchdarkly" and last.endswith("latest-all"):
        return JsonResponse({"flags": {}, "segments": {}}, headers={"ETag": '"none"'})
    if source.kind == "launchdarkly" and last.endswith("all"):
        return HttpResponse(_NO_FLAGS_STREAMED, content_type="text/event-stream")
    if source.kind == "flagsmith" and last.endswith("flags"):
        return JsonResponse(_flagsmith_flags(source), safe=False)
    if source.kind == "flagsmith" and last.endswith("identities"):
        return JsonResponse({"flags": _flagsmith_flags(source), "traits": []})
    return None


def _flagsmith_flags(source: Sender) -> list[dict[str, Any]]:
    """The workspace's items as flags, on once they are released."""
    items = Item.objects.in_workspace(source.workspace_id).filter(archived_at=None).order_by("id")
    return [
        {
            "id": id_,
            "feature": {"id": id_, "name": key, "type": "STANDARD"},
            "feature_state_value": None,
            "enabled": status == "released",
        }
        for id_, key, status in items.values_list("id", "key", "status")[:_MOST_FLAGS]
    ]


def _segment(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
    return JsonResponse({"success": True})


def _posthog(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
    if path.strip("/").endswith("i/v1/analytics/events"):
        # Events that are not named here were taken.
        return JsonResponse({"results": {}})
    return JsonResponse({"status": 1})


def _amplitude(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
    told = {"code": 200, "payload_size_bytes": len(body), "server_upload_time": int(time.time() * 1000)}
    return JsonResponse(told)


def _mixpanel(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
    if (request.content_type or "").lower() in ("application/json", "application/x-ndjson"):
        return JsonResponse({"code": 200, "status": 1, "error": None})
    # Its libraries send forms, and hear a bare 1 unless they ask for more.
    is_verbose = "verbose=1" in request.META.get("QUERY_STRING", "") or b"verbose=1" in body[-200:]
    return JsonResponse({"status": 1, "error": None}) if is_verbose else HttpResponse("1")


def _otlp(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
    if (request.content_type or "").lower() in PROTOBUF:
        # An ExportMetricsServiceResponse without fields is no bytes at all.
        return HttpResponse(b"", content_type="application/x-protobuf")
    return JsonResponse({})


def _done(status: int) -> Callable[[HttpRequest, str, bytes], HttpResponse]:
    def answer(request: HttpRequest, path: str, body: bytes) -> HttpResponse:
        return JsonResponse({}, status=status)

    return answer


_ACCEPTED: dict[str, Callable[[HttpRequest, str, bytes], HttpResponse]] = {
    "segment": _segment,
    "posthog": _posthog,
    "amplitude": _amplitude,
    "mixpanel": _mixpanel,
    "otlp": _otlp,
    "unleash": _done(202),
    "flagsmith": _done(200),
    "launchdarkly": _done(202),
}
