"""Sources of kind `flagsmith`: counts of flag evaluations without a time, and events with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import require, signed_now
from outcomes.sources.reading import (
    Event,
    EventBody,
    count,
    first_text,
    instant,
    objects,
    read_json,
    text_of,
    unstorable,
)
from outcomes.sources.signatures import Signed

# Its libraries report every ten seconds, and say neither when nor which report it is. The same counts within one
# such period are a repeat, later ones a new report.
PERIOD_SECONDS = 10


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The environment's key is X-Environment-Key. Raises SignatureRefused."""
    require(headers.get("x-environment-key", "").strip(), secrets)
    return signed_now(body, now, str(int(now.timestamp()) // PERIOD_SECONDS))


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read `{"flag": count}` or `{"events": [...]}`. Raises BodyRefused when there is no object."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    if isinstance(document.get("events"), list):
        for pointer, entry in objects(document["events"], "/events", read):
            _event(entry, pointer, read, now)
        return read
    for name, number in document.items():
        read.row_count += 1
        if reason := unstorable(name):
            read.refuse("", "bad_value", reason)
        elif isinstance(number, dict):
            read.refuse(f"/{name}"[:300], "bad_value", "A flag's count is a number.")
        else:
            # It counts evaluations and not what came out of them: a flag that is asked for is one in use.
            read.evaluated(name, now, count(number), 0, f"/{name}"[:300], now=now)
    return read


def _event(entry: dict[str, Any], pointer: str, read: EventBody, now: datetime) -> None:
    said = entry.get("timestamp")
    at = instant(said) if said is not None else now
    name = text_of(entry.get("event"))
    if at is None or not name:
        read.refuse(pointer, "bad_value", "An event has a name, and its timestamp is in milliseconds.")
        return
    feature = text_of(entry.get("feature_name"))
    if name == "$flag_exposure" and feature:
        read.evaluated(feature, at, 1, 0, pointer, now=now)
        return
    metadata, traits = entry.get("metadata"), entry.get("traits")
    properties = {
        **(traits if isinstance(traits, dict) else {}),
        **(metadata if isinstance(metadata, dict) else {}),
        "value": entry.get("value"),
        "feature_name": feature or None,
    }
    read.events.append(
        Event(
            name=name,
            at=at,
            pointer=pointer,
            actor=first_text(entry.get("identifier")),
            properties=properties,
            is_upkeep=name.startswith("$"),
        )
    )
