"""Sources of kind `mixpanel`: `/track` with the token in each event, `/import` with a secret in HTTP Basic.

Its libraries send a form whose `data` is JSON, plain or in base64, or JSON itself; the Node library sends the
form as a query string.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from outcomes.sources.bodies import BodyRefused, unmarked
from outcomes.sources.proofs import basic, require, signed_now
from outcomes.sources.reading import Event, EventBody, first_text, instant, objects, read_json, text_of
from outcomes.sources.signatures import SignatureRefused, Signed


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The source's secret is the token of the events, or user or password of Basic. Raises SignatureRefused."""
    valid = list(secrets)
    is_proven = _is_proven_by_basic(headers, valid)
    try:
        listed = _document(body)
    except BodyRefused as refused:
        if is_proven:
            return signed_now(body, now)
        raise SignatureRefused("body") from refused
    if not is_proven:
        _require_tokens(listed, valid)
    if all(_tells_itself_apart(entry) for entry in listed):
        return signed_now(body, now)
    # Its library for Node says neither and sends nothing twice: equal bytes are somebody who did the same again.
    return signed_now(body, now, now.isoformat())


def _is_proven_by_basic(headers: Mapping[str, str], valid: list[str]) -> bool:
    for offered in basic(headers) or ():
        if offered:
            try:
                require(offered, valid)
            except SignatureRefused:
                continue
            return True
    return False


def _require_tokens(listed: list[Any], valid: list[str]) -> None:
    tokens = {_token(entry) for entry in listed}
    # Every event names its token, and none may come in on the back of another.
    if not tokens:
        raise SignatureRefused("token")
    for token in tokens:
        require(token, valid)


def _tells_itself_apart(entry: Any) -> bool:
    """Whether an event says which or when it is, so that equal bytes are the same event."""
    properties = entry.get("properties") if isinstance(entry, dict) else None
    if not isinstance(properties, dict):
        return True
    return properties.get("$insert_id") is not None or properties.get("time") is not None


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read one event or a list of them. Raises BodyRefused when there is no JSON."""
    read = EventBody()
    for pointer, entry in objects(_document(body), "", read):
        if "event" not in entry and any(str(name).startswith("$") for name in entry):
            continue  # an update of a profile
        event = _event(entry, pointer, now)
        if event is None:
            read.refuse(pointer, "bad_value", "An event has a name and a time since 1970.")
        else:
            read.events.append(event)
    return read


def _document(body: bytes) -> list[Any]:
    text = unmarked(body).strip()
    if text[:1] not in (b"{", b"["):
        try:
            fields = parse_qs(text.decode("utf-8"), max_num_fields=20)
        except ValueError as error:
            raise BodyRefused("The body is neither JSON nor a form.") from error
        text = fields.get("data", [""])[0].strip().encode()
        if text[:1] not in (b"{", b"["):
            try:
                text = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError) as error:
                raise BodyRefused("The form's data is neither JSON nor base64.") from error
    try:
        document = read_json(text)
    except BodyRefused:
        # `/import` may also send one event a line.
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        document = [read_json(line) for line in lines]
    return document if isinstance(document, list) else [document]


def _token(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    properties = entry.get("properties")
    inner = properties.get("token") if isinstance(properties, dict) else None
    return first_text(inner, entry.get("$token")) or ""


def _event(entry: dict[str, Any], pointer: str, now: datetime) -> Event | None:
    properties = entry.get("properties")
    properties = dict(properties) if isinstance(properties, dict) else {}
    properties.pop("token", None)
    said = properties.get("time")
    at = instant(said) if said is not None else now
    name = text_of(entry.get("event"))
    if at is None or not name:
        return None
    return Event(
        name=name,
        at=at,
        pointer=pointer,
        id=text_of(properties.get("$insert_id")),
        actor=first_text(
            properties.get("distinct_id"), properties.get("$user_id"), properties.get("$device_id")
        ),
        customer=first_text(properties.get("company"), properties.get("customer")),
        properties=properties,
        is_upkeep=name.startswith("$"),
    )
