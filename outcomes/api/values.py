"""The value of an item: supposed otherwise, and as it was on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.item_serializers import ValueRecordSerializer
from outcomes.api.moves import checked
from outcomes.models import Outcome, Reconciliation
from outcomes.models.reconciliations import STAGES
from outcomes.services.replays import value_at
from outcomes.services.what_if import OF_OUTCOME, PEOPLE, what_if
from productops.api.fields import Day, KeyOrId, Number
from productops.api.problems import BadParameter
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.api.views import ReadOnlyViewSet, Resource
from roadmap.models import Item
from roadmap.rules import IMPACTS, STATUSES, USAGE_POLICIES

_PUBLIC = {"outcome_term": "outcome"}


class SupposedOutcomeSerializer(PlainSerializer):
    """Numbers of one outcome to take as given."""

    outcome = KeyOrId(Outcome, help_text="The outcome's id.")
    baseline = Number(required=False, allow_null=True)
    target = Number(required=False, allow_null=True)
    current = Number(required=False, allow_null=True)
    weight = Number(required=False)


class WhatIfSerializer(PlainSerializer):
    """Any inputs of the value; what is left out stays as it is."""

    reach = Number(required=False, allow_null=True)
    impact = Number(
        required=False, allow_null=True, help_text=f"One of {', '.join(f'{i:g}' for i in IMPACTS)}."
    )
    confidence = Number(required=False, allow_null=True, help_text="0 to 1; the evidence still caps it.")
    effort = Number(required=False, allow_null=True, help_text="Person-months.")
    status = serializers.ChoiceField(STATUSES, required=False)
    released_on = Day(required=False, allow_null=True)
    usage_policy = serializers.ChoiceField(USAGE_POLICIES, required=False)
    target_adoption = Number(required=False, allow_null=True)
    outcomes = SupposedOutcomeSerializer(many=True, required=False)
    active = Number(required=False, allow_null=True, help_text="People active in the window.")
    eligible = Number(required=False, allow_null=True)
    previous = Number(required=False, allow_null=True, help_text="People active in the window before.")
    still = Number(required=False, allow_null=True, help_text="Of them, those active in this one.")


class NumbersSerializer(serializers.Serializer):
    """A value's numbers; each is null when it is unknown."""

    expected = serializers.FloatField(allow_null=True)
    realised = serializers.FloatField(allow_null=True)
    proven = serializers.FloatField(allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    outcome = serializers.FloatField(source="outcome_term", allow_null=True)
    adoption = serializers.FloatField(allow_null=True)
    retention = serializers.FloatField(allow_null=True)


class ComputedSerializer(NumbersSerializer):
    """A value with everything that it rests on."""

    missing = serializers.ListField(child=serializers.CharField())
    explanation = serializers.DictField()
    model_version = serializers.IntegerField()
    judged_on = serializers.DateField()


class WhatIfAnswerSerializer(serializers.Serializer):
    """The value as it is, as it would be, and the difference."""

    item = serializers.CharField()
    before = ComputedSerializer()
    after = ComputedSerializer()
    difference = NumbersSerializer(help_text="After minus before; null where either is unknown.")


class DifferenceSerializer(serializers.Serializer):
    """A number that does not come out as it was recorded."""

    name = serializers.CharField()
    recorded = serializers.FloatField(allow_null=True)
    recomputed = serializers.FloatField(allow_null=True)


class ValueReplaySerializer(serializers.Serializer):
    """A past value: as it was recorded, and as it comes out now under the model of that day."""

    item = serializers.CharField()
    on = serializers.DateField()
    record = ValueRecordSerializer(allow_null=True, help_text="Null when nothing had been valued by then.")
    recomputed = ComputedSerializer()
    is_equal = serializers.BooleanField(allow_null=True, help_text="Null without a record to compare with.")
    differs = DifferenceSerializer(many=True)
    because = serializers.ListField(
        child=serializers.CharField(),
        help_text="What may lie behind a difference: `late_data`, or the types of what was edited since;"
        " `no_record` when nothing had been valued by that day.",
    )


class ValueOfItemViewSet(Resource):
    """What an item's value would be, and what it was."""

    model = Item
    # Nothing is written, whatever is supposed.
    read_scope = write_scope = "roadmap:read"
    pagination_class = None
    filter_backends: list[Any] = []
    serializer_class = ValueReplaySerializer

    @extend_schema(request=WhatIfSerializer, responses=WhatIfAnswerSerializer)
    def what_if(self, request: Request, id: str) -> Response:
        """Value the item with these inputs taken as given; nothing is written."""
        item, said = self.get_object(), checked(WhatIfSerializer, request)
        people = {name: said.pop(name) for name in PEOPLE if name in said}
        outcomes = [
            (told["outcome"], {name: told[name] for name in OF_OUTCOME if name in told})
            for told in said.pop("outcomes", [])
        ]
        found = what_if(workspace=self.workspace, item=item, fields=said, people=people, outcomes=outcomes)
        answer = {
            "item": item.key,
            "before": found.before,
            "after": found.after,
            "difference": found.difference,
        }
        return Response(WhatIfAnswerSerializer(answer).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("on", OpenApiTypes.DATE, description="The day; that of judgement if not said.")
        ],
        responses=ValueReplaySerializer,
    )
    def at(self, request: Request, id: str) -> Response:
        """The value as of a day, computed again from facts, beside the record of that day."""
        item = self.get_object()
        replay = value_at(workspace=self.workspace, item=item, on=self._day())
        differs = [{**one, "name": _PUBLIC.get(one["name"], one["name"])} for one in replay.differs]
        answer = {
            "item": item.key,
            "on": replay.on,
            "record": replay.record,
            "recomputed": replay.recomputed,
            "is_equal": replay.is_equal,
            "differs": differs,
            "because": replay.because,
        }
        return Response(ValueReplaySerializer(answer).data)

    def parameters(self) -> Iterable[str]:
        return ("on",) if self.action == "at" else ()

    def _day(self) -> date:
        text = self.request.query_params.get("on")
        if text is None:
            return self.workspace.today()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise BadParameter("on", "A day such as 2026-05-01.") from None
        if day > self.workspace.today():
            raise BadParameter("on", "That day has not come yet.")
        if day.year < 1900:
            raise BadParameter("on", "Before there was anything to value.")
        return day


class DriftSerializer(serializers.Serializer):
    """One number that was not as the facts say."""

    kind = serializers.CharField(
        help_text="metric_day, usage_day, problem, audience, effect, verdicts, usage or value."
    )
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    stored = serializers.JSONField(allow_null=True)
    computed = serializers.JSONField(allow_null=True)


class ReconciliationSerializer(RowSerializer):
    """One pass over everything that is stored, held against what the facts say."""

    stage = serializers.ChoiceField(STAGES, read_only=True)
    drift = DriftSerializer(many=True, read_only=True, help_text="The first hundred; all are mended.")

    class Meta:
        model = Reconciliation
        fields = ("id", "started_at", "finished_at", "stage", "checked", "waiting", "drifted", "drift")
        read_only_fields = fields


class ReconciliationViewSet(ReadOnlyViewSet):
    """Every night everything is computed again from facts; `drifted` is 0 unless something went wrong."""

    model = Reconciliation
    serializer_class = ReconciliationSerializer
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {"started_at": "started_at"}
    default_ordering = ("-started_at",)
