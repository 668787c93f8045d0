from __future__ import annotations

from django.db import models
from django.db.models import Q

from outcomes.models.metrics import Metric
from productops.workspaces.models import Versioned
from roadmap.models import Item

ROLES = ("primary", "secondary", "guardrail")


class Outcome(Versioned):
    """The metric an item was to move, from where to where and by when. Only item and metric are asked for."""

    part_of = "item"

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="outcomes")
    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="outcomes")
    series = models.CharField(  # noqa: DJ001  blank is a label of its own: that of rows without one
        max_length=200,
        null=True,
        blank=True,
        help_text="One series label; blank takes all.",
    )
    role = models.CharField(max_length=9, choices=[(r, r) for r in ROLES], default="primary")
    baseline = models.FloatField(null=True, blank=True)
    target = models.FloatField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    weight = models.FloatField(default=1)
    # Metric keys or {"metric", "series"} of what the release did not touch; read by effects.
    controls = models.JSONField(default=list, blank=True)
    washout_days = models.PositiveSmallIntegerField(default=0)
    after_periods = models.PositiveSmallIntegerField(null=True, blank=True)
    margin = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "metric", "series"],
                nulls_distinct=False,
                name="one_outcome_per_item_metric_and_series",
            ),
            models.CheckConstraint(condition=Q(role__in=ROLES), name="outcome_role_is_known"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="outcome_weight_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.metric}"
