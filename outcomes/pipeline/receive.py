"""Store once, then think: a verified request becomes one row in one statement, before any 2xx."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from outcomes.pipeline import doorbell, senders
from outcomes.pipeline.commits import SharedCommits
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
    offer = _Offer(
        sender,
        signed,
        body,
        hashlib.sha256(body).digest(),
        content_type[:200],
        path.replace("\x00", "")[:200],
        dict(headers or {}),
    )
    if connection.in_atomic_block:
        # Others must not be told of a row that this transaction may still take back.
        (delivery_id,) = _write([offer])
    else:
        delivery_id = _commits.put(offer, len(body))
    if delivery_id is None:
        return _known(sender, signed, offer.digest)
    return Receipt(delivery_id, is_duplicate=False)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A verified request, as it is to be stored."""

    sender: Sender
    signed: Signed
    body: bytes
    digest: bytes
    content_type: str
    path: str
    headers: Mapping[str, str]

    def key(self) -> tuple[int, str]:
        return self.sender.source_id, self.signed.message_id

    def as_row(self, now: datetime) -> dict[str, Any]:
        """Everything but the body."""
        return {
            "source": self.sender.source_id,
            "token": self.sender.token,
            "kind": self.sender.kind,
            "secrets": [secret.id for secret in self.sender.valid_secrets(now)],
            "external_id": self.signed.message_id,
            "digest": self.digest.hex(),
            "content_type": self.content_type,
            "signed_at": self.signed.signed_at.isoformat(),
            "path": self.path,
            "headers": self.headers,
        }


def _write(offers: Sequence[_Offer]) -> list[int | None]:
    """Store requests in one statement; the id of each, None for one that was here or whose sender changed."""
    now = timezone.now()
    fresh: dict[tuple[int, str], _Offer] = {}
    for offer in offers:
        fresh.setdefault(offer.key(), offer)
    rows = execute_prepared(
        _STORE,
        {
            "now": now,
            "rows": json.dumps([offer.as_row(now) for offer in fresh.values()]),
            "bodies": [offer.body for offer in fresh.values()],
        },
    )
    stored = {(source_id, external_id): id_ for source_id, external_id, id_ in rows}
    if stored:
        doorbell.ring_after_commit("interpret")
    # Of two with one id the first was stored; the second finds it.
    return [stored.pop(offer.key(), None) for offer in offers]


_commits = SharedCommits(_write)


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
    SELECT s.workspace_id, s.id, o.external_id, o.body, decode(o.digest, 'hex'), length(o.body),
           o.content_type, o.signed_at, %(now)s::timestamptz, o.path, o.headers, 'pending', 0, 0, 0, 0, '{}'
    FROM ROWS FROM (
        jsonb_to_recordset(%(rows)s::jsonb) AS (
            source bigint, token text, kind text, secrets bigint[], external_id text, digest text,
            content_type text, signed_at timestamptz, path text, headers jsonb),
        unnest(%(bodies)b::bytea[])
    ) AS o (source, token, kind, secrets, external_id, digest, content_type, signed_at, path, headers, body)
    JOIN outcomes_source s ON s.id = o.source AND s.token = o.token AND s.kind = o.kind
    WHERE ARRAY(SELECT x.id FROM outcomes_sourcesecret x
                WHERE x.source_id = s.id AND (x.expires_at IS NULL OR x.expires_at > %(now)s::timestamptz)
                ORDER BY x.id) = o.secrets
    ORDER BY s.id, o.external_id
    ON CONFLICT (source_id, external_id) DO NOTHING RETURNING source_id, external_id, id
"""
