from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from outcomes.models.outcomes import Outcome
from outcomes.querysets import EffectManager, EveryEffectManager
from productops.workspaces.indexes import in_known_order_of, in_order_of
from productops.workspaces.models import WorkspaceOwned

# From the weakest to the strongest, which is also the order of the alphabet: "-design" lists the strongest first.
DESIGNS = ("before_after", "comparison", "experiment")
# How far each can be trusted, in a word.
LABELS = {"experiment": "randomised", "comparison": "controlled", "before_after": "directional"}
EFFECT_VERDICTS = ("better", "worse", "inconclusive")


class Effect(WorkspaceOwned):
    """The estimated change of an outcome's metric after the release, by one design. Computed, never edited.

    A reading until `decided_on`, which is the day after its window was full; a reading raises no flag and
    moves no score. Numbers are in the metric's unit per period (of an experiment: per person), relative ones
    are parts of what would have been.
    """

    outcome = models.ForeignKey(Outcome, models.CASCADE, db_constraint=False, related_name="effects")
    design = models.CharField(max_length=12, choices=[(d, d) for d in DESIGNS])
    estimate = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    # Of the interval [low, high]: 0.95, or surer where several questions share the doubt.
    confidence = models.FloatField(default=0.95)
    relative = models.FloatField(null=True)
    relative_low = models.FloatField(null=True)
    relative_high = models.FloatField(null=True)
    probability_better = models.FloatField(null=True)
    # Null when something voids it; a caveat says what.
    verdict = models.CharField(max_length=12, choices=[(v, v) for v in EFFECT_VERDICTS], null=True)  # noqa: DJ001
    decided_on = models.DateField(null=True)
    # Periods before and after; people without and with it in an experiment.
    n_before = models.PositiveIntegerField()
    n_after = models.PositiveIntegerField()
    from_on = models.DateField(help_text="The first day of its data.")
    to_on = models.DateField(help_text="The last day of its data.")
    method = models.CharField(max_length=200)
    method_version = models.PositiveSmallIntegerField()
    # The same method where nothing was changed: its effect should be none.
    placebo = models.JSONField(null=True)
    # [{"code": ..., and what it is about}]
    caveats = models.JSONField(default=list)
    # What else the method found, by name.
    detail = models.JSONField(default=dict)
    # The data it rests on and what would have been: {"on": [...], "observed": [...], "counterfactual": [...] ...}
    chart = models.JSONField(default=dict)
    # What had it computed: a delivery, an edit, the clock.
    cause = models.JSONField(default=dict)
    as_of = models.DateTimeField()
    # There is nothing to tell of it as things stand (a pin before the release, an edit): out of sight, and kept
    # for its id should there be again.
    is_withdrawn = models.BooleanField(default=False, editable=False)

    objects = EffectManager()  # type: ignore[misc]  # the stubs see a class variable in the parent
    every = EveryEffectManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outcome", "design"], name="one_effect_per_outcome_and_design"),
            models.CheckConstraint(condition=Q(design__in=DESIGNS), name="effect_design_is_known"),
            models.CheckConstraint(condition=Q(verdict__in=EFFECT_VERDICTS), name="effect_verdict_is_known"),
            models.CheckConstraint(
                condition=Q(low__lte=F("estimate"), estimate__lte=F("high")),
                name="an_estimate_lies_in_its_interval",
            ),
            models.CheckConstraint(condition=Q(from_on__lte=F("to_on")), name="an_effect_s_window_has_days"),
        ]
        indexes = [
            # Read by `?ordering=` of the list of effects.
            in_order_of("effect_by_design", "design"),
            in_order_of("effect_by_instant", "as_of"),
            in_order_of("effect_by_estimate", "estimate"),
            in_known_order_of("effect_by_decision", "decided_on"),
            in_known_order_of("effect_by_lift", "relative"),
        ]

    def points(self) -> list[dict[str, Any]]:
        """The chart as one row a period, those before the release and those after it."""
        names = ("on", "observed", "counterfactual", "low", "high")
        columns = [self.chart.get(name, []) for name in names]
        # An experiment begins with its treatment: nothing in its chart comes before.
        before = 0 if self.design == "experiment" else self.n_before
        return [
            {**dict(zip(names, row, strict=True)), "is_after": number >= before}
            for number, row in enumerate(zip(*columns, strict=True))
        ]

    def __str__(self) -> str:
        return f"{self.design} of outcome {self.outcome_id}: {self.verdict or 'void'}"
