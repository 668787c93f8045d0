from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q

from outcomes.models.metrics import Metric, Statement
from outcomes.querysets import ExperimentManager, FactManager
from productops.workspaces.models import WorkspaceOwned
from roadmap.models import Item
from roadmap.models.keyed import Keyed, key_is_well_formed

DRAFT, RUNNING, ENDED, DECIDED = "draft", "running", "ended", "decided"
EXPERIMENT_STATES = (DRAFT, RUNNING, ENDED, DECIDED)
DECISIONS = ("ship", "hold", "iterate", "revert")


class Experiment(Keyed):
    """A trial of an item on a part of its people. Only the item is asked for."""

    item = models.ForeignKey(Item, models.CASCADE, db_constraint=False, related_name="experiments")
    hypothesis = models.TextField(blank=True)
    metric = models.ForeignKey(
        Metric,
        models.CASCADE,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="experiments",
        help_text="What it is decided on.",
    )
    # [{"key", "split"}]; none means those that report, split evenly.
    variants = models.JSONField(default=list, blank=True)
    control = models.CharField(
        max_length=200, blank=True, help_text="The variant that others are compared with."
    )
    state = models.CharField(max_length=7, choices=[(s, s) for s in EXPERIMENT_STATES], default=DRAFT)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True, help_text="The last day, planned or past.")
    # The day from which what it read is its result, kept from when it ended: a later decision does not move it.
    result_on = models.DateField(null=True, blank=True, editable=False)
    decision = models.CharField(max_length=7, choices=[(d, d) for d in DECISIONS], blank=True)
    decision_note = models.TextField(max_length=20_000, blank=True)
    # The variant that the decision is about, where there is more than one besides the control.
    decided_variant = models.CharField(max_length=200, blank=True)
    decided_by = models.CharField(max_length=200, blank=True, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    # {"metric", "unit", "variant", "verdict", "estimate", "low", "high", "at"}: what it read when it was decided.
    decided_reading = models.JSONField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ExperimentManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_experiment_per_key"),
            key_is_well_formed("experiment_key_is_well_formed"),
            models.CheckConstraint(
                condition=Q(state__in=EXPERIMENT_STATES), name="experiment_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["", *DECISIONS]), name="experiment_decision_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=DRAFT) | Q(started_on__isnull=False),
                name="an_experiment_that_runs_has_a_first_day",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ENDED, DECIDED]) | Q(ended_on__isnull=False),
                name="an_experiment_that_ended_has_a_last_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[ENDED, DECIDED], result_on__gte=F("ended_on"))
                | (~Q(state__in=[ENDED, DECIDED]) & Q(result_on__isnull=True)),
                name="an_experiment_that_ended_has_a_result_s_day",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("started_on")),
                name="an_experiment_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=(Q(state=DECIDED) & ~Q(decision="") & Q(decided_at__isnull=False))
                | (~Q(state=DECIDED) & Q(decision="") & Q(decided_at__isnull=True)),
                name="a_decided_experiment_says_how",
            ),
            models.CheckConstraint(
                condition=Q(state=DECIDED) | Q(decided_reading__isnull=True),
                name="a_reading_was_decided_on_by_a_decision",
            ),
        ]
        indexes = [
            # Read when the day turns: those whose planned last day has come.
            models.Index(
                F("workspace"), F("ended_on"), condition=Q(state=RUNNING), name="experiment_running_until"
            ),
        ]

    @property
    def guardrails(self) -> list[Metric]:
        """The metrics that it must not harm; a list of experiments loads them with `guardrail_rows__metric`."""
        held = sorted(self.guardrail_rows.all(), key=lambda row: row.pk)
        return [row.metric for row in held]

    def state_on(self, day: date) -> str:
        """The state as of a day: one that runs until a planned day has ended once that day is over."""
        is_past = self.ended_on is not None and self.ended_on < day
        return ENDED if self.state == RUNNING and is_past else self.state

    def result_day(self) -> date | None:
        """The day from which what it reads is a result: the one on which a person ended it, else that after the
        planned last."""
        if self.state == RUNNING and self.ended_on is not None and self.ended_on < date.max:
            return self.ended_on + timedelta(days=1)
        return self.result_on

    def is_over_on(self, day: date) -> bool:
        """Whether its measuring is over as of a day."""
        result_day = self.result_day()
        return result_day is not None and result_day <= day


class ExperimentGuardrail(WorkspaceOwned):
    """A metric that an experiment must not harm."""

    experiment = models.ForeignKey(
        Experiment, models.CASCADE, db_constraint=False, related_name="guardrail_rows"
    )
    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "metric"], name="one_guardrail_per_experiment_and_metric"
            )
        ]


class ExperimentTotal(Statement, WorkspaceOwned):
    """What a variant had come to by an instant: people, the sum of their values and of the squares of these.

    Cumulative: of one variant and metric the newest counts.
    """

    experiment = models.ForeignKey(
        Experiment, models.CASCADE, db_constraint=False, related_name="totals", db_index=False
    )
    variant = models.CharField(max_length=200)
    metric = models.ForeignKey(Metric, models.CASCADE, db_constraint=False, related_name="+")
    at = models.DateTimeField()
    on = models.DateField(help_text="The day up to which it counts: one of midnight is of the day that ends.")
    n = models.BigIntegerField()
    sum = models.FloatField()
    sum_squares = models.FloatField()

    objects = FactManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "variant", "metric", "at"],
                name="one_total_per_variant_metric_and_instant",
            ),
            models.CheckConstraint(condition=Q(n__gte=0), name="experiment_total_counts_people"),
        ]
