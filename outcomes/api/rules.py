"""Rules, what they would make of a sample, and the names that wait for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import CandidateFilters, RuleFilters
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body
from outcomes.api.serializers import NothingSerializer
from outcomes.models import Candidate, Metric, Rule, Source
from outcomes.models.metrics import AGGREGATIONS
from outcomes.models.rules import CANDIDATE_KINDS, CANDIDATE_STATES
from outcomes.services import candidates, rules
from outcomes.sources.rules import MAX_LENGTH
from productops.api.fields import Day, KeyOrId, Text, WholeNumber
from productops.api.preconditions import version_if_said
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.api.views import ReadOnlyViewSet, ResourceViewSet
from productops.workspaces.complaints import Complaint, Refused, SaysWhatIsWrong
from productops.workspaces.versions import NotHere
from roadmap.api.tree import LikeProblemsSerializer, like_problems
from roadmap.models import Item, Problem

_FIELDS = (
    "match",
    "to",
    "item",
    "item_key",
    "metric",
    "metric_key",
    "value",
    "actor",
    "customer",
    "series",
    "at",
    "event_id",
)
_WHOSE = Complaint("source", "required", "Say whose events are meant.")


class RuleSerializer(RowSerializer):
    """What events of a source mean. Expressions are JMESPath over {id, name, actor, customer, at, properties}."""

    source = KeyOrId(  # type: ignore[assignment]
        Source, required=False, help_text="The source's key or id: asked for when it is made, and kept."
    )
    item = KeyOrId(Item, required=False, allow_null=True, help_text="The item that is used.")
    metric = KeyOrId(Metric, required=False, allow_null=True, help_text="The metric that is observed.")

    class Meta:
        model = Rule
        fields = ("id", "source", *_FIELDS, "version", "created_at", "updated_at")
        read_only_fields = ("version", "created_at", "updated_at")

    def complaints_about(self, said: Mapping[str, Any]) -> Iterable[SaysWhatIsWrong]:
        yield from self._about_source(said.get("source"))
        held = {name: getattr(self.instance, name) for name in _FIELDS} if self.instance is not None else {}
        # What could not be read was said all the same: nothing is missing for that.
        unread = {name: "?" for name in _FIELDS if name in self.initial_data and name not in said}
        yield from rules.problems_with_fields({**held, **unread, **said})

    def _about_source(self, source: Source | None) -> list[Complaint]:
        if self.fields["source"].read_only:
            return []
        if isinstance(self.instance, Rule):
            held = self.instance.source_id
            return rules.problems_with_other_source(held, held if source is None else source.pk)
        return [_WHOSE] if source is None else rules.problems_with_source_of_rules(source)


class RuleOfSourceSerializer(RuleSerializer):
    """A rule beneath its source."""

    source = KeyOrId(Source, read_only=True)


def _expression() -> Text:
    return Text(max_length=MAX_LENGTH, required=False, allow_blank=True)


class TriedRuleSerializer(PlainSerializer):
    """A rule to try; the source's own are tried without one."""

    match = _expression()
    to = Text(max_length=20, required=False)
    item = KeyOrId(Item, required=False, allow_null=True)
    item_key = _expression()
    metric = KeyOrId(Metric, required=False, allow_null=True)
    metric_key = _expression()
    value = _expression()
    actor = _expression()
    customer = _expression()
    series = _expression()
    at = _expression()
    event_id = _expression()


class TrialSerializer(PlainSerializer):
    """Exactly one of a sample event and a stored delivery."""

    rule = TriedRuleSerializer(required=False)
    sample = serializers.DictField(required=False, help_text="{id, name, actor, customer, at, properties}")
    delivery = WholeNumber(required=False, min_value=1, help_text="The id of a stored delivery.")


class TrialAnswerSerializer(serializers.Serializer):
    events = serializers.ListField(child=serializers.DictField(), help_text="What rules see.")
    rows = serializers.DictField(help_text="The rows they would become, by section of the native body.")
    refused = serializers.ListField(child=serializers.DictField())


