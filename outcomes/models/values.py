from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from productops.workspaces.indexes import in_known_order_of
from productops.workspaces.models import WorkspaceOwned
from roadmap.models import Item

# The nine of outcomes.formulas.verdicts.Verdict, in the order in which they are tried.
VERDICTS = (
    "exempt",
    "too_new",
    "not_instrumented",
    "data_gap",
    "never_adopted",
    "abandoned",
    "under_used",
    "declining",
    "healthy",
)


class ScoringModel(WorkspaceOwned):
    """The weights, grades and targets a value is computed with: a draft until it is first switched on.

    From then on a trigger refuses every change of its numbers, and its removal: history refers to it.
    """

    # Its public number; `revision` counts the edits of a draft and guards them.
    version = models.PositiveIntegerField()
    revision = models.PositiveIntegerField(default=1, editable=False)
    # Fields of outcomes.formulas.realised.ScoringWeights.
    weights = models.JSONField()
    note = models.CharField(max_length=500, blank=True, help_text="Why these numbers.")
    is_active = models.BooleanField(default=False, editable=False)
    is_used = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, editable=False)
    # What switching it on changed, in one piece: see outcomes.services.previews.Preview.
    switched = models.JSONField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "version"], name="one_scoring_model_per_version"),
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(is_active=True), name="one_active_scoring_model"
            ),
        ]

    def __str__(self) -> str:
        return f"Scoring model {self.version}"


class Terms(models.Model):
    """A value's numbers: floats or null, null when unknown."""

    expected = models.FloatField(null=True)
    realised = models.FloatField(null=True)
    proven = models.FloatField(null=True)
    coverage = models.FloatField(default=0)
    outcome_term = models.FloatField(null=True)
    adoption = models.FloatField(null=True)
    retention = models.FloatField(null=True)
    missing = models.JSONField(default=list)
    # Every term with its inputs, where each came from and how old it is.
    explanation = models.JSONField(default=dict)
    model_version = models.PositiveIntegerField(null=True)
    judged_on = models.DateField(null=True)

    class Meta:
        abstract = True


class ItemValue(Terms, WorkspaceOwned):
    """An item's value as it stands."""

    item = models.OneToOneField(Item, models.CASCADE, db_constraint=False, related_name="value")
    demand = models.FloatField(default=0, help_text="Its share of its problems' demand.")
    revenue_at_stake = models.FloatField(default=0)
    opportunity = models.FloatField(null=True, help_text="The highest of its problems' scores.")
    trend = models.FloatField(null=True, help_text="Proven now minus 28 days ago.")
    as_of = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # Read by `?ordering=` of the list of items, the default by proven among them.
            in_known_order_of("value_by_proven", "proven", "item"),
            in_known_order_of("value_by_realised", "realised", "item"),
            in_known_order_of("value_by_expected", "expected", "item"),
            in_known_order_of("value_by_coverage", "coverage", "item"),
            in_known_order_of("value_by_trend", "trend", "item"),
            in_known_order_of("value_by_demand", "demand", "item"),
            in_known_order_of("value_by_revenue", "revenue_at_stake", "item"),
            in_known_order_of("value_by_opportunity", "opportunity", "item"),
        ]

    def __str__(self) -> str:
        return f"Value of item {self.item_id}"


class ValueRecord(Terms, WorkspaceOwned):
    """One row of an item's value history, with its cause. Append only."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="value_records")
    cause = models.JSONField(default=dict)
    as_of = models.DateTimeField()
    # When it was written, by the wall clock; `as_of` is the end of the pinned day where there is a pin.
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(F("item"), F("as_of").desc(), name="value_record_newest")]


class ItemUsage(WorkspaceOwned):
    """The verdict on an item as it stands, with the numbers behind it."""

    item = models.OneToOneField(Item, models.CASCADE, db_constraint=False, related_name="usage")
    verdict = models.CharField(max_length=20, choices=[(v, v) for v in VERDICTS], null=True)  # noqa: DJ001
    last_known = models.CharField(max_length=20, null=True)  # noqa: DJ001
    reason = models.CharField(max_length=40, null=True)  # noqa: DJ001
    active = models.FloatField(null=True)
    eligible = models.FloatField(null=True)
    eligible_from = models.CharField(max_length=20, null=True)  # noqa: DJ001
    share = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    window_days = models.PositiveSmallIntegerField(null=True)
    # What else the verdict rests on: kind, expected, covered, ratio, newest evidence ...
    evidence = models.JSONField(default=dict)
    judged_on = models.DateField(null=True)

    class Meta:
        verbose_name_plural = "item usage"
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=VERDICTS), name="item_verdict_is_known"),
        ]
        indexes = [
            # Read by lists filtered by verdict.
            models.Index(F("workspace"), F("verdict"), name="usage_by_verdict"),
            # Read by the list of items in the order of adoption and of active users.
            in_known_order_of("usage_by_share", "share", "item"),
            in_known_order_of("usage_by_active", "active", "item"),
        ]


class VerdictSpan(WorkspaceOwned):
    """From this day on the item's verdict is this, until its next span begins.

    One row per change stands for a row per day: the verdict of a day is that of the latest span that
    began on or before it.
    """

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="verdict_spans")
    from_on = models.DateField()
    verdict = models.CharField(max_length=20, choices=[(v, v) for v in VERDICTS])
    reason = models.CharField(max_length=40, null=True)  # noqa: DJ001

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "from_on"], name="one_verdict_per_item_and_day"),
            models.CheckConstraint(condition=Q(verdict__in=VERDICTS), name="span_verdict_is_known"),
        ]
