from __future__ import annotations

from django.db import models
from django.db.models import Q

from outcomes.models.metrics import Metric
from outcomes.models.sources import Source
from outcomes.sources.rules import MAX_LENGTH, TARGETS
from outcomes.sources.rules import Rule as PureRule
from productops.workspaces.models import Versioned, WorkspaceOwned
from roadmap.models import Item, Problem

CANDIDATE_KINDS = ("event", "item", "metric", "experiment", "evidence")
CANDIDATE_STATES = ("open", "accepted", "dismissed")


def _expression(help_text: str) -> models.TextField:
    return models.TextField(max_length=MAX_LENGTH, blank=True, help_text=f"{help_text} JMESPath.")


class Rule(Versioned):
    """What events of a source mean: those that match become observations of a metric or uses of an item."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="rules")
    match = models.TextField(max_length=MAX_LENGTH, help_text="Which events are meant. JMESPath.")
    to = models.CharField(max_length=11, choices=[(t, t) for t in TARGETS])
    item = models.ForeignKey(
        Item, models.CASCADE, null=True, blank=True, db_constraint=False, related_name="rules"
    )
    item_key = _expression("The key of the item, found in the event.")
    metric = models.ForeignKey(
        Metric, models.CASCADE, null=True, blank=True, db_constraint=False, related_name="rules"
    )
    metric_key = _expression("The key of the metric, found in the event.")
    value = _expression("The observation's value; 1 if nothing is said.")
    actor = _expression("Who used it; the event's actor if nothing is said.")
    customer = _expression("Whose user that is; the event's customer if nothing is said.")
    series = _expression("The observation's series label.")
    at = _expression("When it was; the event's time if nothing is said.")
    event_id = models.TextField(
        max_length=MAX_LENGTH, blank=True, help_text="Its id; the event's if nothing is said. JMESPath."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(to__in=TARGETS), name="rule_target_is_known"),
            models.CheckConstraint(condition=~Q(match=""), name="a_rule_matches_something"),
            models.CheckConstraint(
                condition=(Q(to="usage") & (Q(item__isnull=False) ^ ~Q(item_key="")))
                | (Q(to="observation") & (Q(metric__isnull=False) ^ ~Q(metric_key=""))),
                name="a_rule_names_what_it_makes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.match} → {self.to}"

    def pure(self) -> PureRule:
        """The rule without its rows, as it is applied. `item` and `metric` must be loaded."""
        return PureRule(
            match=self.match,
            to=self.to,
            item=self.item.key if self.item else "",
            item_key=self.item_key,
            metric=self.metric.key if self.metric else "",
            metric_key=self.metric_key,
            value=self.value,
            actor=self.actor,
            customer=self.customer,
            series=self.series,
            at=self.at,
            id=self.event_id,
        )


class Candidate(Versioned):
    """What a source spoke of and nobody claimed: an event name, the key of an item, metric or experiment, or an issue
    that may be evidence (its external id)."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="candidates")
    kind = models.CharField(max_length=10, choices=[(k, k) for k in CANDIDATE_KINDS], editable=False)
    name = models.CharField(max_length=200, editable=False)
    state = models.CharField(max_length=9, default="open", choices=[(s, s) for s in CANDIDATE_STATES])
    problem = models.ForeignKey(
        Problem,
        models.CASCADE,
        null=True,
        editable=False,
        db_constraint=False,
        related_name="+",
        help_text="What an issue was accepted as evidence for.",
    )
    # The sum of what each delivery says of it; a delivery remembers what it said, so a replay adds nothing.
    count = models.BigIntegerField(default=0, editable=False)
    first_seen_at = models.DateTimeField(editable=False)
    last_seen_at = models.DateTimeField(editable=False)
    sample = models.JSONField(default=dict, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "name"], name="one_candidate_per_name"),
            models.CheckConstraint(condition=Q(kind__in=CANDIDATE_KINDS), name="candidate_kind_is_known"),
            models.CheckConstraint(condition=Q(state__in=CANDIDATE_STATES), name="candidate_state_is_known"),
            models.CheckConstraint(
                condition=Q(problem__isnull=True) ^ Q(kind="evidence", state="accepted"),
                name="accepted_evidence_has_a_problem",
            ),
        ]


class ExposureReport(WorkspaceOwned):
    """How often one delivery says that a toggle was on and off; a day's exposures are the sum of its reports."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="+")
    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    on_date = models.DateField()
    report = models.CharField(max_length=200, help_text="The delivery it came with, by the sender's id.")
    on_count = models.PositiveBigIntegerField()
    off_count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "on_date", "source", "report"], name="one_exposure_report_per_delivery"
            )
        ]


class RunningTotal(WorkspaceOwned):
    """A point of a cumulative sum as it was sent. Observations are the differences, taken anew as points come."""

    source = models.ForeignKey(Source, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    counter = models.CharField(max_length=32, help_text="Hash of who counts and of the labels.")
    series = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(help_text="When it began at 0; 1970 when that was not said.")
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "metric", "counter", "started_at", "at"],
                name="one_total_per_counter_and_instant",
            )
        ]
        indexes = [
            # Read when differences are summed up: the points of one series at one instant.
            models.Index(fields=["source", "metric", "series", "at"], name="total_by_series"),
        ]
