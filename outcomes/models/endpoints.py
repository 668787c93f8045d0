from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from outcomes.models.told import EVENTS
from outcomes.querysets import SecretManager
from productops.workspaces.models import Member, Versioned, WorkspaceOwned
from roadmap.models import Item

DIGESTS = ("daily_digest", "weekly_digest")
POSTED = ("webhook", "slack")
CHANNELS = (*POSTED, *DIGESTS)
# by_hand: a person did; gone: it answered 410; failing: days of nothing but failures.
DISABLED_REASONS = ("by_hand", "gone", "failing")


def every_event() -> list[str]:
    return list(EVENTS)


class Endpoint(Versioned):
    """Where a workspace's news goes: an address that takes signed webhooks or Slack's, or a mailbox for digests."""

    name = models.CharField(max_length=200)
    channel = models.CharField(max_length=13, choices=[(c, c) for c in CHANNELS], default="webhook")
    # Its path is often all that protects what is behind it, so the record of changes shows the host alone.
    url = models.URLField(max_length=2000, blank=True)
    host = models.CharField(max_length=300, blank=True, editable=False)
    email = models.EmailField(blank=True)
    events = ArrayField(models.CharField(max_length=20), default=every_event)
    value_threshold = models.FloatField(
        default=5.0, help_text="By how many points proven value must have moved since it was last told."
    )
    owner = models.ForeignKey(
        Member, models.SET_NULL, null=True, blank=True, db_constraint=False, related_name="+"
    )
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(
        max_length=7, blank=True, editable=False, choices=[(r, r) for r in DISABLED_REASONS]
    )
    # Kept by the worker: since when every attempt has failed, and when the next digest is made.
    failing_since = models.DateTimeField(null=True, editable=False)
    digest_due_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=CHANNELS), name="endpoint_channel_is_known"),
            models.CheckConstraint(
                condition=Q(events__contained_by=list(EVENTS)), name="endpoint_events_are_known"
            ),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="an_endpoint_wants_something"),
            models.CheckConstraint(
                condition=Q(channel__in=POSTED, email="") & ~Q(url="")
                | Q(channel__in=DIGESTS, url="") & ~Q(email=""),
                name="an_endpoint_has_the_address_of_its_channel",
            ),
            models.CheckConstraint(
                condition=Q(value_threshold__gte=0), name="endpoint_threshold_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_reason="")
                | Q(disabled_at__isnull=False, disabled_reason__in=DISABLED_REASONS),
                name="a_disabled_endpoint_says_why",
            ),
        ]
        indexes = [
            # Read by every batch that has news: who of the workspace wants it.
            models.Index(fields=["workspace"], condition=Q(disabled_at=None), name="endpoint_listening"),
            # Read to find the digests that are due.
            models.Index(
                fields=["digest_due_at"],
                condition=Q(digest_due_at__isnull=False, disabled_at=None),
                name="endpoint_digest_due",
            ),
        ]

    @property
    def is_digest(self) -> bool:
        return self.channel in DIGESTS


class EndpointSecret(WorkspaceOwned):
    """What webhooks to an endpoint are signed with. Several sign while one is being rotated."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, db_constraint=False, related_name="secrets")
    secret = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = SecretManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    def __str__(self) -> str:
        return f"Secret of {self.endpoint}"


class ToldValue(WorkspaceOwned):
    """The proven value of an item that an endpoint knows: what the next change is measured from."""

    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, db_constraint=False, db_index=False, related_name="told_values"
    )
    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="+")
    proven = models.FloatField(null=True)
    # Counts the changes told, so that each has an identity of its own.
    turn = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "item"], name="one_told_value_per_endpoint_and_item")
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.proven}"