class RuleViewSet(ResourceViewSet):
    """What events of a source mean."""

    model = Rule
    serializer_class = RuleSerializer
    filterset_class = RuleFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"id": "id", "source": "source__key", "created_at": "created_at"}
    default_ordering = ("id",)

    def for_show(self, rows: QuerySet[Rule]) -> QuerySet[Rule]:
        return rows.select_related("source", "item", "metric")

    def create_object(self, values: dict[str, Any]) -> Rule:
        source = values.pop("source", None)
        if source is None:
            raise Refused([_WHOSE, *rules.problems_with_fields(values)])
        return rules.add_rule(**self.acting(), source=source, **values)

    def edit_object(self, held: Rule, version: int | None, changes: dict[str, Any]) -> None:
        # A PUT that leaves it out says null: beneath a source nobody names it.
        kept = {**changes, "source": changes.get("source") or held.source}
        rules.edit_rule(**self.acting(), rule_id=held.pk, version=version, changes=kept)

    def remove_object(self, held: Rule, version: int | None) -> None:
        rules.remove_rule(**self.acting(), rule_id=held.pk, version=version)


class RulesOfSourceViewSet(RuleViewSet):
    """The rules of one source."""

    serializer_class = RuleOfSourceSerializer

    @property
    def source(self) -> Source:
        if not hasattr(self, "_source"):
            held = Source.objects.in_workspace(self.workspace.pk).by_ref(self.kwargs["source"]).first()
            if held is None:
                raise NotHere
            self._source = held
        return self._source

    def for_show(self, rows: QuerySet[Rule]) -> QuerySet[Rule]:
        return super().for_show(rows).filter(source=self.source)

    def create_object(self, values: dict[str, Any]) -> Rule:
        return rules.add_rule(**self.acting(), source=self.source, **values)

    @extend_schema(request=TrialSerializer, responses=TrialAnswerSerializer)
    def test(self, request: Request, **kwargs: Any) -> Response:
        """Show what a sample or a stored delivery would become, writing nothing."""
        said = checked(TrialSerializer, request)
        if ("sample" in said) == ("delivery" in said):
            detail = "Give a sample event, or the id of a delivery."
            raise Refused([Complaint("sample", "required", detail)])
        tried = said.get("rule")
        rule = Rule(workspace=self.workspace, source=self.source, **tried) if tried is not None else None
        try:
            with impossible_is_409():
                answer = rules.try_rules(
                    workspace=self.workspace,
                    source=self.source,
                    rule=rule,
                    sample=said.get("sample"),
                    delivery_id=said.get("delivery"),
                )
        except Refused as refused:
            raise Refused([_of_the_tried_rule(one) for one in refused.complaints]) from refused
        return Response(answer)


def _of_the_tried_rule(complaint: Complaint) -> Complaint:
    """A complaint about a field of the rule, which is nested in the body of a trial."""
    is_of_rule = complaint.field.partition("/")[0] in TriedRuleSerializer().fields
    return replace(complaint, field=f"rule/{complaint.field}") if is_of_rule else complaint


