"""The bodies of the roadmap's resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from productops.api.fields import Amount, Day, KeyOrId, Number, Text
from productops.api.serializers import PlainSerializer, RowSerializer, only
from productops.workspaces.complaints import SaysWhatIsWrong
from productops.workspaces.models import Member
from productops.workspaces.thresholds import RANGES, problems_with_thresholds
from roadmap.models import (
    Customer,
    Evidence,
    Item,
    Link,
    Problem,
    ProblemStanding,
    Product,
    Release,
    Survey,
)
from roadmap.rules import (
    ESTIMATE_RANGES,
    HORIZONS,
    IMPACTS,
    MOST_IMPORTANT,
    WEIGHT_RANGE,
    problems_with_evidence,
    problems_with_item,
    problems_with_survey,
)
from roadmap.services.links import WantedLink

_NEVER_WRITTEN = ("version", "created_at", "updated_at")
_RULED = (
    "status",
    "horizon",
    "kind",
    "usage_policy",
    "exemption_reason",
    "reach",
    "impact",
    "confidence",
    "effort",
    "released_on",
)
_THRESHOLDS = ("grace_days", "window_days", "under_used_below", "target_adoption", "natural_period_days")


class ProductSerializer(RowSerializer):
    key = Text(max_length=200, required=False, help_text="Made from the name when it is left out.")

    class Meta:
        model = Product
        fields = ("id", "key", "name", "unit", "eligible_count", *_NEVER_WRITTEN)
        read_only_fields = _NEVER_WRITTEN


class CustomerSerializer(RowSerializer):
    key = Text(max_length=200, required=False, help_text="Made from the name when it is left out.")
    mrr = Amount(
        max_digits=16,
        decimal_places=2,
        min_value=0,
        allow_null=True,
        required=False,
        help_text="Monthly recurring revenue.",
    )

    class Meta:
        model = Customer
        fields = ("id", "key", "name", "segment", "mrr", "archived_at", *_NEVER_WRITTEN)
        read_only_fields = ("archived_at", *_NEVER_WRITTEN)


class SegmentSerializer(serializers.Serializer):
    """The newest survey of one segment and the opportunity (0-20) that it shows."""

    segment = serializers.CharField()
    on = serializers.DateField()
    respondents = serializers.IntegerField()
    importance = serializers.FloatField(help_text="0 to 10.")
    satisfaction = serializers.FloatField(help_text="0 to 10.")
    score = serializers.FloatField(help_text="0 to 20.")
    is_low_evidence = serializers.BooleanField()


class StandingSerializer(serializers.ModelSerializer):
    """A problem's numbers, over its own evidence and that of the problems beneath it."""

    segments = SegmentSerializer(many=True)

    class Meta:
        model = ProblemStanding
        fields = (
            "demand",
            "revenue_at_stake",
            "evidence_count",
            "customer_count",
            "opportunity",
            "is_low_evidence",
            "segments",
        )


class ProblemSerializer(RowSerializer):
    key = Text(max_length=200, required=False, help_text="Made from the title when it is left out.")
    parent = KeyOrId(  # type: ignore[assignment]  # a field's own attribute has this name
        Problem, required=False, allow_null=True
    )
    standing = serializers.SerializerMethodField()

    class Meta:
        model = Problem
        fields = ("id", "key", "title", "description", "parent", "standing", "archived_at", *_NEVER_WRITTEN)
        read_only_fields = ("archived_at", *_NEVER_WRITTEN)

    @extend_schema_field(StandingSerializer)
    def get_standing(self, problem: Problem) -> dict[str, Any]:
        # A problem that nothing is known about yet stands at nothing, in the same shape.
        standing = getattr(problem, "standing", None) or ProblemStanding()
        return dict(StandingSerializer(standing).data)


class EvidenceSerializer(RowSerializer):
    problem = KeyOrId(Problem)
    customer = KeyOrId(Customer, required=False, allow_null=True)
    ranges = {"importance": {"maximum": MOST_IMPORTANT}}

    class Meta:
        model = Evidence
        fields = (
            "id",
            "problem",
            "customer",
            "kind",
            "quote",
            "source_url",
            "observed_on",
            "importance",
            "external_id",
            *_NEVER_WRITTEN,
        )
        read_only_fields = _NEVER_WRITTEN

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        return problems_with_evidence(**only(said, "kind", "importance"))


