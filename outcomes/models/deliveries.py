from __future__ import annotations

from django.db import models
from django.db.models import Q

from outcomes.models.sources import Source
from outcomes.querysets import DeliveryManager
from productops.workspaces.models import WorkspaceOwned

SET_ASIDE = ("failed", "quarantined")
DELIVERY_STATES = ("pending", "done", "partial", "failed", "quarantined")


class Delivery(WorkspaceOwned):
    """One webhook request exactly as received. Its body is UNTRUSTED until a worker has interpreted it."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="deliveries")
    external_id = models.CharField(max_length=200, help_text="The sender's id for this delivery.")
    body = models.BinaryField(null=True, editable=False)
    body_sha256 = models.BinaryField(max_length=32, editable=False)
    body_bytes = models.PositiveIntegerField(editable=False)
    content_type = models.CharField(max_length=200, blank=True)
    # What the sender appended to the address, and those headers that the body cannot be read without.
    path = models.CharField(max_length=200, blank=True, editable=False)
    headers = models.JSONField(default=dict, editable=False)
    # When the sender signed it, in the sender's clock (checked to be within five minutes of ours).
    signed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="pending", choices=[(s, s) for s in DELIVERY_STATES])
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    interpreted_at = models.DateTimeField(null=True)
    taken = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # {"refused": [{"row": "/usage/3", "code", "detail"}], "more": n, "error": str|None, "sections": {...}}
    outcome = models.JSONField(default=dict)

    # The replay that last put it back into the queue. A plain number: replays know deliveries, not the reverse.
    replay_id = models.BigIntegerField(null=True, editable=False)

    objects = DeliveryManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_delivery_per_source_and_id"),
            models.CheckConstraint(condition=Q(state__in=DELIVERY_STATES), name="delivery_state_is_known"),
        ]
        indexes = [
            # The queue: read to tell how far behind the worker is, ...
            models.Index(fields=["id"], condition=Q(state="pending"), name="delivery_pending"),
            # ... and by claims, which let the sources that wait take turns.
            models.Index(fields=["source", "id"], condition=Q(state="pending"), name="delivery_waiting"),
            # Read to tell how far a replay has come.
            models.Index(
                fields=["replay_id"],
                condition=Q(state="pending", replay_id__isnull=False),
                name="delivery_replayed",
            ),
            # Read by the list of a workspace's deliveries, newest first.
            models.Index(fields=["workspace", "-received_at", "-id"], name="delivery_newest"),
            # Read by retention: bodies are forgotten, oldest first.
            models.Index(fields=["received_at"], condition=Q(body__isnull=False), name="delivery_with_body"),
            # Read by the health of sources and by the backlog: what wants a person.
            models.Index(
                fields=["workspace", "source"],
                condition=Q(state__in=SET_ASIDE),
                name="delivery_set_aside",
            ),
            # Read for a source's health: when something of it could not be taken last.
            models.Index(
                fields=["source", "-received_at"],
                condition=Q(state__in=["partial", "failed", "quarantined"]),
                name="delivery_troubled",
            ),
            # Read when a name is claimed: the deliveries of a source that hold rows nobody claimed.
            models.Index(
                fields=["source", "id"], condition=Q(outcome__has_key="unclaimed"), name="delivery_unclaimed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} ({self.state})"
