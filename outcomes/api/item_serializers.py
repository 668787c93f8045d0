"""The full card of an item, and what is told about its value and its usage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outcomes.api.cards import (
    CountField,
    ExposuresOnCard,
    FlagOnCard,
    OutcomeOnCard,
    UsageOnCard,
    ValueOnCard,
    outcome_on_card,
    readings_of,
    usage_of,
    value_of,
)
from outcomes.api.serializers import NestedOutcomeSerializer
from outcomes.models import ItemValue, ValueRecord, VerdictSpan
from outcomes.models.values import VERDICTS
from productops.api.authentication import needs_scope
from roadmap.api.serializers import ItemSerializer
from roadmap.models import Item

# Made once: building a serializer's fields for every card cost more than all the queries of a list.
_OUTCOME, _USAGE, _VALUE = OutcomeOnCard(), UsageOnCard(), ValueOnCard()


class OutcomesOfItem(serializers.Field):
    """The item's outcomes: shown with how they stand, taken when the item is created."""

    # What reads each element of a body, for those who look for the references in it.
    takes = NestedOutcomeSerializer

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "source": "*", "required": False})

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        # Nested or not, an outcome is set by those alone who may set outcomes.
        needs_scope(self.context["request"], "outcomes:write")
        nested = self.takes(many=True, context=self.context)
        return {"outcomes": nested.run_validation(data)}

    def to_representation(self, item: Item) -> list[dict[str, Any]]:
        readings = readings_of(item)
        return [
            _OUTCOME.to_representation(outcome_on_card(outcome, readings)) for outcome in item.outcomes.all()
        ]


class OutcomesOfItemSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """How the outcomes look in the OpenAPI document: one shape to write, another to read."""

    target_class = "outcomes.api.item_serializers.OutcomesOfItem"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        shape = OutcomesOfItem.takes if direction == "request" else OutcomeOnCard
        component = auto_schema.resolve_serializer(shape, direction)
        return {"type": "array", "items": component.ref}


class ItemCardSerializer(ItemSerializer):
    """An item with what it is for, what it was to move, whether it is used and what it is worth."""

    outcomes = OutcomesOfItem()
    usage = serializers.SerializerMethodField()
    # Not `get_value`, which is how REST framework itself asks a serializer for its part of a body.
    value = serializers.SerializerMethodField("value_card")
    exposures = serializers.SerializerMethodField()
    flags = FlagOnCard(source="standing_flags", many=True, read_only=True)

    class Meta:
        model = Item
        fields = (*ItemSerializer.Meta.fields, "outcomes", "usage", "value", "exposures", "flags")
        read_only_fields = ItemSerializer.Meta.read_only_fields

    @extend_schema_field(UsageOnCard)
    def get_usage(self, item: Item) -> dict[str, Any]:
        return dict(_USAGE.to_representation(usage_of(item)))

    @extend_schema_field(ValueOnCard)
    def value_card(self, item: Item) -> dict[str, Any]:
        return dict(_VALUE.to_representation(value_of(item)))

    @extend_schema_field(ExposuresOnCard)
    def get_exposures(self, item: Item) -> dict[str, int]:
        return {"on": item.exposures_on, "off": item.exposures_off}  # type: ignore[attr-defined]


class TermsSerializer(ValueOnCard):
    """A value with its terms, each 0 to 1 or null when unknown, and where every number comes from."""

    outcome = serializers.FloatField(source="outcome_term", allow_null=True, help_text="Weight up to 0.5.")
    adoption = serializers.FloatField(allow_null=True, help_text="Weight 0.3.")
    retention = serializers.FloatField(allow_null=True, help_text="Weight 0.2.")
    judged_on = serializers.DateField(allow_null=True, help_text="The day it was judged as of.")
    explanation = serializers.DictField(
        help_text="Every term with its inputs, where each came from and how old it is."
    )


class ItemValueSerializer(TermsSerializer):
    """An item's value as it stands, fully explained."""

    item = serializers.CharField(source="item.key")
    demand = serializers.FloatField(help_text="Its share of its problems' demand.")
    revenue_at_stake = serializers.FloatField(help_text="Its share of its problems' revenue at stake.")
    opportunity = serializers.FloatField(allow_null=True, help_text="The highest of its problems' scores.")

    class Meta:
        model = ItemValue


class ValueRecordSerializer(serializers.ModelSerializer):
    """The value as it stood from one computation on, and what caused that."""

    outcome = serializers.FloatField(source="outcome_term", read_only=True, allow_null=True)
    missing = serializers.ListField(child=serializers.CharField(), read_only=True)
    explanation = serializers.DictField(read_only=True)
    cause = serializers.DictField(read_only=True, help_text="A delivery, an edit or the clock.")

    class Meta:
        model = ValueRecord
        fields = (
            "id",
            "as_of",
            "judged_on",
            "expected",
            "realised",
            "proven",
            "coverage",
            "outcome",
            "adoption",
            "retention",
            "missing",
            "explanation",
            "model_version",
            "cause",
        )
        read_only_fields = fields


class VerdictSpanSerializer(serializers.ModelSerializer):
    """From this day on the verdict was this, until the next span begins."""

    verdict = serializers.ChoiceField(VERDICTS)

    class Meta:
        model = VerdictSpan
        fields = ("from_on", "verdict", "reason")


class VerdictRunSerializer(VerdictSpanSerializer):
    """A verdict with the days it stood for."""

    to_on = serializers.SerializerMethodField(help_text="Its last day; null while it stands.")

    class Meta:
        model = VerdictSpan
        fields = ("id", "from_on", "to_on", "verdict", "reason")

    def get_to_on(self, span: VerdictSpan) -> date | None:
        following: date | None = span.next_from_on  # type: ignore[attr-defined]
        return following - timedelta(days=1) if following else None


class DayOfUseSerializer(serializers.Serializer):
    """A day with the reach of the window that ends on it, as its verdict reads it."""

    on = serializers.DateField()
    active = CountField(allow_null=True, help_text="Distinct active people or customers in the window.")
    eligible = CountField(allow_null=True)
    eligible_from = serializers.CharField(allow_null=True)
    share = serializers.FloatField(allow_null=True, help_text="Active / eligible, 0 to 1.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    active_that_day = CountField(allow_null=True, help_text="Of the day alone; null when nobody told of it.")
    verdict = serializers.ChoiceField(VERDICTS, allow_null=True)
    reason = serializers.CharField(allow_null=True)


class ItemUsageSerializer(UsageOnCard):
    """How an item is used as it stands, what that rests on, its verdicts, and its use day by day."""

    item = serializers.CharField(source="item.key")
    evidence = serializers.DictField(help_text="What else the verdict rests on.")
    verdicts = VerdictSpanSerializer(many=True, help_text="The newest 200, oldest first.")
    first_on = serializers.DateField(help_text="The first day asked for.")
    last_on = serializers.DateField(help_text="The last day asked for.")
    days = DayOfUseSerializer(many=True, help_text="Oldest first; none after the day of judgement.")
