"""How the resources of the outcomes look, and what is taken to make and change them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outcomes.api.cards import GRADES, outcome_on_card, readings_of
from outcomes.models import Flag, FlagAction, Metric, Outcome, Source
from outcomes.models.flags import FLAG_REASONS, FLAG_STATES
from outcomes.models.metrics import AGGREGATIONS, DIRECTIONS
from outcomes.models.sources import CADENCES
from outcomes.services.metrics import problems_with_metric
from outcomes.services.outcomes import RANGES, problems_with_fields
from productops.api.actions import NothingSerializer as NothingSerializer
from productops.api.fields import Day, KeyOrId, Text
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.workspaces.complaints import SaysWhatIsWrong
from roadmap.models import Item


class MetricSerializer(RowSerializer):
    """A named series that outcomes are measured on."""

    name = Text(max_length=200, required=False, help_text="The key, if nothing is said.")
    last_on = serializers.DateField(read_only=True, allow_null=True, help_text="The newest day with a value.")

    class Meta:
        model = Metric
        fields = (
            "id",
            "key",
            "name",
            "unit",
            "direction",
            "aggregation",
            "cadence",
            "last_on",
            "archived_at",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("archived_at", "version", "created_at", "updated_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_metric(said)


class DayLevelSerializer(serializers.Serializer):
    on = serializers.DateField()
    value = serializers.FloatField(help_text="The day's level by the metric's aggregation.")
    count = serializers.IntegerField(help_text="How many observations are behind it.")


class SeriesSerializer(serializers.Serializer):
    """A metric's daily levels; days that nothing was reported for are left out."""

    metric = serializers.CharField()
    unit = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    aggregation = serializers.ChoiceField(AGGREGATIONS)
    cadence = serializers.ChoiceField(CADENCES)
    series = serializers.CharField(allow_null=True, help_text="One series label; null is all of them.")
    labels = serializers.ListField(
        child=serializers.CharField(), help_text="The series labels reported in this range."
    )
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    results = DayLevelSerializer(many=True)


_CONTROL = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"metric": {"type": "string"}, "series": {"type": ["string", "null"]}},
            "required": ["metric"],
            "additionalProperties": False,
        },
    ]
}


@extend_schema_field({"type": "array", "items": _CONTROL})
class ControlsField(serializers.JSONField):
    """Metric keys, or `{"metric", "series"}`, of what the release did not touch."""


_OUTCOME_FIELDS = (
    "metric",
    "series",
    "role",
    "baseline",
    "target",
    "due_on",
    "weight",
    "controls",
    "washout_days",
    "after_periods",
    "margin",
)


class _StatesOutcome(RowSerializer):
    ranges = RANGES

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_fields(self.context["request"].workspace.pk, said)


class NestedOutcomeSerializer(_StatesOutcome):
    """An outcome beneath the item that is being created. Only the metric is asked for."""

    metric = KeyOrId(Metric, help_text="The metric's key or id.")
    controls = ControlsField(required=False)

    class Meta:
        model = Outcome
        fields = _OUTCOME_FIELDS


class OutcomeSerializer(_StatesOutcome):
    """The metric an item was to move, from where to where and by when, and how that stands."""

    item = KeyOrId(Item, help_text="The item's key or id.")
    metric = KeyOrId(Metric, help_text="The metric's key or id.")
    controls = ControlsField(required=False)
    current = serializers.FloatField(
        read_only=True, allow_null=True, help_text="The metric's level now, after the release."
    )
    attainment = serializers.FloatField(
        read_only=True, allow_null=True, help_text="(current - baseline) / (target - baseline); 1 is met."
    )
    pace = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Attainment over the elapsed share of the time to due_on."
    )
    grade = serializers.ChoiceField(
        GRADES, read_only=True, allow_null=True, help_text="How strong the design behind the attainment is."
    )
    missing = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What is not known, by name."
    )
    baseline_used = serializers.FloatField(
        read_only=True, allow_null=True, help_text="The baseline typed, else the one measured."
    )
    baseline_from = serializers.CharField(
        read_only=True, allow_null=True, help_text="Where that baseline comes from."
    )

    class Meta:
        model = Outcome
        fields = (
            "id",
            "item",
            *_OUTCOME_FIELDS,
            "current",
            "attainment",
            "pace",
            "grade",
            "missing",
            "baseline_used",
            "baseline_from",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("version", "created_at", "updated_at")

    def to_representation(self, instance: Outcome) -> dict[str, Any]:
        card = outcome_on_card(instance, readings_of(instance.item))
        for name in ("current", "attainment", "pace", "grade", "missing", "baseline_from"):
            setattr(instance, name, card[name])
        instance.baseline_used = card["baseline"]  # type: ignore[attr-defined]
        return super().to_representation(instance)


class FlagActionSerializer(serializers.ModelSerializer):
    """What was done to a flag, and by whom."""

    class Meta:
        model = FlagAction
        fields = ("at", "action", "from_state", "to_state", "by", "note")
        read_only_fields = fields


class FlagHistorySerializer(serializers.Serializer):
    results = FlagActionSerializer(many=True)


class FlagSerializer(RowSerializer):
    """A condition that wants a person, with the numbers it rests on."""

    reason = serializers.ChoiceField(FLAG_REASONS, read_only=True)
    state = serializers.ChoiceField(FLAG_STATES, read_only=True)
    item = KeyOrId(Item, shows=("id", "key", "title"), read_only=True, allow_null=True)
    source = KeyOrId(Source, shows=("id", "key", "name"), read_only=True, allow_null=True)  # type: ignore[assignment]
    outcome = serializers.SerializerMethodField(help_text="The id of the outcome it is about, if it is.")
    metric = serializers.SerializerMethodField(help_text="The key of that outcome's metric.")
    evidence = serializers.DictField(
        read_only=True, help_text="The numbers used, window and days, as they are now."
    )
    opened_with = serializers.DictField(
        read_only=True, help_text="The same as they were when it was raised; empty for very old flags."
    )
    actions = FlagActionSerializer(many=True, read_only=True, help_text="What was done to it, oldest first.")

    class Meta:
        model = Flag
        fields = (
            "id",
            "reason",
            "state",
            "item",
            "outcome",
            "metric",
            "source",
            "opened_on",
            "holding_since",
            "resolved_on",
            "resolved_cause",
            "snoozed_until",
            "dismiss_reason",
            "recommendation",
            "evidence",
            "opened_with",
            "actions",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Flag) -> dict[str, Any]:
        shown = super().to_representation(instance)
        # Of a flag that stands again while the workspace is pinned to before its end, that end is still to come.
        return shown if instance.state == "resolved" else {**shown, "resolved_on": None, "resolved_cause": ""}

    def get_outcome(self, flag: Flag) -> int | None:
        return flag.outcome_id

    def get_metric(self, flag: Flag) -> str | None:
        return flag.outcome.metric.key if flag.outcome is not None else None


class NoteSerializer(PlainSerializer):
    note = Text(max_length=2000, required=False, allow_blank=True)


class SnoozeSerializer(PlainSerializer):
    until = Day(help_text="A day yet to come, in the workspace's zone, by the wall clock.")


class DismissSerializer(PlainSerializer):
    reason = Text(max_length=2000, required=False, allow_blank=True)
