"""How experiments and their results look, and what is taken to set one up and move it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outcomes.formulas.trials import TRIAL_VERDICTS
from outcomes.models import Experiment, Metric
from outcomes.models.experiments import DECISIONS, EXPERIMENT_STATES
from outcomes.models.metrics import DIRECTIONS
from outcomes.services.experiment_rules import MOST_VARIANTS, problems_with_variants
from productops.api.fields import Day, KeyOrId, Number, Text
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.workspaces.complaints import SaysWhatIsWrong
from roadmap.models import Item


@extend_schema_field({"type": "number", "exclusiveMinimum": 0, "maximum": 1e9})
class SplitField(Number):
    """A part of the people, in any unit: above 0."""

    default_error_messages = {"out_of_range": "A split is above 0 and at most 1e9."}

    def to_internal_value(self, data: Any) -> float:
        split = super().to_internal_value(data)
        if not 0 < split <= 1e9:
            self.fail("out_of_range")
        return split


class VariantSerializer(PlainSerializer):
    """One variant of an experiment, and its part of the people."""

    key = Text(max_length=200)
    split = SplitField(default=1, help_text="In any unit: 1 and 1 are half and half.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {"key": instance["key"], "split": instance.get("split", 1)}


class DecidedReadingSerializer(serializers.Serializer):
    """What an experiment read when it was decided: it stays as it was, whatever is corrected later."""

    metric = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    variant = serializers.CharField(help_text="The treatment that was spoken of.")
    verdict = serializers.ChoiceField(TRIAL_VERDICTS)
    estimate = serializers.FloatField(help_text="Against the control, in the metric's unit.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    at = serializers.DateTimeField(
        allow_null=True, help_text="The instant that the variants were compared at."
    )


class ExperimentSerializer(RowSerializer):
    """A trial of an item on a part of its people. Only the item is asked for; the rest comes from it."""

    item = KeyOrId(Item, help_text="The item's key or id.")
    metric = KeyOrId(Metric, required=False, allow_null=True, help_text="What it is decided on.")
    guardrails = serializers.ListField(
        child=KeyOrId(Metric), required=False, help_text="Metrics that it must not harm."
    )
    variants = serializers.ListField(
        child=VariantSerializer(),
        required=False,
        max_length=MOST_VARIANTS,
        help_text="At least two; an empty list leaves them to what reports.",
    )
    state = serializers.SerializerMethodField(help_text="As of the day of judgement.")
    decision = serializers.ChoiceField(DECISIONS, read_only=True, allow_null=True)
    decided_reading = DecidedReadingSerializer(
        read_only=True,
        allow_null=True,
        help_text="What it read when it was decided; null if nothing could be read.",
    )

    class Meta:
        model = Experiment
        fields: tuple[str, ...] = (
            "id",
            "key",
            "item",
            "hypothesis",
            "metric",
            "guardrails",
            "variants",
            "control",
            "state",
            "started_on",
            "ended_on",
            "decision",
            "decision_note",
            "decided_variant",
            "decided_by",
            "decided_at",
            "decided_reading",
            "archived_at",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = (
            "decision_note",
            "decided_variant",
            "decided_by",
            "decided_at",
            "archived_at",
            "version",
            "created_at",
            "updated_at",
        )
        extra_kwargs = {"key": {"required": False, "help_text": "Made from the item's key if not said."}}

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_variants(said["variants"]) if "variants" in said else ()

    @extend_schema_field({"type": "string", "enum": list(EXPERIMENT_STATES)})
    def get_state(self, experiment: Experiment) -> str:
        return experiment.state_on(self.context["request"].workspace.today())

    def to_representation(self, instance: Experiment) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "decision": shown["decision"] or None} if "decision" in shown else shown


class ExperimentOfItemSerializer(ExperimentSerializer):
    """An experiment beneath its item."""

    item = KeyOrId(Item, read_only=True)


class DaySerializer(PlainSerializer):
    on = Day(required=False, help_text="The day; today if nothing is said.")


class DecideSerializer(PlainSerializer):
    decision = serializers.ChoiceField(DECISIONS)
    note = Text(max_length=20_000, required=False, allow_blank=True)
    variant = Text(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="The treatment that is meant, where there are several.",
    )


class CloneSerializer(PlainSerializer):
    item = KeyOrId(Item, required=False, help_text="Another item; the same one if nothing is said.")
    key = Text(max_length=200, required=False, help_text="Made from the item's key if not said.")


class VariantReadingSerializer(serializers.Serializer):
    """One variant on one metric, at the newest instant that all are reported for."""

    variant = serializers.CharField()
    is_control = serializers.BooleanField()
    split = serializers.FloatField(help_text="The share of people meant for it, 0 to 1.")
    at = serializers.DateTimeField(
        allow_null=True, help_text="The instant of these totals: one for all that are compared."
    )
    n = serializers.IntegerField(help_text="People in it.")
    mean = serializers.FloatField(allow_null=True, help_text="Per person, in the metric's unit.")
    sd = serializers.FloatField(allow_null=True, help_text="The standard deviation of one person's value.")


class VariantDifferenceSerializer(serializers.Serializer):
    """A treatment against the control."""

    variant = serializers.CharField()
    estimate = serializers.FloatField(help_text="The difference of the means, in the metric's unit.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    relative = serializers.FloatField(
        allow_null=True, help_text="The lift: the difference / the control's mean."
    )
    relative_low = serializers.FloatField(allow_null=True)
    relative_high = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField(
        help_text="Of both intervals: 0.95, and more where several have to hold together (Bonferroni)."
    )
    p = serializers.FloatField(help_text="Two-sided, of no difference.")
    probability_better = serializers.FloatField()
    verdict = serializers.ChoiceField(TRIAL_VERDICTS)
    is_enough = serializers.BooleanField(help_text="Whether enough people are in it for a verdict.")
    is_without_noise = serializers.BooleanField(
        help_text="Whether the values of a variant do not vary: then there is no verdict."
    )
    people_needed = serializers.IntegerField(
        allow_null=True, help_text="How many more would show a true effect of this size four times of five."
    )
    smallest_shown = serializers.FloatField(
        help_text="The smallest true effect that would be shown as often."
    )


class GuardrailSerializer(serializers.Serializer):
    """A metric that must not be harmed, its intervals adjusted for the number of guardrails."""

    metric = serializers.CharField()
    unit = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    margin = serializers.FloatField(help_text="How far it may fall, from the item's outcome.")
    verdict = serializers.ChoiceField(TRIAL_VERDICTS)
    variants = VariantReadingSerializer(many=True)
    differences = VariantDifferenceSerializer(many=True)


class SampleRatioSerializer(serializers.Serializer):
    """Whether people are split as intended; below p 0.001 there is no verdict."""

    p = serializers.FloatField(allow_null=True, help_text="Of a chi-square test.")
    is_mismatch = serializers.BooleanField()


class WarningSerializer(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class PointSerializer(serializers.Serializer):
    """How the leading treatment stood at an instant."""

    at = serializers.DateTimeField()
    variant = serializers.CharField()
    estimate = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class ResultsSerializer(serializers.Serializer):
    """What an experiment shows, in the metric's unit."""

    experiment = serializers.CharField()
    item = serializers.CharField()
    state = serializers.ChoiceField(EXPERIMENT_STATES)
    as_of = serializers.DateField(help_text="The day of judgement.")
    is_reading = serializers.BooleanField(help_text="Whether it still runs: a reading is not a result.")
    metric = serializers.CharField(allow_null=True, help_text="What it is read on.")
    unit = serializers.CharField(allow_blank=True)
    direction = serializers.ChoiceField(DIRECTIONS, allow_null=True)
    control = serializers.CharField()
    variant = serializers.CharField(
        allow_null=True, help_text="The treatment spoken of: decided on, the only one, or the best so far."
    )
    verdict = serializers.ChoiceField(TRIAL_VERDICTS, help_text="On that treatment.")
    decision = serializers.ChoiceField(DECISIONS, allow_null=True)
    decided_reading = DecidedReadingSerializer(allow_null=True, help_text="What it read when it was decided.")
    has_changed_since_decision = serializers.BooleanField(
        allow_null=True, help_text="Whether a late correction has it read otherwise than what was decided on."
    )
    people_needed = serializers.IntegerField(allow_null=True)
    sample_ratio = SampleRatioSerializer()
    variants = VariantReadingSerializer(many=True)
    differences = VariantDifferenceSerializer(many=True)
    guardrails = GuardrailSerializer(many=True)
    undeclared = serializers.ListField(child=serializers.CharField())
    warnings = WarningSerializer(many=True)
    series = PointSerializer(many=True, help_text="At most 200 instants, oldest first.")
