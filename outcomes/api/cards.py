"""What an item's card shows of the outcomes: its outcomes, usage, value, exposures and standing flags.

These classes describe answers; nothing is written through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from outcomes.models import ItemUsage, ItemValue, Outcome
from outcomes.models.flags import FLAG_REASONS, FLAG_STATES
from outcomes.models.outcomes import ROLES
from outcomes.models.values import VERDICTS
from roadmap.models import Item

GRADES = ("experiment", "comparison", "before_after", "observed")
BASELINES = ("typed", "measured")


def usage_of(item: Item) -> ItemUsage:
    """How the item is used as it stands; blank before it was first judged."""
    return getattr(item, "usage", None) or ItemUsage(item=item)


def value_of(item: Item) -> ItemValue:
    """What the item is worth as it stands; blank before it was first scored."""
    return getattr(item, "value", None) or ItemValue(item=item)


def readings_of(item: Item) -> dict[int, dict[str, Any]]:
    """What the last scoring read for each of the item's outcomes, by the outcome's id."""
    explained = value_of(item).explanation.get("outcomes") or []
    return {reading["id"]: reading for reading in explained if isinstance(reading, dict) and "id" in reading}


def outcome_on_card(outcome: Outcome, readings: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """An outcome with how it stands. One that has not been read yet says so instead of showing numbers."""
    reading = readings.get(outcome.pk)
    if outcome.metric.archived_at is not None:
        reading = {"missing": ["metric_archived"]}
    elif reading is None:
        reading = {"missing": ["not_read_yet"]}
    return {
        "id": outcome.pk,
        "metric": outcome.metric.key,
        "series": outcome.series,
        "role": outcome.role,
        "baseline": outcome.baseline if outcome.baseline is not None else reading.get("baseline"),
        "baseline_from": "typed" if outcome.baseline is not None else reading.get("baseline_from"),
        "target": outcome.target,
        "current": reading.get("current"),
        "attainment": reading.get("attainment"),
        "due_on": outcome.due_on,
        "pace": reading.get("pace"),
        "grade": reading.get("grade"),
        "shared_with": reading.get("shared_with") or [],
        "missing": reading.get("missing") or [],
    }


class CountField(serializers.FloatField):
    """A number of people. Kept as a float because some sources estimate; shown whole when it is."""

    def to_representation(self, value: Any) -> Any:
        number = float(value)
        return int(number) if number.is_integer() else number


class OutcomeOnCard(serializers.Serializer):
    id = serializers.IntegerField()
    metric = serializers.CharField(help_text="The metric's key.")
    series = serializers.CharField(allow_null=True, help_text="One series label; null reads all of them.")
    role = serializers.ChoiceField(ROLES)
    baseline = serializers.FloatField(allow_null=True, help_text="Typed, else measured before the release.")
    baseline_from = serializers.CharField(allow_null=True, help_text="Where the baseline comes from.")
    target = serializers.FloatField(allow_null=True)
    current = serializers.FloatField(allow_null=True, help_text="The metric's level now, after the release.")
    attainment = serializers.FloatField(
        allow_null=True, help_text="(current - baseline) / (target - baseline); 1 is met."
    )
    due_on = serializers.DateField(allow_null=True)
    pace = serializers.FloatField(
        allow_null=True, help_text="Attainment over the elapsed share of the time to due_on."
    )
    grade = serializers.ChoiceField(
        GRADES, allow_null=True, help_text="How strong the design is that the attainment rests on."
    )
    shared_with = serializers.ListField(
        child=serializers.CharField(),
        help_text="Keys of the items whose windows after release read the same movement of the metric.",
    )
    missing = serializers.ListField(child=serializers.CharField(), help_text="What is not known, by name.")


class UsageOnCard(serializers.Serializer):
    verdict = serializers.ChoiceField(VERDICTS, allow_null=True, help_text="null until it was first judged.")
    last_known = serializers.ChoiceField(
        VERDICTS, allow_null=True, help_text="During a data gap, the newest other verdict."
    )
    reason = serializers.CharField(allow_null=True)
    active = CountField(allow_null=True, help_text="Distinct active people or customers in the window.")
    eligible = CountField(allow_null=True)
    eligible_from = serializers.CharField(allow_null=True, help_text="Where the eligible number comes from.")
    share = serializers.FloatField(allow_null=True, help_text="Active / eligible, 0 to 1.")
    low = serializers.FloatField(allow_null=True, help_text="Lower end of the share's 95% Wilson interval.")
    high = serializers.FloatField(allow_null=True, help_text="Upper end of the share's 95% Wilson interval.")
    window_days = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateField(source="judged_on", allow_null=True, help_text="The day of judgement.")


class ValueOnCard(serializers.Serializer):
    expected = serializers.FloatField(allow_null=True, help_text="reach x impact x confidence / effort.")
    realised = serializers.FloatField(allow_null=True, help_text="0 to 100; null below coverage 0.2.")
    coverage = serializers.FloatField(help_text="The weights of the known terms together, 0 to 1.")
    proven = serializers.FloatField(allow_null=True, help_text="realised x coverage: the headline.")
    trend = serializers.FloatField(allow_null=True, help_text="proven now minus 28 days ago.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="What is not known, by name.")
    model_version = serializers.IntegerField(allow_null=True, help_text="The scoring model's version.")
    as_of = serializers.DateTimeField(allow_null=True)


class ExposuresOnCard(serializers.Serializer):
    on = serializers.IntegerField(help_text="How often its flag evaluated on in the workspace's window.")
    off = serializers.IntegerField()


class FlagOnCard(serializers.Serializer):
    id = serializers.IntegerField()
    reason = serializers.ChoiceField(FLAG_REASONS)
    state = serializers.ChoiceField(FLAG_STATES)
    opened_on = serializers.DateField()
