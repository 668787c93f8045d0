"""Sources of kind `jira`: an issue that is done releases the item that names it; other moves set its status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.proofs import require_hmac, signed_now
from outcomes.sources.reading import (
    Event,
    EventBody,
    IssueMove,
    first_text,
    instant,
    objects,
    read_json,
    text_of,
)
from outcomes.sources.signatures import Signed

DELIVERY_ID = "x-atlassian-webhook-identifier"


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """`X-Hub-Signature` (sha256) over the raw body. Raises SignatureRefused."""
    require_hmac(headers.get("x-hub-signature", ""), body, secrets)
    return signed_now(body, now, headers.get(DELIVERY_ID, ""))


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read one webhook. Raises BodyRefused when there is no object."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    for _, payload in objects([document], "", read):
        at = instant(payload.get("timestamp")) or now
        read.sent_at = at if at <= now else None
        issue = _part(payload, "issue")
        name = text_of(payload.get("webhookEvent")) or "jira"
        if text_of(issue.get("key")) and _is_move(name, payload):
            status = _part(_part(issue, "fields"), "status")
            phase = text_of(_part(status, "statusCategory").get("key"))
            if phase:
                url = text_of(issue.get("self"))
                read.moves.append(IssueMove(text_of(issue["key"]), phase, at, url, "/issue"))
        user = _part(payload, "user")
        read.events.append(
            Event(
                name=name,
                at=at,
                pointer="",
                id=f"{text_of(issue.get('key'))}@{text_of(payload.get('timestamp'))}",
                actor=first_text(user.get("accountId"), user.get("name"), user.get("key")),
                properties=payload,
                is_upkeep=True,
            )
        )
    return read


def _is_move(name: str, payload: dict[str, Any]) -> bool:
    if name == "jira:issue_created":
        return True
    items = _part(payload, "changelog").get("items")
    return isinstance(items, list) and any(
        isinstance(item, dict) and item.get("field") == "status" for item in items
    )


def _part(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}
