"""Sources of kind `productops`: the native body, signed by Standard Webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from outcomes.sources import native, signatures


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> signatures.Signed:
    """Return the message's id and signing time, or raise SignatureRefused."""
    return signatures.verify(headers, body, secrets, now=now, tolerance=tolerance)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> native.NativeBody:
    """Return the rows of the body. Raises BodyRefused when it cannot be read at all."""
    return native.read(body, now=now)
