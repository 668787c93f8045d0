from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from outcomes.models.sources import CADENCES, Source
from outcomes.querysets import FactManager
from productops.workspaces.models import Versioned, WorkspaceOwned
from productops.workspaces.querysets import ArchivableManager
from roadmap.models.keyed import key_is_well_formed
from roadmap.rules import is_key

AGGREGATIONS = ("sum", "count", "mean", "last", "min", "max")
DIRECTIONS = ("increase", "decrease")


def validate_metric_key(value: str) -> None:
    if not is_key(value, dotted=True):
        raise ValidationError(
            "A metric key is letters, digits, - _ and dots, not all digits.", code="invalid"
        )


class Metric(Versioned):
    """A named series that outcomes are measured on."""

    key = models.CharField(max_length=200, validators=[validate_metric_key])
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=50, blank=True)
    direction = models.CharField(max_length=8, choices=[(d, d) for d in DIRECTIONS], default="increase")
    aggregation = models.CharField(max_length=5, choices=[(a, a) for a in AGGREGATIONS], default="mean")
    cadence = models.CharField(max_length=10, choices=[(c, c) for c in CADENCES], default="daily")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ArchivableManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_metric_per_key"),
            key_is_well_formed("metric_key_is_well_formed", r"^[A-Za-z0-9_.-]+$"),
            models.CheckConstraint(condition=Q(direction__in=DIRECTIONS), name="metric_direction_is_known"),
            models.CheckConstraint(
                condition=Q(aggregation__in=AGGREGATIONS), name="metric_aggregation_is_known"
            ),
            models.CheckConstraint(condition=Q(cadence__in=CADENCES), name="metric_cadence_is_known"),
        ]


class Statement(models.Model):
    """Who stated a fact. Of two statements of one identity the highest (at, by, row) wins, whenever it came."""

    source = models.ForeignKey(Source, models.DO_NOTHING, db_constraint=False, related_name="+")
    stated_at = models.DateTimeField()
    stated_by = models.CharField(max_length=200)
    stated_row = models.PositiveIntegerField()
    # A retracted fact stays as a tombstone, so that an older statement arriving late cannot revive it.
    is_retracted = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Observation(Statement, WorkspaceOwned):
    """One value of a metric at an instant, per series label. Partitioned by month of `at`."""

    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    series = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    on = models.DateField(help_text="The day of `at` in the workspace's zone.")
    value = models.FloatField()

    objects = FactManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "series", "at"], name="one_observation_per_metric_series_and_instant"
            )
        ]


class MetricDay(WorkspaceOwned):
    """A metric's day, recomputed from its observations; what levels are read from."""

    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="days")
    series = models.CharField(max_length=200, blank=True)
    on = models.DateField()
    count = models.PositiveIntegerField()
    total = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    last = models.FloatField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "series", "on"], name="one_row_per_metric_series_and_day"
            )
        ]
        indexes = [
            # Read by levels: a metric's days in a window, over all series.
            models.Index(F("metric"), F("on"), name="metric_day_by_day"),
        ]


class MetricSource(WorkspaceOwned):
    """A source that ever reported a metric: its reported days are the ones the metric is covered for."""

    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="metric_sources")
    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["metric", "source"], name="one_row_per_metric_and_source")
        ]
