"""One strict reader of JSON for the API and for webhooks: what it lets through, the database can store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import IO, Any, NoReturn, Protocol

from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from productops.api.problems import Problem

MAX_DEPTH = 32
# A bigint's range: what an id, a count or a version could be at most.
_MAX_INTEGER = 2**63 - 1
_MAX_DIGITS = 19


class BadJSON(ValueError):
    """The bytes are not JSON that is taken here; the message says why, in words for the sender."""


def parse_json(data: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value that UTF-8 encoded JSON stands for; raises BadJSON.

    Stricter than the standard library: at most `max_depth` levels, finite numbers, integers within 64 bits,
    no name twice in an object, no NUL character and no lone surrogate anywhere.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJSON(f"Not UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except json.JSONDecodeError as error:
        raise BadJSON(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise BadJSON(f"Nested deeper than {max_depth} levels.") from None
    _refuse_unstorable(value, max_depth, may_hold_escapes="\\u" in text)
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise BadJSON(f"The name {repeated[:100]!r} occurs twice in one object.")
    return held


def _refuse_constant(name: str) -> NoReturn:
    raise BadJSON(f"{name} is not a number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise BadJSON("A number is too large.")
    return number


def _bounded(digits: str) -> int:
    # Counted before it is converted: thousands of digits would be refused by Python itself, as a bug of ours.
    if len(digits.lstrip("-")) > _MAX_DIGITS or abs(int(digits)) > _MAX_INTEGER:
        raise BadJSON("An integer is too large.")
    return int(digits)


def _refuse_unstorable(value: Any, max_depth: int, may_hold_escapes: bool) -> None:
    """Walk without recursion. NUL and surrogates can only come from escapes: raw ones are not JSON or UTF-8."""
    waiting = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            if may_hold_escapes:
                _refuse_unstorable_text(found)
            continue
        if not isinstance(found, (dict, list)):
            continue
        if depth > max_depth:
            raise BadJSON(f"Nested deeper than {max_depth} levels.")
        if isinstance(found, dict):
            if may_hold_escapes:
                for name in found:
                    _refuse_unstorable_text(name)
            waiting.extend((inner, depth + 1) for inner in found.values())
        else:
            waiting.extend((inner, depth + 1) for inner in found)


def _refuse_unstorable_text(text: str) -> None:
    if "\x00" in text:
        raise BadJSON("A text holds the character NUL.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise BadJSON("A text holds half of a surrogate pair.") from None


class StrictJSONParser(BaseParser):
    """The API's only body: one JSON value of at most `API_MAX_BYTES`, not compressed."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        request = (parser_context or {}).get("request")
        headers = getattr(request, "headers", {})
        if headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise UnsupportedMediaType(headers["Content-Encoding"], "Send the body uncompressed.")
        data = read_bounded(stream, settings.API_MAX_BYTES, headers)
        try:
            return parse_json(data)
        except BadJSON as error:
            raise ParseError(f"The body is not JSON that is taken here. {error}") from None


# A sender that is still writing when we answer and close sees a broken pipe instead of the answer, so this much
# of an oversized body is read and dropped first.
_DRAINED_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


def read_bounded(stream: IO[bytes], limit: int, headers: Mapping[str, str]) -> bytes:
    """Read the body of a request with these headers.

    Raises Problem 413 for one of more than `limit` bytes without keeping more of it, and 400 for one cut short.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        drain(stream)
        raise Problem(413, "too_large", f"The body is larger than {limit} bytes.")
    refuse_cut_short(len(data), headers)
    return data


def refuse_cut_short(length: int, headers: Mapping[str, str]) -> None:
    """Raise Problem 400 when fewer bytes came than were announced.

    Its sender went away in the middle. Taken, it would stand for what was meant to be sent.
    """
    if detail := cut_short(length, headers):
        raise Problem(400, "cut_short", detail)


def cut_short(length: int, headers: Mapping[str, str]) -> str:
    """Return what is missing of a body, in words for its sender; empty when it is whole or nobody said how long."""
    announced = headers.get("Content-Length", "")
    if announced.isdecimal() and length < int(announced):
        return f"{length} bytes came of the {announced} that were announced."
    return ""


def has_no_length(request: Any) -> bool:
    """Whether a request has a body in chunks, whose length nobody knows before its end."""
    return "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length")


class Readable(Protocol):
    """A request, or a stream."""

    def read(self, size: int, /) -> bytes: ...


def drain(stream: Readable) -> None:
    """Read and drop what is left of a body, up to a bound."""
    left = _DRAINED_BYTES
    while left > 0 and (chunk := stream.read(min(_CHUNK_BYTES, left))):
        left -= len(chunk)
