from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from productops.workspaces.indexes import in_known_order_of, in_order_of
from productops.workspaces.models import Versioned, WorkspaceOwned
from roadmap.models.customers import Customer
from roadmap.models.keyed import Keyed, by_beginning_of_key, by_words, key_is_well_formed
from roadmap.querysets import ProblemManager
from roadmap.rules import EVIDENCE_KINDS, LONG_TEXT


class Problem(Keyed):
    """Something customers struggle with; problems form a tree."""

    title = models.CharField(max_length=300)
    description = models.TextField(blank=True, max_length=LONG_TEXT)
    parent = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="children",
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ProblemManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_problem_per_key"),
            key_is_well_formed("problem_key_is_well_formed"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="problem_is_not_its_own_parent"),
        ]
        indexes = [
            by_words("problem_by_words", "title", "description", "key"),
            by_beginning_of_key("problem_by_beginning_of_key"),
            # Read by `?ordering=` of the list of problems.
            in_order_of("problem_by_title", "title"),
            in_order_of("problem_by_creation", "created_at"),
            in_order_of("problem_by_update", "updated_at"),
        ]


class Evidence(Versioned):
    """One piece of proof for a problem."""

    problem = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="evidence")
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, blank=True, db_constraint=False, related_name="evidence"
    )
    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in EVIDENCE_KINDS])
    quote = models.TextField(blank=True, max_length=LONG_TEXT)
    source_url = models.URLField(max_length=2000, blank=True)
    observed_on = models.DateField(null=True, blank=True)
    importance = models.PositiveSmallIntegerField(
        default=1, help_text="0 not at all, 1 nice, 2 important, 3 blocking. Said by nobody: 1."
    )
    external_id = models.CharField(max_length=200, blank=True)
    # Which statement put it here when it came by webhook; blank when a person wrote it.
    stated_at = models.DateTimeField(null=True, editable=False)
    stated_by = models.CharField(max_length=200, blank=True, editable=False)
    stated_row = models.PositiveIntegerField(default=0, editable=False)
    # A retracted statement stays as a tombstone, so that an earlier one arriving late cannot revive it.
    is_retracted = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["problem", "external_id"],
                condition=~Q(external_id=""),
                name="one_evidence_per_external_id",
            ),
            models.CheckConstraint(condition=Q(kind__in=EVIDENCE_KINDS), name="evidence_kind_is_known"),
            models.CheckConstraint(
                condition=Q(importance__gte=0, importance__lte=3), name="evidence_importance_is_0_to_3"
            ),
        ]
        indexes = [
            by_words("evidence_by_words", "quote", "external_id"),
            # Read by `?ordering=` of the list of evidence.
            in_known_order_of("evidence_by_day", "observed_on"),
            in_order_of("evidence_by_importance", "importance"),
            in_order_of("evidence_by_creation", "created_at"),
            in_order_of("evidence_by_update", "updated_at"),
        ]


class Survey(Versioned):
    """Importance and satisfaction ratings of a problem in one segment."""

    problem = models.ForeignKey(Problem, models.CASCADE, db_constraint=False, related_name="surveys")
    segment = models.CharField(max_length=100)
    on = models.DateField()
    respondents = models.PositiveIntegerField()
    importance_top2 = models.PositiveIntegerField(help_text="How many rated importance 4 or 5 of 5.")
    satisfaction_top2 = models.PositiveIntegerField(help_text="How many rated satisfaction 4 or 5 of 5.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["problem", "segment", "on"], name="one_survey_per_problem_segment_and_day"
            ),
            models.CheckConstraint(
                condition=Q(importance_top2__lte=F("respondents"), satisfaction_top2__lte=F("respondents")),
                name="survey_counts_do_not_exceed_respondents",
            ),
            models.CheckConstraint(condition=Q(respondents__gte=1), name="a_survey_was_answered"),
        ]


class ProblemStanding(WorkspaceOwned):
    """A problem's numbers, recomputed from its evidence and surveys and those beneath it in the tree."""

    problem = models.OneToOneField(Problem, models.CASCADE, db_constraint=False, related_name="standing")
    demand = models.FloatField(default=0)
    revenue_at_stake = models.FloatField(default=0)
    # Its own evidence alone: this is what is divided over its items, so that a tree inflates nothing.
    own_demand = models.FloatField(default=0)
    own_revenue_at_stake = models.FloatField(default=0)
    evidence_count = models.PositiveIntegerField(default=0)
    customer_count = models.PositiveIntegerField(default=0)
    opportunity = models.FloatField(null=True)
    is_low_evidence = models.BooleanField(default=False)
    # [{"segment", "on", "respondents", "importance", "satisfaction", "score", "is_low_evidence"}]
    segments = models.JSONField(default=list)
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # Read by the ranked list of problems, the front door. A problem may still be without a standing.
            in_known_order_of("standing_by_demand", "demand", "problem"),
            in_known_order_of("standing_by_revenue", "revenue_at_stake", "problem"),
            in_known_order_of("standing_by_opportunity", "opportunity", "problem"),
            in_known_order_of("standing_by_evidence_count", "evidence_count", "problem"),
            in_known_order_of("standing_by_customer_count", "customer_count", "problem"),
        ]
