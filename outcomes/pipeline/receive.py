"""Store once, then think: a verified request becomes one row in one statement, before any 2xx."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from outcomes.models import Source, SourceSecret
from outcomes.pipeline import doorbell
from outcomes.sources import adapters
from outcomes.sources.signatures import SignatureRefused, Signed


class DeliveryConflict(Exception):
    """The id was used before, for other bytes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told: the delivery's id here, and whether it was here before."""

    delivery_id: int
    is_duplicate: bool


def find(token: str) -> Source | None:
    """The source at an address."""
    return Source.objects.filter(token=token).first() if token.isprintable() else None


def find_by_secret(kind: str, secret: str, *, now: datetime) -> Source | None:
    """The source of a kind that a secret belongs to, for senders that drop the address's path."""
    held = SourceSecret.objects.filter(secret=secret, source__kind=kind).select_related("source")
    return next((one.source for one in held if one.expires_at is None or one.expires_at > now), None)


def valid_secrets(source: Source, *, now: datetime) -> list[str]:
    """The secrets that prove a request of this source now."""
    secrets = SourceSecret.objects.filter(source=source).values_list("secret", "expires_at")
    return [secret for secret, expires_at in secrets if expires_at is None or expires_at > now]


def verified(
    source: Source | None, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> tuple[Source, Signed]:
    """Return the source that a request is from, or raise SignatureRefused, the same for every reason."""
    if source is None:
        raise SignatureRefused("token")
    secrets = valid_secrets(source, now=now)
    tolerance = settings.WEBHOOK_TOLERANCE
    return source, adapters.of(source.kind).verify(headers, body, secrets, now=now, tolerance=tolerance)


def store(
    source: Source,
    signed: Signed,
    body: bytes,
    content_type: str,
    *,
    path: str = "",
    headers: Mapping[str, str] | None = None,
) -> Receipt:
    """Store a verified request as a pending delivery and ring; a repeat answers with the first one's id.

    `path` and `headers` are those that the body cannot be read without. Raises DeliveryConflict when the id was
    used for other bytes.
    """
    digest = hashlib.sha256(body).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outcomes_delivery (workspace_id, source_id, external_id, body, body_sha256, body_bytes,
                                           content_type, signed_at, received_at, path, headers, state,
                                           attempts, taken, duplicates, refused, outcome)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, 0, 0, '{}')
            ON CONFLICT (source_id, external_id) DO NOTHING RETURNING id
            """,
            [
                source.workspace_id,
                source.pk,
                signed.message_id,
                body,
                digest,
                len(body),
                content_type[:200],
                signed.signed_at,
                timezone.now(),
                path.replace("\x00", "")[:200],
                json.dumps(dict(headers or {})),
            ],
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "SELECT id, body_sha256 FROM outcomes_delivery WHERE source_id = %s AND external_id = %s",
                [source.pk, signed.message_id],
            )
            known_id, known_digest = cursor.fetchone()
            if bytes(known_digest) != digest:
                raise DeliveryConflict(signed.message_id)
            return Receipt(known_id, is_duplicate=True)
    doorbell.ring_after_commit("interpret")
    return Receipt(row[0], is_duplicate=False)
