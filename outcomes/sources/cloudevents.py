"""Sources of kind `cloudevents`: CloudEvents 1.0 over HTTP, structured, batched or binary."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from outcomes.sources import signatures
from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import bearer, require, signed_now
from outcomes.sources.reading import Event, EventBody, first_text, instant, objects, read_json, text_of
from outcomes.sources.signatures import Signed

_STANDARD = (
    "specversion",
    "type",
    "source",
    "id",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
    "data",
)


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """Standard Webhooks, or the secret as a Bearer. Raises SignatureRefused."""
    if "webhook-signature" in headers:
        return signatures.verify(headers, body, secrets, now=now, tolerance=tolerance)
    require(bearer(headers), secrets)
    # In binary mode the event's identity is in the headers: equal data of two events is not a repeat.
    own = [f"{name}={headers[name]}" for name in sorted(headers) if name.startswith("ce-")]
    return signed_now(body, now, *own)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read one event or a batch. Raises BodyRefused when there is none."""
    read = EventBody()
    kind = headers.get("content-type", "")
    if "ce-type" in headers:
        attributes: dict[str, Any] = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in headers.items()
            if name.startswith("ce-")
        }
        attributes["data"] = _data(body, kind)
        listed, root = [attributes], ""
    else:
        document = read_json(body)
        listed = document if isinstance(document, list) else [document]
        root = ""
    for pointer, entry in objects(listed, root, read):
        event = _event(entry, pointer, now)
        if event is None:
            read.refuse(
                pointer, "bad_value", "A CloudEvent has a type, a source and an id; time is RFC 3339."
            )
        else:
            read.events.append(event)
    return read


def _data(body: bytes, kind: str) -> Any:
    if not body.strip():
        return None
    if kind in ("", "application/json", "text/json") or kind.endswith("+json"):
        return read_json(body)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BodyRefused("The event's data is neither JSON nor text.") from error


def _event(entry: dict[str, Any], pointer: str, now: datetime) -> Event | None:
    said = entry.get("time")
    at = instant(said) if said else now
    name, id_, source = (text_of(entry.get(field)) for field in ("type", "id", "source"))
    if at is None or not (name and id_ and source):
        return None
    data = entry.get("data")
    if data is None and isinstance(entry.get("data_base64"), str):
        data = _unpacked(entry["data_base64"])
    properties = dict(data) if isinstance(data, dict) else {"data": data}
    # Extensions and the subject beside the data, which keeps its own names where both have one.
    for field, value in entry.items():
        if field not in _STANDARD and field != "data_base64":
            properties.setdefault(field, value)
    for field in ("subject", "source"):
        if field in entry:
            properties.setdefault(field, entry[field])
    return Event(
        name=name,
        at=at,
        pointer=pointer,
        # An id is unique within its source only.
        id=f"{source}#{id_}",
        actor=first_text(*(properties.get(field) for field in ("actor", "user_id", "userId", "user"))),
        customer=first_text(*(properties.get(field) for field in ("customer", "customer_id", "account"))),
        properties=properties,
    )


def _unpacked(text: str) -> Any:
    try:
        return read_json(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, BodyRefused):
        return None
