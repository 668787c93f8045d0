from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q

from outcomes.querysets import SecretManager
from productops.workspaces.models import WorkspaceOwned
from roadmap.models.keyed import Keyed, key_is_well_formed

CADENCES = ("hourly", "daily", "weekly", "monthly", "quarterly")
# Kinds whose adapter is in outcomes.sources; each new adapter adds its name here.
SOURCE_KINDS = (
    "productops",
    "segment",
    "posthog",
    "amplitude",
    "mixpanel",
    "cloudevents",
    "otlp",
    "unleash",
    "flagsmith",
    "launchdarkly",
    "github",
    "jira",
    "custom",
)


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Source(Keyed):
    """Where data comes from: an address, secrets, a cadence and a health of its own."""

    name = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=20, choices=[(kind, kind) for kind in SOURCE_KINDS], default="productops"
    )
    cadence = models.CharField(max_length=10, choices=[(c, c) for c in CADENCES], default="daily")
    # The address names the source; the secret is what proves a request. Knowing one is not enough.
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_source_per_key"),
            key_is_well_formed("source_key_is_well_formed"),
            models.CheckConstraint(condition=Q(kind__in=SOURCE_KINDS), name="source_kind_is_known"),
            models.CheckConstraint(condition=Q(cadence__in=CADENCES), name="source_cadence_is_known"),
        ]

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_URL}/in/{self.token}"


class SourceSecret(WorkspaceOwned):
    """A secret of a source. Several are valid while one is being rotated."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="secrets")
    # Indexed for senders that name no address: their source is found by it.
    secret = models.CharField(max_length=200, editable=False, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = SecretManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    def __str__(self) -> str:
        return f"Secret of {self.source}"


class SourceDay(WorkspaceOwned):
    """A day for which a source stated anything at all.

    A union over all statements, whether they won or were retracted, so it does not depend on their order.
    """

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="days")
    on = models.DateField()
    has_usage = models.BooleanField(default=False)
    has_observations = models.BooleanField(default=False)
    # A delivery said so itself ("covers"), even if it held no row.
    is_stated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "on"], name="one_row_per_source_and_day")]
