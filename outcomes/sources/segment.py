"""Sources of kind `segment`: Segment and RudderStack, whose libraries prove themselves by the write key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import basic, require, signed_once
from outcomes.sources.reading import Clock, Event, EventBody, first_text, instant, objects, read_json, text_of
from outcomes.sources.signatures import Signed

# Calls about who somebody is, not about what happened.
_UPKEEP = ("identify", "group", "alias")


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The write key is the user of HTTP Basic. Raises SignatureRefused."""
    offered = basic(headers)
    require(offered[0] if offered else None, secrets)
    return signed_once(body, now)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read `/v1/batch`, `/v1/import` and the single calls. Raises BodyRefused when there is no object."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    sent_at = instant(document.get("sentAt"))
    clock = Clock(sent_at, now)
    read.sent_at = clock.stated_at
    is_batch = "batch" in document
    listed, root = (document["batch"], "/batch") if is_batch else ([document], "")
    single = path.rstrip("/").rpartition("/")[2]
    for pointer, call in objects(listed, root, read):
        kind = text_of(call.get("type")) or (single if not is_batch and single != "batch" else "track")
        event = _event(call, kind, "" if not is_batch else pointer, clock)
        if event is None:
            read.refuse(
                pointer, "bad_value", "An event has a timestamp in RFC 3339 and, if it is a track, a name."
            )
        else:
            read.events.append(event)
    return read


def _event(call: dict[str, Any], kind: str, pointer: str, clock: Clock) -> Event | None:
    said = call.get("originalTimestamp") or call.get("timestamp")
    at = instant(said) if said else clock.received_at
    name = text_of(call.get("event")) if kind == "track" else f"${kind}"
    if at is None or not name:
        return None
    properties = _object(call.get("properties"))
    if kind in ("page", "screen"):
        properties = {"name": call.get("name"), **properties}
    elif kind in _UPKEEP:
        properties = {**_object(call.get("traits")), **properties}
    context = _object(call.get("context"))
    return Event(
        name=name,
        at=clock.right(at) if said else at,
        pointer=pointer,
        id=text_of(call.get("messageId")),
        actor=first_text(call.get("userId"), call.get("anonymousId")),
        customer=first_text(context.get("groupId"), call.get("groupId"), properties.get("groupId")),
        properties=properties,
        is_upkeep=kind in _UPKEEP or kind in ("page", "screen"),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
