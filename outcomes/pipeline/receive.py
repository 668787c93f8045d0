"""Store once, then think: a verified request becomes one row in one statement, before any 2xx."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from outcomes.pipeline import doorbell, senders
from outcomes.pipeline.prepared import execute_prepared
from outcomes.pipeline.senders import Sender
from outcomes.sources import adapters
from outcomes.sources.signatures import SignatureRefused, Signed


class DeliveryConflict(Exception):
    """The id was used before, for other bytes."""


class SenderChanged(Exception):
    """The source was removed, or its secrets are others than those the request was verified with."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told: the delivery's id here, and whether it was here before."""

    delivery_id: int
    is_duplicate: bool


def verified(
    sender: Sender | None, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> tuple[Sender, Signed]:
    """Return the sender that a request is from, or raise SignatureRefused, the same for every reason.

    A remembered sender may have been given another secret since, so it is looked up before it is refused.
    """
    if sender is None:
        raise SignatureRefused("token")
    try:
        return sender, _signed(sender, headers, body, now)
    except SignatureRefused:
        fresh = senders.look_up(sender.token)
        if fresh is None or fresh == sender:
            raise
        return fresh, _signed(fresh, headers, body, now)


def _signed(sender: Sender, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed:
    secrets = [secret.text for secret in sender.valid_secrets(now)]
    verify = adapters.of(sender.kind).verify
    return verify(headers, body, secrets, now=now, tolerance=settings.WEBHOOK_TOLERANCE)


def store(
    sender: Sender,
    signed: Signed,
    body: bytes,
    content_type: str,
    *,
    path: str = "",
    headers: Mapping[str, str] | None = None,
) -> Receipt:
    """Store a verified request as a pending delivery and ring; a repeat answers with the first one's id.

    `path` and `headers` are those that the body cannot be read without. Raises DeliveryConflict when the id was
    used for other bytes, SenderChanged when the request has to be verified anew.
    """
    digest = hashlib.sha256(body).digest()
    now = timezone.now()
    rows = execute_prepared(
        _STORE,
        {
            "source": sender.source_id,
            "token": sender.token,
            "kind": sender.kind,
            # As text, because psycopg takes longer over a list than over all the others together.
            "secrets": "{" + ",".join(str(secret.id) for secret in sender.valid_secrets(now)) + "}",
            "external_id": signed.message_id,
            "body": body,
            "digest": digest,
            "bytes": len(body),
            "content_type": content_type[:200],
            "signed_at": signed.signed_at,
            "now": now,
            "path": path.replace("\x00", "")[:200],
            "headers": json.dumps(dict(headers or {})),
        },
    )
    if not rows:
        return _known(sender, signed, digest)
    doorbell.ring_after_commit("interpret")
    return Receipt(rows[0][0], is_duplicate=False)


def _known(sender: Sender, signed: Signed, digest: bytes) -> Receipt:
    """The receipt of a delivery that was here before."""
    rows = execute_prepared(
        "SELECT id, body_sha256 FROM outcomes_delivery WHERE source_id = %(source)s AND external_id = %(id)s",
        {"source": sender.source_id, "id": signed.message_id},
    )
    if not rows:
        raise SenderChanged(sender.token)
    known_id, known_digest = rows[0]
    if bytes(known_digest) != digest:
        raise DeliveryConflict(signed.message_id)
    return Receipt(known_id, is_duplicate=True)


# What is remembered of a sender may be old, so the statement that stores proves it again: the source is there,
# and the secrets valid now are those that the request was verified with.
_STORE = """
    INSERT INTO outcomes_delivery (workspace_id, source_id, external_id, body, body_sha256, body_bytes,
                                   content_type, signed_at, received_at, path, headers, state,
                                   attempts, taken, duplicates, refused, outcome)
    SELECT s.workspace_id, s.id, %(external_id)s::text, %(body)s::bytea, %(digest)s::bytea, %(bytes)s::integer,
           %(content_type)s::text, %(signed_at)s::timestamptz, %(now)s::timestamptz, %(path)s::text,
           %(headers)s::jsonb, 'pending', 0, 0, 0, 0, '{}'
    FROM outcomes_source s
    WHERE s.id = %(source)s AND s.token = %(token)s AND s.kind = %(kind)s
      AND ARRAY(SELECT x.id FROM outcomes_sourcesecret x
                WHERE x.source_id = s.id AND (x.expires_at IS NULL OR x.expires_at > %(now)s::timestamptz)
                ORDER BY x.id) = %(secrets)s::text::bigint[]
    ON CONFLICT (source_id, external_id) DO NOTHING RETURNING id
"""
