"""A signed webhook, as www.standardwebhooks.com describes it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from outcomes.channels.addresses import Network
from outcomes.channels.wire import Answer, post
from outcomes.sources.signatures import sign

USER_AGENT = "productops-webhooks/1"


def send(
    url: str, message_id: str, secrets: Sequence[str], payload: Mapping[str, Any], allowed: Sequence[Network]
) -> Answer:
    """POST the payload, signed with every secret that holds: receivers change theirs when it suits them."""
    body = msgspec.json.encode(payload)
    return post(url, body, headers_of(message_id, secrets, body), allowed=allowed)


def headers_of(message_id: str, secrets: Sequence[str], body: bytes) -> dict[str, str]:
    """The headers that make a body a signed webhook, signed now."""
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
    }
