"""How a sender proves that it holds a source's secret, when the scheme is not Standard Webhooks.

Everything here takes what a stranger may send and answers with text or nothing; comparisons take the same time
whatever was offered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from outcomes.sources.signatures import SignatureRefused, Signed


def signed_now(body: bytes, now: datetime, *batch_ids: str) -> Signed:
    """Name a request that has no id of its own: its bytes, and the sender's id of the batch if it has one.

    The same bytes again are the same delivery. Such a request is taken to be stated when it came in.
    """
    digest = hashlib.sha256()
    for part in batch_ids:
        # The length in front keeps ("a", "bc") and ("ab", "c") apart.
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(str(len(encoded)).encode() + b":" + encoded)
    digest.update(body)
    return Signed(f"sha256:{digest.hexdigest()}", now)


# Events that say neither which nor when they are: equal bytes within one such period are a repeat, later ones are
# new, of somebody who does today what they did yesterday.
PERIOD_SECONDS = 300
# What an event, or the batch it is in, tells itself apart by.
_TELLS_APART = re.compile(
    rb'"(?:messageId|timestamp|originalTimestamp|sentAt|uuid|\$?insert_id|time|event_id|sent_at|created_at)"\s*+:'
)


def period_of(now: datetime) -> str:
    """The period that a request came in."""
    return str(int(now.timestamp()) // PERIOD_SECONDS)


def signed_once(body: bytes, now: datetime) -> Signed:
    """As `signed_now`, of events that people may have written by hand, without an id and a time."""
    return signed_now(body, now) if _TELLS_APART.search(body) else signed_now(body, now, period_of(now))


def require(offered: str | None, secrets: Iterable[str]) -> None:
    """Raise SignatureRefused unless `offered` is one of the secrets."""
    given = (offered or "").encode("utf-8", "surrogatepass")
    # Every secret is compared, so that the time does not tell which one was near.
    matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets]
    if not given or not any(matches):
        raise SignatureRefused("secret")


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer`, the scheme in any case."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password of `Authorization: Basic`."""
    scheme, _, packed = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(packed.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    user, _, password = text.partition(":")
    return user, password


def require_hmac(header: str, body: bytes, secrets: Iterable[str]) -> None:
    """Raise SignatureRefused unless `header` is `sha256=` and the hex HMAC-SHA-256 of the body, or the hex alone."""
    offered = header.strip().removeprefix("sha256=").lower().encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode(), offered)
        for secret in secrets
    ]
    if not any(matches):
        raise SignatureRefused("signature")
