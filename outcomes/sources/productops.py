"""Sources of kind `productops`: the native body, signed by Standard Webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from outcomes.sources import lines, native, signatures
from outcomes.sources.bodies import NativeBody


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> signatures.Signed:
    """Return the message's id and signing time, or raise SignatureRefused."""
    return signatures.verify(headers, body, secrets, now=now, tolerance=tolerance)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> NativeBody:
    """Return the rows of the body, one JSON object or one a line. Raises BodyRefused when it cannot be read at all."""
    read = lines.read if headers.get("content-type", "") in lines.CONTENT_TYPES else native.read
    return read(body, now=now)
