"""Sources of kind `amplitude`: the HTTP V2 API, whose key is in the body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import require, signed_once
from outcomes.sources.reading import Event, EventBody, first_text, instant, objects, read_json, text_of
from outcomes.sources.signatures import SignatureRefused, Signed


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The key is `api_key` in the body. Raises SignatureRefused."""
    try:
        document = read_json(body)
    except BodyRefused as refused:
        raise SignatureRefused("body") from refused
    require(first_text(document.get("api_key")) if isinstance(document, dict) else None, secrets)
    return signed_once(body, now)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read `{"api_key", "events": [...]}`. Raises BodyRefused when there is no object."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    for pointer, entry in objects(document.get("events"), "/events", read):
        event = _event(entry, pointer, now)
        if event is None:
            read.refuse(pointer, "bad_value", "An event has an event_type, and its time is in milliseconds.")
        else:
            read.events.append(event)
    return read


def _event(entry: dict[str, Any], pointer: str, now: datetime) -> Event | None:
    said = entry.get("time")
    at = instant(said) if said is not None else now
    name = text_of(entry.get("event_type"))
    if at is None or not name:
        return None
    properties = entry.get("event_properties")
    properties = dict(properties) if isinstance(properties, dict) else {}
    # Revenue has fields of its own beside the properties; rules look in one place.
    for field in ("revenue", "price", "quantity", "productId"):
        if entry.get(field) is not None:
            properties.setdefault(field, entry[field])
    groups = entry.get("groups")
    account = None
    if isinstance(groups, dict) and groups:
        held = next(iter(groups.values()))
        account = first_text(*held) if isinstance(held, list) else first_text(held)
    return Event(
        name=name,
        at=at,
        pointer=pointer,
        id=text_of(entry.get("insert_id")),
        actor=first_text(entry.get("user_id"), entry.get("device_id")),
        customer=account,
        properties=properties,
        is_upkeep=name.startswith("$"),
    )
