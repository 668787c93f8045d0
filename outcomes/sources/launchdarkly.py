"""Sources of kind `launchdarkly`: summaries of flag evaluations, and custom events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.proofs import bearer, require, signed_now
from outcomes.sources.reading import (
    Event,
    EventBody,
    count,
    first_text,
    instant,
    objects,
    read_json,
    text_of,
)
from outcomes.sources.signatures import Signed

BATCH_ID = "x-launchdarkly-payload-id"


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The SDK key is the whole Authorization header, or a Bearer. Raises SignatureRefused."""
    require(bearer(headers) or headers.get("authorization", "").strip(), secrets)
    return signed_now(body, now, headers.get(BATCH_ID, ""))


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read the list that `/bulk` takes; a diagnostic object states nothing."""
    document = read_json(body)
    read = EventBody()
    if path.rstrip("/").endswith("diagnostic"):
        return read
    for pointer, entry in objects(document if isinstance(document, list) else [document], "", read):
        if entry.get("kind") == "summary":
            _summary(entry, pointer, read, now)
        elif entry.get("kind") == "custom":
            _custom(entry, pointer, read, now)
        # `feature` repeats what the summary counts; `index`, `identify` and the rest are upkeep.
    return read


def _summary(entry: dict[str, Any], pointer: str, read: EventBody, now: datetime) -> None:
    said = entry.get("startDate")
    at = instant(said) if said is not None else now
    features = entry.get("features")
    for name, feature in (features if isinstance(features, dict) else {}).items():
        counters = feature.get("counters") if isinstance(feature, dict) else None
        on = off = 0
        for counter in counters if isinstance(counters, list) else []:
            if not isinstance(counter, dict):
                continue
            if _is_on(counter.get("value")):
                on += count(counter.get("count"))
            else:
                off += count(counter.get("count"))
        read.evaluated(name, at, on, off, f"{pointer}/features/{name}"[:300], now=now)


def _is_on(value: Any) -> bool:
    """A variation that is not a switch is on unless it is nothing, or says so."""
    return bool(value) and value not in ("off", "false", "disabled", "control")


def _custom(entry: dict[str, Any], pointer: str, read: EventBody, now: datetime) -> None:
    said = entry.get("creationDate")
    at = instant(said) if said is not None else now
    name = text_of(entry.get("key"))
    if at is None or not name:
        read.refuse(pointer, "bad_value", "An event has a key and a creationDate in milliseconds.")
        return
    context = entry.get("context")
    context = context if isinstance(context, dict) else {}
    data = entry.get("data")
    properties = dict(data) if isinstance(data, dict) else {"data": data}
    if entry.get("metricValue") is not None:
        properties.setdefault("metricValue", entry["metricValue"])
    user, organization = (context.get(kind) for kind in ("user", "organization"))
    actor = first_text(
        user.get("key") if isinstance(user, dict) else None,
        context.get("key"),
        next(iter(entry["contextKeys"].values()), None) if _is_full(entry.get("contextKeys")) else None,
    )
    read.events.append(
        Event(
            name=name,
            at=at,
            pointer=pointer,
            actor=actor,
            customer=first_text(organization.get("key")) if isinstance(organization, dict) else None,
            properties=properties,
        )
    )


def _is_full(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)