class CandidateSerializer(RowSerializer):
    """A name that a source spoke of and nobody has claimed."""

    source = KeyOrId(Source, read_only=True)  # type: ignore[assignment]
    problem = KeyOrId(
        Problem,
        read_only=True,
        allow_null=True,
        help_text="What an issue was accepted as evidence for.",
    )
    kind = serializers.ChoiceField(CANDIDATE_KINDS, read_only=True)
    state = serializers.ChoiceField(CANDIDATE_STATES, read_only=True)
    count = serializers.IntegerField(read_only=True, help_text="How many rows named it.")
    sample = serializers.JSONField(read_only=True, help_text="The newest of them, without who it was.")

    class Meta:
        model = Candidate
        fields = (
            "id",
            "source",
            "kind",
            "name",
            "state",
            "problem",
            "count",
            "first_seen_at",
            "last_seen_at",
            "sample",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class AcceptSerializer(PlainSerializer):
    """How a candidate is to be taken. Nothing has to be said."""

    to = serializers.ChoiceField(
        ["usage", "observation"], required=False, help_text="What an event becomes; usage if nothing is said."
    )
    key = Text(max_length=200, required=False, help_text="Of the item or metric, new or existing.")
    title = Text(max_length=200, required=False)
    value = Text(max_length=MAX_LENGTH, required=False, help_text="JMESPath of an observation's value.")
    aggregation = serializers.ChoiceField(AGGREGATIONS, required=False, help_text="Of a new metric.")
    item = KeyOrId(
        Item, required=False, help_text="An existing item: that is used, or that an experiment is on."
    )
    problem = KeyOrId(Problem, required=False, help_text="What an issue is evidence for; it needs one.")
    metric = KeyOrId(
        Metric,
        required=False,
        help_text="What a new experiment is decided on; its item's primary outcome, or what it reports, otherwise.",
    )
    released_on = Day(
        required=False,
        help_text="Since when the item is out: it is released on that day, unless it is out already. Left out, a new"
        " item is an idea, and nobody is asked whether it is used.",
    )


class AcceptedSerializer(CandidateSerializer):
    """The candidate, what it became, and how many deliveries are interpreted again."""

    item = serializers.CharField(allow_null=True, read_only=True)
    metric = serializers.CharField(allow_null=True, read_only=True)
    rule = serializers.IntegerField(allow_null=True, read_only=True)
    experiment = serializers.CharField(allow_null=True, read_only=True)
    replayed = serializers.IntegerField(read_only=True, help_text="How many deliveries are read again.")
    replays = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Where to see how far that has come."
    )

    class Meta(CandidateSerializer.Meta):
        fields = (  # type: ignore[assignment]
            *CandidateSerializer.Meta.fields,
            "item",
            "metric",
            "rule",
            "experiment",
            "replayed",
            "replays",
        )
        read_only_fields = fields  # type: ignore[assignment]


class CandidateViewSet(ReadOnlyViewSet):
    """Names that arrived and nobody claimed, the most frequent first."""

    model = Candidate
    serializer_class = CandidateSerializer
    filterset_class = CandidateFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {
        "count": "count",
        "name": "name",
        "first_seen_at": "first_seen_at",
        "last_seen_at": "last_seen_at",
    }
    default_ordering = ("-count",)

    def for_show(self, rows: QuerySet[Candidate]) -> QuerySet[Candidate]:
        return rows.select_related("source", "problem")

    @extend_schema(responses=LikeProblemsSerializer)
    @action(detail=True, methods=["get"])
    def suggested(self, request: Request, **kwargs: Any) -> Response:
        """The problems that say what an issue says, likest first; none for any other candidate."""
        return Response({"results": like_problems(candidates.suggested_problems(self.get_object()))})

    @extend_schema(request=AcceptSerializer, parameters=[IF_MATCH], responses=moved(AcceptedSerializer))
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, **kwargs: Any) -> Response:
        """Make it an item, a metric (and the rule), an experiment or evidence; what was said of it is read again."""
        held = self.get_object()
        said = checked(AcceptSerializer, request)
        version = version_if_said(request, held)
        with impossible_is_409():
            became = candidates.accept_candidate(
                **self.acting(), candidate_id=held.pk, version=version, **said
            )
        response = self.answer(held.pk)
        item, metric, rule, experiment = (became[n] for n in ("item", "metric", "rule", "experiment"))
        response.data = {
            **response.data,
            "item": item.key if item else None,
            "metric": metric.key if metric else None,
            "rule": rule.pk if rule else None,
            "experiment": experiment.key if experiment else None,
            "replayed": sum(replay.total for replay in became["replays"]),
            "replays": [replay.pk for replay in became["replays"]],
        }
        return response

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(CandidateSerializer))
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, **kwargs: Any) -> Response:
        """Say that it is of no interest."""
        held = self.get_object()
        refuse_body(request)
        version = version_if_said(request, held)
        with impossible_is_409():
            candidates.dismiss_candidate(**self.acting(), candidate_id=held.pk, version=version)
        return self.answer(held.pk)
