"""Answers of the API compressed, as br or gzip, whichever the client likes best.

BREACH: the length of a compressed answer tells whether what a caller wrote into it occurs in it a second time.
An answer that holds a secret (a new key, a token, a CSRF token) says `no-store` and is left as it is; the
pages of the admin, which hold CSRF tokens beside what was searched for, are not compressed at all. A session's
cookie is SameSite=Lax, so another site cannot make a browser ask for the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import brotli
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

_PATH = "/api/"
_KINDS = ("application/json", "application/problem+json", "application/vnd.oai.openapi", "text/csv")
# Below this the headers outweigh what is saved.
_LEAST_BYTES = 860
_GZIP_LEVEL, _BROTLI_LEVEL = 5, 4


class _Compressor(Protocol):
    def add(self, part: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._held = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def add(self, part: bytes) -> bytes:
        return self._held.compress(part)

    def end(self) -> bytes:
        return self._held.flush()


class _Brotli:
    def __init__(self) -> None:
        self._held = brotli.Compressor(quality=_BROTLI_LEVEL)

    def add(self, part: bytes) -> bytes:
        return bytes(self._held.process(part))

    def end(self) -> bytes:
        return bytes(self._held.finish())


_CODINGS: dict[str, Callable[[], _Compressor]] = {"br": _Brotli, "gzip": _Gzip}


class CompressionMiddleware:
    """Compresses what is worth it. ETags become weak: the bytes are others, what they say is not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: Any = self.get_response(request)
        if not request.path.startswith(_PATH) or not _is_worth_it(response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        coding = preferred_coding(request.headers.get("Accept-Encoding", ""))
        return response if coding is None else _compressed(response, coding)


def preferred_coding(accepted: str) -> str | None:
    """The best of br and gzip that an Accept-Encoding header takes; None when it takes neither."""
    weights = dict(_weighed(part) for part in accepted.lower().split(",") if part.strip())
    others = weights.get("*", 0.0)
    best = max(_CODINGS, key=lambda coding: weights.get(coding, others))
    return best if weights.get(best, others) > 0 else None


def _weighed(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    text = parameters.strip().removeprefix("q=") if parameters.strip().startswith("q=") else "1"
    try:
        return name.strip(), min(max(float(text), 0.0), 1.0)
    except ValueError:
        return name.strip(), 0.0


def _is_worth_it(response: Any) -> bool:
    kind = response.get("Content-Type", "")
    if response.has_header("Content-Encoding") or "no-store" in response.get("Cache-Control", ""):
        return False
    if not kind.startswith(_KINDS):
        return False
    return response.streaming or len(response.content) >= _LEAST_BYTES


def _compressed(response: Any, coding: str) -> HttpResponse:
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _in_parts(response.streaming_content, _CODINGS[coding]())  # type: ignore[arg-type]
        del response["Content-Length"]
    else:
        compressor = _CODINGS[coding]()
        response.content = compressor.add(response.content) + compressor.end()
        response["Content-Length"] = str(len(response.content))
    response["Content-Encoding"] = coding
    etag = response.get("ETag", "")
    if etag.startswith('"'):
        response["ETag"] = f"W/{etag}"
    return response


def _in_parts(parts: Iterable[bytes], compressor: _Compressor) -> Iterator[bytes]:
    """Compress a stream part by part, in constant memory."""
    for part in parts:
        if made := compressor.add(part):
            yield made
    yield compressor.end()
