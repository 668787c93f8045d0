from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from productops.workspaces.indexes import in_known_order_of, in_order_of
from productops.workspaces.models import Member, Versioned, WorkspaceOwned
from roadmap.models.keyed import Keyed, by_beginning_of_key, by_words, key_is_well_formed
from roadmap.models.problems import Problem
from roadmap.models.products import Product
from roadmap.querysets import ItemManager
from roadmap.rules import (
    EXEMPTION_REASONS,
    HORIZONS,
    IMPACTS,
    ITEM_KINDS,
    LONG_TEXT,
    STATUSES,
    USAGE_POLICIES,
)


def _choices(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


class Item(Keyed):
    """A bet on the roadmap: a feature, mostly. Only a title is asked for."""

    title = models.CharField(max_length=300)
    summary = models.TextField(blank=True, max_length=LONG_TEXT)
    hypothesis = models.TextField(blank=True, max_length=LONG_TEXT)
    kind = models.CharField(max_length=20, choices=_choices(ITEM_KINDS), default="feature")
    url = models.URLField(max_length=2000, blank=True)
    product = models.ForeignKey(
        Product, models.SET_NULL, null=True, blank=True, db_constraint=False, related_name="items"
    )
    owner = models.ForeignKey(
        Member, models.SET_NULL, null=True, blank=True, db_constraint=False, related_name="+"
    )
    status = models.CharField(max_length=10, choices=_choices(STATUSES), default="idea")
    horizon = models.CharField(max_length=5, choices=_choices(HORIZONS), blank=True)
    released_on = models.DateField(null=True, blank=True, help_text="The day of the first release.")
    # True when a person or a file said so; else the day follows the earliest release a source reported.
    is_release_stated = models.BooleanField(default=False, editable=False)
    usage_policy = models.CharField(max_length=10, choices=_choices(USAGE_POLICIES), default="normal")
    exemption_reason = models.CharField(max_length=10, choices=_choices(EXEMPTION_REASONS), blank=True)
    reach = models.FloatField(null=True, blank=True, help_text="People (or customers) a quarter.")
    impact = models.FloatField(null=True, blank=True, choices=[(float(i), f"{i:g}") for i in IMPACTS])
    confidence = models.FloatField(null=True, blank=True, help_text="0 to 1.")
    effort = models.FloatField(null=True, blank=True, help_text="Person-months.")
    # reach, impact, confidence and effort as they stood on release: hindsight must not leak into calibration.
    inputs_at_release = models.JSONField(null=True, editable=False)
    # Thresholds of this item alone; blank follows the workspace.
    window_days = models.PositiveSmallIntegerField(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(null=True, blank=True)
    under_used_below = models.FloatField(null=True, blank=True)
    target_adoption = models.FloatField(null=True, blank=True)
    natural_period_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How often it is naturally used: 90 for a quarterly feature."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ItemManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_item_per_key"),
            key_is_well_formed("item_key_is_well_formed"),
            models.CheckConstraint(condition=Q(status__in=STATUSES), name="item_status_is_known"),
            models.CheckConstraint(condition=Q(horizon__in=["", *HORIZONS]), name="item_horizon_is_known"),
            models.CheckConstraint(condition=Q(kind__in=ITEM_KINDS), name="item_kind_is_known"),
            models.CheckConstraint(
                condition=Q(usage_policy__in=USAGE_POLICIES), name="item_usage_policy_is_known"
            ),
            models.CheckConstraint(
                condition=(Q(usage_policy="exempt") & Q(exemption_reason__in=EXEMPTION_REASONS))
                | (~Q(usage_policy="exempt") & Q(exemption_reason="")),
                name="an_exempt_item_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(status="released") | Q(released_on__isnull=False),
                name="a_released_item_has_a_day",
            ),
            models.CheckConstraint(condition=Q(reach__gte=0), name="item_reach_is_not_negative"),
            models.CheckConstraint(condition=Q(impact__in=IMPACTS), name="item_impact_is_on_the_scale"),
            models.CheckConstraint(
                condition=Q(confidence__gt=0, confidence__lte=1), name="item_confidence_is_a_share"
            ),
            models.CheckConstraint(condition=Q(effort__gt=0), name="item_effort_is_positive"),
            models.CheckConstraint(
                condition=Q(under_used_below__gte=0, under_used_below__lte=1),
                name="item_under_used_below_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(target_adoption__gt=0, target_adoption__lte=1),
                name="item_target_adoption_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=730), name="item_window_is_sane"
            ),
            models.CheckConstraint(
                condition=Q(natural_period_days__gte=1, natural_period_days__lte=365),
                name="item_natural_period_is_sane",
            ),
        ]
        indexes = [
            # Read by lists filtered by status and by the range filters on the release day.
            models.Index(F("workspace"), F("status"), F("released_on"), name="item_by_status"),
            # Read by `?ordering=` of the list of items.
            in_order_of("item_by_title", "title"),
            in_order_of("item_in_order_of_status", "status"),
            in_order_of("item_by_creation", "created_at"),
            in_order_of("item_by_update", "updated_at"),
            in_known_order_of("item_by_release_day", "released_on"),
            in_known_order_of("item_by_reach", "reach"),
            in_known_order_of("item_by_impact", "impact"),
            in_known_order_of("item_by_effort", "effort"),
            # Read when a product's audience changes.
            models.Index(F("product"), name="item_by_product"),
            by_words("item_by_words", "title", "summary", "hypothesis", "key"),
            by_beginning_of_key("item_by_beginning_of_key"),
        ]


class Link(Versioned):
    """An item is for a problem, with a weight. The weights of one item sum to at most 1."""

    part_of = "item"

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="links")
    problem = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="links")
    weight = models.FloatField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "problem"], name="one_link_per_item_and_problem"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="link_weight_is_a_share"),
        ]


class Release(WorkspaceOwned):
    """A release of an item as a source reported it: a mark on the chart."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="releases")
    at = models.DateTimeField()
    on = models.DateField(help_text="The day of `at` in the workspace's zone.")
    url = models.URLField(max_length=2000, blank=True)
    stated_at = models.DateTimeField(editable=False)
    stated_by = models.CharField(max_length=200, editable=False)
    stated_row = models.PositiveIntegerField(default=0, editable=False)
    is_retracted = models.BooleanField(default=False, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "at"], name="one_release_per_item_and_instant")
        ]
