from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from outcomes.models.outcomes import Outcome
from outcomes.models.quiet import QuietRun
from outcomes.models.sources import Source
from outcomes.querysets import OPEN_STATES, EveryFlagManager, FlagManager
from productops.workspaces.indexes import in_known_order_of, in_order_of
from productops.workspaces.models import User, Versioned, WorkspaceOwned
from roadmap.models import Item

FLAG_REASONS = (
    "never_adopted",
    "abandoned",
    "under_used",
    "declining",
    "missed_target",
    "regression",
    "stale_source",
)
FLAG_STATES = (*OPEN_STATES, "resolved", "dismissed", "accepted")


class Flag(Versioned):
    """A condition that wants a person, with the numbers it rests on."""

    reason = models.CharField(max_length=14, choices=[(r, r) for r in FLAG_REASONS])
    # The subject: an item, one of its outcomes (then the item too), or a source.
    item = models.ForeignKey(Item, models.CASCADE, null=True, db_constraint=False, related_name="flags")
    outcome = models.ForeignKey(Outcome, models.CASCADE, null=True, db_constraint=False, related_name="flags")
    source = models.ForeignKey(Source, models.CASCADE, null=True, db_constraint=False, related_name="flags")
    state = models.CharField(max_length=12, choices=[(s, s) for s in FLAG_STATES], default="open")
    opened_on = models.DateField()
    holding_since = models.DateField()
    resolved_on = models.DateField(null=True)
    # recovered, replaced, answered, edited or corrected; see outcomes/pipeline/flag_plan.py.
    resolved_cause = models.CharField(max_length=12, blank=True)
    snoozed_until = models.DateField(null=True)
    dismiss_reason = models.TextField(blank=True)
    # A dismissed flag keeps its whole class quiet for as long as that class holds without having stopped.
    is_suppressing = models.BooleanField(default=False)
    recommendation = models.CharField(max_length=40, blank=True)
    evidence = models.JSONField(default=dict, help_text="The numbers as they are now.")
    # Kept from when it was raised; empty for flags that are older than this column.
    opened_with = models.JSONField(default=dict, editable=False)

    # The last day as of which it was judged to hold; a pin to the past takes nothing of it back.
    judged_on = models.DateField(null=True, editable=False)
    # It opens on a day that the workspace, pinned to the past, has yet to reach: kept as it is, and not shown.
    is_ahead = models.BooleanField(default=False, editable=False)

    objects = FlagManager()  # type: ignore[misc]  # the stubs see a class variable in the parent
    every = EveryFlagManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "reason", "item", "outcome", "source"],
                condition=Q(state__in=OPEN_STATES, is_ahead=False),
                nulls_distinct=False,
                name="one_open_flag_per_subject_and_reason",
            ),
            models.CheckConstraint(condition=Q(reason__in=FLAG_REASONS), name="flag_reason_is_known"),
            models.CheckConstraint(condition=Q(state__in=FLAG_STATES), name="flag_state_is_known"),
            models.CheckConstraint(
                condition=Q(item__isnull=False) | Q(source__isnull=False), name="a_flag_has_a_subject"
            ),
            models.CheckConstraint(
                condition=~Q(state="snoozed") | Q(snoozed_until__isnull=False), name="a_snooze_has_an_end"
            ),
            models.CheckConstraint(
                condition=Q(resolved_on__gte=F("opened_on")), name="a_flag_resolves_after_it_opened"
            ),
        ]
        indexes = [
            # Read by the list of standing flags and by the cards' flags.
            models.Index(fields=["item"], condition=Q(state__in=OPEN_STATES), name="flag_standing_by_item"),
            # Read by `?ordering=` of the list of flags.
            in_order_of("flag_by_opening", "opened_on"),
            in_order_of("flag_by_reason", "reason"),
            in_order_of("flag_by_state", "state"),
            in_order_of("flag_by_update", "updated_at"),
            in_known_order_of("flag_by_resolution", "resolved_on"),
            in_known_order_of("flag_by_end_of_snooze", "snoozed_until"),
        ]

    def __str__(self) -> str:
        return f"{self.reason.replace('_', ' ')} ({self.state})"


class FlagAction(WorkspaceOwned):
    """What was done to a flag, by whom: a person, a key, or the clock."""

    flag = models.ForeignKey(Flag, models.CASCADE, db_constraint=False, related_name="actions")
    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=12)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=200, help_text="The person's or the key's name, or productops.")
    note = models.TextField(blank=True)
    # What the clock did while everything was judged anew is told in one digest and not by itself.
    quiet_run = models.ForeignKey(
        QuietRun, models.SET_NULL, null=True, db_constraint=False, related_name="actions"
    )
