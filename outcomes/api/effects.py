"""Effects: what a release did to an outcome, with the chart behind it, and what an outcome could show at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import EffectFilters
from outcomes.models import Effect
from outcomes.models.effects import DESIGNS, EFFECT_VERDICTS, LABELS
from productops.api.views import ReadOnlyViewSet

_CAVEAT = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
_RUN = {
    "type": "object",
    "properties": {
        "metric": {"type": "string"},
        "series": {"type": ["string", "null"]},
        "estimate": {"type": "number"},
        "low": {"type": "number"},
        "high": {"type": "number"},
        "relative": {"type": ["number", "null"]},
        "verdict": {"type": "string", "enum": list(EFFECT_VERDICTS)},
    },
    "required": ["metric"],
}


@extend_schema_field({"type": "array", "items": _CAVEAT})
class CaveatsField(serializers.JSONField):
    """What weakens an effect, each with a code and what it is about."""


@extend_schema_field({"type": ["array", "null"], "items": _RUN})
class PlaceboField(serializers.JSONField):
    """The same method on each control, where nothing was changed."""


class LabelField(serializers.ChoiceField):
    """How far a design can be trusted, in a word."""

    def to_representation(self, value: str) -> str:
        return LABELS[value]


class EffectSerializer(serializers.ModelSerializer):
    """The estimated change of an outcome's metric after the release, by one design."""

    outcome = serializers.IntegerField(source="outcome_id", read_only=True)
    item = serializers.CharField(source="outcome.item.key", help_text="The item's key.")
    metric = serializers.CharField(source="outcome.metric.key", help_text="The metric's key.")
    series = serializers.CharField(
        source="outcome.series", allow_null=True, help_text="One series label; null reads all of them."
    )
    role = serializers.CharField(source="outcome.role", help_text="The outcome's.")
    design = serializers.ChoiceField(DESIGNS)
    estimate = serializers.FloatField(help_text="In the metric's unit per period.")
    low = serializers.FloatField(help_text="Lower end of the interval.")
    high = serializers.FloatField(help_text="Upper end of the interval.")
    confidence = serializers.FloatField(help_text="Of the interval; above 0.95 where guardrails share it.")
    relative = serializers.FloatField(
        allow_null=True, help_text="The effect as a part of what would have been."
    )
    verdict = serializers.ChoiceField(
        EFFECT_VERDICTS,
        allow_null=True,
        help_text="better or worse when the whole interval lies on one side of zero; null when voided.",
    )
    decided_on = serializers.DateField(
        allow_null=True, help_text="The day after its window was full; null while it is a reading."
    )
    n_before = serializers.IntegerField(help_text="Periods before; in an experiment people in the control.")
    n_after = serializers.IntegerField(help_text="Periods after; in an experiment people in the treatment.")
    placebo = PlaceboField(
        help_text="A run on each control. One that moved (`better`, `worse`) was left out."
    )
    caveats = CaveatsField(help_text="What weakens it, such as other releases in its window.")

    class Meta:
        model = Effect
        fields = (
            "id",
            "outcome",
            "item",
            "metric",
            "series",
            "role",
            "design",
            "estimate",
            "low",
            "high",
            "confidence",
            "relative",
            "relative_low",
            "relative_high",
            "probability_better",
            "verdict",
            "decided_on",
            "n_before",
            "n_after",
            "method",
            "method_version",
            "placebo",
            "caveats",
            "detail",
            "cause",
            "as_of",
        )
        read_only_fields = fields

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is a word of the language and every field has a label, so that no attribute can be called so.
        fields = super().get_fields()
        fields["label"] = LabelField(source="design", read_only=True, choices=list(LABELS.values()))
        fields["from"] = serializers.DateField(source="from_on", help_text="The first day of its data.")
        fields["to"] = serializers.DateField(source="to_on", help_text="The last day of its data.")
        return fields


class ChartPointSerializer(serializers.Serializer):
    on = serializers.DateField(help_text="The first day of the period.")
    is_after = serializers.BooleanField(help_text="Whether it comes after the release.")
    observed = serializers.FloatField()
    counterfactual = serializers.FloatField(help_text="What would have been; before, what the model says.")
    low = serializers.FloatField(help_text="Lower end of the counterfactual's interval.")
    high = serializers.FloatField(help_text="Upper end of the counterfactual's interval.")


class EffectSeriesSerializer(serializers.Serializer):
    """The data an effect rests on beside what would have been; empty of an experiment."""

    effect = serializers.IntegerField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    cadence = serializers.CharField()
    released_on = serializers.DateField(allow_null=True)
    results = ChartPointSerializer(many=True)


class EffectViewSet(ReadOnlyViewSet):
    """What releases did to outcomes: the strongest design first."""

    model = Effect
    serializer_class = EffectSerializer
    filterset_class = EffectFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    # From the weakest design to the strongest is also the order of the alphabet.
    orderings = {
        "design": "design",
        "decided_on": "decided_on",
        "as_of": "as_of",
        "estimate": "estimate",
        "relative": "relative",
        "id": "id",
    }
    default_ordering = ("-design",)

    def for_show(self, rows: QuerySet[Effect]) -> QuerySet[Effect]:
        rows = rows.select_related("outcome__metric", "outcome__item")
        return rows if self.action == "series" else rows.defer("chart")

    @extend_schema(responses=EffectSeriesSerializer)
    @action(detail=True, methods=["get"])
    def series(self, request: Request, **kwargs: Any) -> Response:
        """The chart behind it: what was seen, what would have been, and how sure that is, per period."""
        effect = self.get_object()
        serializer = EffectSeriesSerializer(
            {
                "effect": effect.pk,
                "metric": effect.outcome.metric.key,
                "unit": effect.outcome.metric.unit,
                "cadence": effect.outcome.metric.cadence,
                "released_on": effect.outcome.item.released_on,
                "results": effect.points(),
            }
        )
        self._trim(serializer)
        return Response(serializer.data)

    def parameters(self) -> Iterable[str]:
        return ("fields",) if self.action == "series" else super().parameters()


class DetectableSerializer(serializers.Serializer):
    """The smallest effect that this outcome could show, from the noise of its history alone."""

    outcome = serializers.IntegerField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    design = serializers.ChoiceField(DESIGNS, help_text="What it is told for.")
    power = serializers.FloatField(help_text="In what part of such cases the effect would be seen.")
    confidence = serializers.FloatField(help_text="Of the interval that must not hold zero.")
    effect = serializers.FloatField(
        allow_null=True, help_text="In the metric's unit per period, either way; null when it cannot be told."
    )
    relative = serializers.FloatField(allow_null=True, help_text="The same as a part of the level so far.")
    level = serializers.FloatField(allow_null=True, help_text="The mean of the periods read.")
    baseline = serializers.FloatField(
        allow_null=True, help_text="Typed, else the level before the release, or before today."
    )
    wanted = serializers.FloatField(allow_null=True, help_text="What is asked for: target less baseline.")
    is_enough = serializers.BooleanField(
        allow_null=True,
        help_text="Whether what is wanted is large enough to be seen; null where `missing` says why.",
    )
    n_before = serializers.IntegerField(help_text="Periods of history read.")
    n_after = serializers.IntegerField(help_text="Periods that would be read after a release.")
    from_on = serializers.DateField(allow_null=True, help_text="The first day of the history read.")
    to_on = serializers.DateField(allow_null=True, help_text="The last day of the history read.")
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Why it cannot be told, by name."
    )
