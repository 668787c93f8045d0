from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from outcomes.models.endpoints import Endpoint
from outcomes.models.told import TOLD_EVENTS
from productops.workspaces.models import WorkspaceOwned

# gathered: kept for the next digest. dropped: the endpoint was disabled before it could be delivered.
NOTICE_STATES = ("pending", "gathered", "delivered", "failed", "dropped")
WAITING = ("pending", "gathered")
# Whom an endpoint's notice is for: its own address, or the person who answers for it.
RECIPIENTS = ("endpoint", "owner")


class Occurrence(WorkspaceOwned):
    """Something that happened and that somebody wants to hear of, as it was at that moment.

    Its identity says what is the same: recomputing, replaying and racing workers find it there and tell nothing.
    One that was not to be told at the time, in a quiet run say, is kept all the same: it is known.
    """

    event = models.CharField(max_length=20, choices=[(e, e) for e in TOLD_EVENTS])
    identity = models.CharField(max_length=200, editable=False)
    # The body that is sent: {"type", "timestamp", "workspace", "data"}. Never rewritten.
    payload = models.JSONField()
    occurred_at = models.DateTimeField()
    # Set when it concerns one endpoint alone: what has changed depends on what that one was told before.
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, null=True, db_constraint=False, related_name="occurrences"
    )
    is_quiet = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "identity"], name="one_occurrence_per_identity"),
            models.CheckConstraint(condition=Q(event__in=TOLD_EVENTS), name="occurrence_event_is_known"),
        ]
        indexes = [
            # Read by retention, and by the list of what was told.
            models.Index(F("workspace"), F("occurred_at").desc(), F("id").desc(), name="occurrence_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.occurred_at:%Y-%m-%d %H:%M}"


class Notice(WorkspaceOwned):
    """One message to one endpoint about one occurrence. While it is pending, the row is the queue."""

    # Without indexes of their own: the constraint and an index below begin with them.
    occurrence = models.ForeignKey(
        Occurrence, models.CASCADE, db_constraint=False, db_index=False, related_name="notices"
    )
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, db_constraint=False, db_index=False, related_name="notices"
    )
    recipient = models.CharField(max_length=8, default="endpoint", choices=[(r, r) for r in RECIPIENTS])
    state = models.CharField(max_length=9, default="pending", choices=[(s, s) for s in NOTICE_STATES])
    # When it is looked at next. A worker that takes it moves this to the end of its lease.
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    # Attempts before the one that a person asked for: the schedule begins anew there.
    attempts_before = models.PositiveSmallIntegerField(default=0, editable=False)
    claimed_by = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["occurrence", "endpoint", "recipient"], name="one_notice_per_occurrence_and_recipient"
            ),
            models.CheckConstraint(condition=Q(state__in=NOTICE_STATES), name="notice_state_is_known"),
            models.CheckConstraint(condition=Q(recipient__in=RECIPIENTS), name="notice_recipient_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=WAITING, finished_at=None)
                | ~Q(state__in=WAITING) & Q(finished_at__isnull=False),
                name="a_notice_waits_or_is_finished",
            ),
        ]
        indexes = [
            # The queue, endpoint by endpoint: read to claim what is due.
            models.Index(fields=["endpoint", "due_at"], condition=Q(state="pending"), name="notice_pending"),
            # What the next digest tells.
            models.Index(fields=["endpoint"], condition=Q(state="gathered"), name="notice_gathered"),
            # Read by the list of a workspace's notices and of one endpoint's, newest first.
            models.Index(fields=["workspace", "-id"], name="notice_newest"),
            models.Index(fields=["endpoint", "-id"], name="notice_newest_of_endpoint"),
            # Read by retention.
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="notice_finished"
            ),
        ]

    @property
    def message_id(self) -> str:
        """The webhook-id, the same in every attempt: by it a receiver knows a repeat."""
        return f"ntc_{self.pk}"

    def __str__(self) -> str:
        return f"{self.message_id} ({self.state})"


class Attempt(WorkspaceOwned):
    """One try to deliver a notice, written before anything is sent: an attempt without a result was cut off."""

    notice = models.ForeignKey(
        Notice, models.CASCADE, db_constraint=False, db_index=False, related_name="tries"
    )
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, db_constraint=False, db_index=False, related_name="tries"
    )
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the HTTP answer, if there was one.")
    # Blank after success: why it counts as a failure.
    error = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="How the answer's body begins.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "number"], name="an_attempt_is_made_once"),
        ]
        indexes = [
            # Read by the list of an endpoint's attempts, newest first.
            models.Index(fields=["endpoint", "-id"], name="attempt_newest"),
            # Read by retention.
            models.Index(fields=["started_at"], name="attempt_oldest"),
        ]

    @property
    def is_success(self) -> bool:
        return self.took_ms is not None and not self.error

    def __str__(self) -> str:
        return f"Attempt {self.number} of {self.notice_id}"
