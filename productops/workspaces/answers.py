"""Answers kept for requests that may be sent again: `Idempotency-Key`.

An answer is written in the transaction of its effect, so that there is never one without the other: a crash
leaves neither, and the request that is sent again does the work.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from productops.workspaces.models import KeptAnswer, Workspace

KEPT_FOR = timedelta(hours=24)
# Forgotten in portions, so that no statement holds many rows for long.
_AT_ONCE = 1000


class StillRunning(Exception):
    """Another request with this key is being answered right now."""


class OtherRequest(Exception):
    """The key was used before, for a request that said something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client. `is_secret` when the body tells something that is shown once."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may be sent again: whose, under which key, and the hash of all that it says."""

    workspace: Workspace
    caller: str
    key: str
    sha256: bytes

    def claim(self) -> Answer | None:
        """Take the key until the transaction ends; return the answer that is known already.

        Raises StillRunning without waiting, and OtherRequest. Whoever waits does so outside of a transaction.
        """
        name = f"answer:{self.workspace.pk}:{self.caller}:{self.key}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
            if not cursor.fetchone()[0]:
                raise StillRunning
        kept = KeptAnswer.objects.in_workspace(self.workspace.pk).filter(
            caller=self.caller, idempotency_key=self.key
        )
        kept.filter(expires_at__lte=timezone.now()).delete()
        known = kept.first()
        if known is None:
            return None
        if bytes(known.request_sha256) != self.sha256:
            raise OtherRequest
        body, nonce = bytes(known.body), bytes(known.sealed_with)
        return Answer(known.status, known.headers, _sealed(body, nonce) if nonce else body, bool(nonce))

    def keep(self, answer: Answer) -> None:
        """Write the answer, in the transaction that claimed the key."""
        nonce = secrets.token_bytes(16) if answer.is_secret else b""
        KeptAnswer.objects.create(
            workspace=self.workspace,
            caller=self.caller,
            idempotency_key=self.key,
            request_sha256=self.sha256,
            status=answer.status,
            headers=dict(answer.headers),
            body=_sealed(answer.body, nonce) if nonce else answer.body,
            sealed_with=nonce,
            expires_at=timezone.now() + KEPT_FOR,
        )


def forget_answers() -> int:
    """Delete the answers that have expired; returns how many."""
    gone = 0
    while True:
        expired = KeptAnswer.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")
        count, _ = KeptAnswer.objects.filter(
            pk__in=list(expired.values_list("pk", flat=True)[:_AT_ONCE])
        ).delete()
        gone += count
        if count < _AT_ONCE:
            return gone


def _sealed(body: bytes, nonce: bytes) -> bytes:
    """Seal a body that tells a secret, or open it again: both are one XOR with a stream of its own.

    The stream is SHAKE-256 over the installation's secret key and a nonce that is used once, so that a copy
    of the database alone does not tell a key that is otherwise kept as a hash.
    """
    seed = hashlib.sha256(b"productops.answers:" + settings.SECRET_KEY.encode()).digest() + nonce
    stream = hashlib.shake_256(seed).digest(len(body))
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))
