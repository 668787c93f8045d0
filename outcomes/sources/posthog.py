"""Sources of kind `posthog`: its libraries put the project's key into the body, newer ones into a Bearer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import bearer, require, signed_once
from outcomes.sources.reading import Clock, Event, EventBody, first_text, instant, objects, read_json, text_of
from outcomes.sources.signatures import SignatureRefused, Signed


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The project's key is `api_key` (or `token`) in the body, or a Bearer. Raises SignatureRefused."""
    offered = bearer(headers)
    if offered is None:
        try:
            document = read_json(body)
        except BodyRefused as refused:
            raise SignatureRefused("body") from refused
        offered = _key_in(document)
    require(offered, secrets)
    return signed_once(body, now)


def _key_in(document: Any) -> str | None:
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return None
    properties = document.get("properties")
    token = properties.get("token") if isinstance(properties, dict) else None
    return first_text(document.get("api_key"), document.get("token"), token)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read a batch, a list or one event. Raises BodyRefused when it is none of them."""
    document = read_json(body)
    read = EventBody()
    if isinstance(document, list):
        document = {"batch": document}
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    # `created_at` of the newer protocol is when the batch was made; each try says in a header when it was sent.
    said = document.get("sent_at") or headers.get("posthog-request-timestamp") or document.get("created_at")
    clock = Clock(instant(said), now)
    read.sent_at = clock.stated_at
    is_batch = "batch" in document
    listed = document["batch"] if is_batch else [document]
    for pointer, entry in objects(listed, "/batch" if is_batch else "", read):
        event = _event(entry, pointer if is_batch else "", clock)
        if event is None:
            read.refuse(pointer, "bad_value", "An event has a name, and its timestamp must be RFC 3339.")
        else:
            read.events.append(event)
    return read


def _event(entry: dict[str, Any], pointer: str, clock: Clock) -> Event | None:
    said = entry.get("timestamp")
    at = instant(said) if said else clock.received_at
    name = text_of(entry.get("event"))
    if at is None or not name:
        return None
    properties = entry.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    groups = properties.get("$groups")
    return Event(
        name=name,
        at=clock.right(at) if said else at,
        pointer=pointer,
        id=first_text(entry.get("uuid"), properties.get("$insert_id")) or "",
        actor=first_text(entry.get("distinct_id"), properties.get("distinct_id")),
        customer=_account(groups) if isinstance(groups, dict) else None,
        properties=properties,
        # The library's own events all begin so.
        is_upkeep=name.startswith("$"),
    )


def _account(groups: dict[str, Any]) -> str | None:
    """The account among somebody's groups: by the usual names, else the only one."""
    named = first_text(*(groups.get(name) for name in ("customer", "account", "company", "organization")))
    if named is None and len(groups) == 1:
        return first_text(*groups.values())
    return named