class EvidenceMoveSerializer(PlainSerializer):
    problem = KeyOrId(Problem, help_text="The problem that it is for: its key or id.")


class SurveySerializer(RowSerializer):
    problem = KeyOrId(Problem)

    class Meta:
        model = Survey
        fields = (
            "id",
            "problem",
            "segment",
            "on",
            "respondents",
            "importance_top2",
            "satisfaction_top2",
            *_NEVER_WRITTEN,
        )
        read_only_fields = _NEVER_WRITTEN
        extra_kwargs = {"respondents": {"min_value": 1}}

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        counts = only(said, "respondents", "importance_top2", "satisfaction_top2")
        return problems_with_survey(**counts) if len(counts) == 3 else ()


class LinkSerializer(RowSerializer):
    item = KeyOrId(Item)
    problem = KeyOrId(Problem)
    ranges = {"weight": WEIGHT_RANGE}

    class Meta:
        model = Link
        fields = ("id", "item", "problem", "weight", *_NEVER_WRITTEN)
        read_only_fields = _NEVER_WRITTEN


class ItemLinkSerializer(PlainSerializer):
    """A link as part of its item."""

    problem = KeyOrId(Problem)
    weight = Number(default=1.0)
    ranges = {"weight": WEIGHT_RANGE}


class ItemProblemSerializer(serializers.ModelSerializer):
    """A problem on the card of an item, with how much of the item is for it."""

    id = serializers.IntegerField(source="problem.id")
    key = serializers.CharField(source="problem.key")
    title = serializers.CharField(source="problem.title")

    class Meta:
        model = Link
        fields = ("id", "key", "title", "weight")


class HorizonField(serializers.ChoiceField):
    """now, next or later; null when nobody said."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=HORIZONS, allow_null=True, required=False, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value


class ImpactField(serializers.ChoiceField):
    """One step of the scale; 2 is the number 2.0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[float(step) for step in IMPACTS], allow_null=True, required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, (bool, str)):
            self.fail("invalid_choice", input=data)
        step: Any = float(data) if isinstance(data, int) else data
        return super().to_internal_value(step)


class ItemSerializer(RowSerializer):
    """The roadmap's half of an item's card."""

    key = Text(max_length=200, required=False, help_text="Made from the title when it is left out.")
    horizon = HorizonField()
    impact = ImpactField()
    owner = KeyOrId(Member, required=False, allow_null=True, shows=("id", "display_name"))
    product = KeyOrId(Product, required=False, allow_null=True, shows=("id", "key", "name"))
    problems = ItemProblemSerializer(source="links", many=True, read_only=True)
    links = ItemLinkSerializer(many=True, required=False, write_only=True, help_text="All of its links.")
    ranges = {**RANGES, **ESTIMATE_RANGES}

    class Meta:
        model = Item
        fields = (
            "id",
            "key",
            "title",
            "summary",
            "hypothesis",
            "kind",
            "url",
            "status",
            "horizon",
            "released_on",
            "owner",
            "product",
            "problems",
            "links",
            "usage_policy",
            "exemption_reason",
            "reach",
            "impact",
            "confidence",
            "effort",
            "inputs_at_release",
            "window_days",
            "grace_days",
            "under_used_below",
            "target_adoption",
            "natural_period_days",
            "archived_at",
            *_NEVER_WRITTEN,
        )
        read_only_fields = ("inputs_at_release", "archived_at", *_NEVER_WRITTEN)

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        yield from problems_with_item(**only(said, *_RULED))
        yield from problems_with_thresholds(**only(said, *_THRESHOLDS))

    def validate_links(self, links: list[dict[str, Any]]) -> list[WantedLink]:
        return [WantedLink(**link) for link in links]


class ProblemItemSerializer(serializers.ModelSerializer):
    """An item that is for a problem, with how much of it is."""

    id = serializers.IntegerField(source="item.id")
    key = serializers.CharField(source="item.key")
    title = serializers.CharField(source="item.title")
    status = serializers.CharField(source="item.status")

    class Meta:
        model = Link
        fields = ("id", "key", "title", "status", "weight")


class ReleaseMarkSerializer(serializers.ModelSerializer):
    """A release as a source reported it."""

    class Meta:
        model = Release
        fields = ("at", "on", "url")


class ReleaseSerializer(PlainSerializer):
    """When an item was released."""

    on = Day(required=False, allow_null=True, help_text="Today when it is left out.")
