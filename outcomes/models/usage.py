from __future__ import annotations

from django.db import models
from django.db.models import Q

from outcomes.models.metrics import Statement
from outcomes.models.sources import Source
from outcomes.querysets import FactManager
from productops.workspaces.models import WorkspaceOwned
from roadmap.models import Customer, Item, Product


class UsageEvent(Statement, WorkspaceOwned):
    """An actor used an item. Identity (item, day, event_id). Partitioned by month of `on`."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    on = models.DateField(help_text="The day of `at` in the workspace's zone.")
    # The sender's id; without one, the actor's hash and the instant.
    event_id = models.CharField(max_length=200)
    at = models.DateTimeField()
    actor = models.BinaryField(max_length=16, help_text="Keyed hash of the actor.")
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, db_constraint=False, related_name="+", db_index=False
    )

    objects = FactManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "on", "event_id"], name="one_usage_event_per_item_day_and_id"
            )
        ]


class UsageSnapshot(Statement, WorkspaceOwned):
    """Active among eligible users, or a share, over `days` days ending on `on`. Partitioned by month."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    on = models.DateField()
    days = models.PositiveSmallIntegerField(default=1)
    active = models.FloatField(null=True)
    eligible = models.FloatField(null=True)
    share = models.FloatField(null=True)

    objects = FactManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "on", "source", "days"], name="one_snapshot_per_item_day_source_and_length"
            ),
            models.CheckConstraint(
                condition=Q(share__isnull=False, active__isnull=True)
                | Q(share__isnull=True, active__isnull=False, active__gte=0),
                name="a_snapshot_has_counts_or_a_share",
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="snapshot_share_is_a_share"),
        ]


class UsageDay(WorkspaceOwned):
    """Who used an item on a day: one row per (item, day, actor, customer), recomputed from its events.

    Exact distinct users of any window come from here. Partitioned by month of `on`.
    """

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    on = models.DateField()
    actor = models.BinaryField(max_length=16)
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, db_constraint=False, related_name="+", db_index=False
    )
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "on", "actor", "customer"],
                nulls_distinct=False,
                name="one_row_per_item_day_actor_and_customer",
            )
        ]


class ItemSource(WorkspaceOwned):
    """A source that ever stated usage of an item, what shape it had, and the days it lies between.

    Like SourceDay a union over all statements but retractions.
    """

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="usage_sources")
    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="usage_items")
    has_events = models.BooleanField(default=False)
    has_counts = models.BooleanField(default=False)
    has_shares = models.BooleanField(default=False)
    first_on = models.DateField()
    last_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "source"], name="one_row_per_item_and_source"),
        ]


class ProductAudience(WorkspaceOwned):
    """Distinct actors (or customers) seen in any event of a product's items, in the window ending on a day."""

    product = models.ForeignKey(Product, models.CASCADE, db_constraint=False, related_name="audiences")
    window_days = models.PositiveSmallIntegerField()
    on = models.DateField()
    active = models.PositiveIntegerField()
    # How many items sent events in that window: with one alone the audience would be its own users.
    item_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "window_days", "on"], name="one_audience_per_product_window_and_day"
            )
        ]


class Exposure(WorkspaceOwned):
    """How often a flag evaluated on or off for an item on a day. Not use by people."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="exposures")
    on_date = models.DateField()
    on_count = models.PositiveBigIntegerField(default=0)
    off_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "on_date"], name="one_exposure_per_item_and_day")
        ]
