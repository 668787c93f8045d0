"""Standard Webhooks signatures, over raw bytes, before anything is parsed.

The scheme is that of www.standardwebhooks.com: HMAC-SHA-256 over `id.timestamp.body`, base64, `v1,` before
it; secrets are `whsec_` and standard base64. Nothing here raises on what a stranger may send.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PREFIX = "whsec_"
MAX_ID_LENGTH = 200
# More signatures than any rotation needs are not read: each costs a comparison.
_MAX_SIGNATURES = 20


class SignatureRefused(Exception):
    """The request was not signed by someone who holds a secret of this source, or not recently."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature vouches for: the sender's id of the message and when it was signed (aware, UTC)."""

    message_id: str
    signed_at: datetime


def new_secret() -> str:
    """Return a new secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """Return the key inside a `whsec_` secret. Raises ValueError when it is none."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a secret is whsec_ and standard base64") from error


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a body; `timestamp` is in whole seconds since 1970."""
    return "v1," + base64.b64encode(_digest(secret_bytes(secret), message_id, str(timestamp), body)).decode()


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers that make a body a signed webhook."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    valid_secrets: Iterable[str],
    *,
    now: datetime,
    tolerance: timedelta,
) -> Signed:
    """Return who signed and when, or raise SignatureRefused. Header names are lower case."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    offered = headers.get("webhook-signature", "")
    if not message_id or len(message_id) > MAX_ID_LENGTH or not message_id.isprintable():
        raise SignatureRefused("webhook-id")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise SignatureRefused("webhook-timestamp")
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - signed_at) > tolerance:
        raise SignatureRefused("stale")
    candidates = _offered_digests(offered)
    for secret in valid_secrets:
        wanted = _digest(secret_bytes(secret), message_id, timestamp, body)
        if any(hmac.compare_digest(wanted, candidate) for candidate in candidates):
            return Signed(message_id, signed_at)
    raise SignatureRefused("signature")


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    signed = message_id.encode("utf-8", "surrogatepass") + b"." + timestamp.encode() + b"." + body
    return hmac.new(key, signed, hashlib.sha256).digest()


def _offered_digests(header: str) -> list[bytes]:
    digests = []
    for part in header.split(" ")[:_MAX_SIGNATURES]:
        version, _, text = part.partition(",")
        if version != "v1":
            continue
        try:
            digests.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return digests
