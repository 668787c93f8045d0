"""Sources of kind `custom`: any JSON, proven in one of four ways, read through rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources import signatures
from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import basic, bearer, period_of, require, require_hmac, signed_now
from outcomes.sources.reading import Event, EventBody, first_text, instant, objects, read_json
from outcomes.sources.signatures import Signed

# Where services that sign at all put the hex HMAC-SHA-256 of the body.
_HMAC_HEADERS = ("x-hub-signature-256", "x-signature-256", "x-signature", "x-webhook-signature")
# A sender's own id of the request, where it has one.
_ID_HEADERS = ("webhook-id", "x-request-id", "x-webhook-id", "x-delivery-id", "idempotency-key")
_NAMES = ("name", "event", "type", "event_type", "event_name", "action", "kind")
_TIMES = ("at", "timestamp", "time", "occurred_at", "created_at", "date")
_ACTORS = ("actor", "actor_id", "user_id", "userId", "user", "distinct_id")
_CUSTOMERS = ("customer", "customer_id", "account", "account_id", "organization")
_IDS = ("id", "event_id", "uuid", "message_id", "messageId")


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """Standard Webhooks, an HMAC header, Basic (the secret is user or password) or a Bearer.

    Raises SignatureRefused. The first that is there is the one that must hold.
    """
    valid = list(secrets)
    if "webhook-signature" in headers:
        return signatures.verify(headers, body, valid, now=now, tolerance=tolerance)
    _prove(headers, body, valid)
    own_ids = [headers.get(name, "") for name in _ID_HEADERS]
    if not any(own_ids) and not _tells_itself_apart(body):
        own_ids.append(period_of(now))
    return signed_now(body, now, *own_ids)


def _prove(headers: Mapping[str, str], body: bytes, valid: list[str]) -> None:
    for name in _HMAC_HEADERS:
        if name in headers:
            require_hmac(headers[name], body, valid)
            return
    pair = basic(headers)
    if pair is None:
        require(bearer(headers), valid)
    else:
        require(pair[1] or pair[0], valid)


def _tells_itself_apart(body: bytes) -> bool:
    """Whether every event says which or when it is, so that equal bytes are the same events."""
    try:
        document = read_json(body)
    except BodyRefused:
        return True
    entries = document if isinstance(document, list) else [document]
    return all(
        not isinstance(entry, dict) or any(entry.get(name) is not None for name in (*_IDS, *_TIMES))
        for entry in entries
    )


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read one value or a list of objects. Raises BodyRefused when it is no JSON."""
    document = read_json(body)
    read = EventBody()
    is_list = isinstance(document, list)
    for pointer, entry in objects(document if is_list else [document], "", read):
        said = next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
        event = Event(
            name=_first(entry, _NAMES) or "",
            # A field of such a name may mean something else; a rule says then where the time is.
            at=(instant(said) if said is not None else None) or now,
            pointer=pointer if is_list else "",
            id=_first(entry, _IDS) or "",
            actor=_first(entry, _ACTORS),
            customer=_first(entry, _CUSTOMERS),
            properties=_properties(entry),
        )
        read.events.append(event)
    return read


def _first(entry: dict[str, Any], names: Iterable[str]) -> str | None:
    return first_text(*(entry.get(name) for name in names))


def _properties(entry: dict[str, Any]) -> dict[str, Any]:
    """The object itself; what its own `properties` hold is found beside the rest."""
    inner = entry.get("properties")
    return {**inner, **entry} if isinstance(inner, dict) else entry
