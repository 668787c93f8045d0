from __future__ import annotations

from django.db import models

from productops.workspaces.models.owned import WorkspaceOwned


class KeptAnswer(WorkspaceOwned):
    """What a request with an Idempotency-Key was answered, written in the transaction of its effect."""

    # The credential: a key's or a person's own, so that nobody reads the answer to somebody else.
    caller = models.CharField(max_length=40)
    idempotency_key = models.CharField(max_length=255)
    request_sha256 = models.BinaryField(max_length=32, help_text="Of the method, the address and the body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    # The nonce that the body is sealed with when it tells a secret; blank when it is stored as it is.
    sealed_with = models.BinaryField(max_length=16, default=b"")
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "caller", "idempotency_key"], name="one_answer_per_idempotency_key"
            ),
        ]
        indexes = [
            # Read by the task that forgets them.
            models.Index(models.F("expires_at"), name="answer_by_expiry"),
        ]
