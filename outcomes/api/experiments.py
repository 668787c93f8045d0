"""Experiments: set up from an item, read while they run, ended, decided and repeated."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.experiment_filters import ExperimentFilters
from outcomes.api.experiment_serializers import (
    CloneSerializer,
    DaySerializer,
    DecideSerializer,
    ExperimentOfItemSerializer,
    ExperimentSerializer,
    ResultsSerializer,
)
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body, version_if_said
from outcomes.api.serializers import NothingSerializer
from outcomes.models import Experiment
from outcomes.services import experiments
from outcomes.services.experiment_results import results_of
from productops.api.views import ResourceViewSet
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.versions import NotHere
from roadmap.models import Item


class ExperimentViewSet(ResourceViewSet):
    """Trials of an item on a part of its people. DELETE archives one that was measured or decided."""

    model = Experiment
    serializer_class = ExperimentSerializer
    filterset_class = ExperimentFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {
        "key": "key",
        "item": "item__key",
        "started_on": "started_on",
        "ended_on": "ended_on",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    default_ordering = ("-created_at",)

    def for_show(self, rows: QuerySet[Experiment]) -> QuerySet[Experiment]:
        return rows.select_related("item", "metric").prefetch_related("guardrail_rows__metric")

    def create_object(self, values: dict[str, Any]) -> Experiment:
        return experiments.create_experiment(**self.acting(), **values)

    def edit_object(self, held: Experiment, version: int | None, changes: dict[str, Any]) -> None:
        kept = dict(changes)
        item = kept.pop("item", held.item)
        if item.pk != held.item_id:
            detail = "An experiment keeps its item; clone it for the other one instead."
            raise Refused([Complaint("item", "cannot_change", detail)])
        experiments.edit_experiment(**self.acting(), experiment_id=held.pk, version=version, changes=kept)

    def remove_object(self, held: Experiment, version: int | None) -> None:
        experiments.remove_experiment(**self.acting(), experiment_id=held.pk, version=version)

    @extend_schema(responses=ResultsSerializer)
    @action(detail=True, methods=["get"])
    def results(self, request: Request, **kwargs: Any) -> Response:
        """What it shows as of the day of judgement: differences with intervals, the split, the guardrails."""
        answer = results_of(self.get_object(), self.workspace.today())
        serializer = ResultsSerializer(answer)
        self._trim(serializer)
        return Response(serializer.data)

    @extend_schema(request=DaySerializer, parameters=[IF_MATCH], responses=moved(ExperimentSerializer))
    @action(detail=True, methods=["post"])
    def start(self, request: Request, **kwargs: Any) -> Response:
        """Let it run, from today or the day that is said; one that has ended runs on."""
        return self._move(request, experiments.start_experiment, checked(DaySerializer, request))

    @extend_schema(request=DaySerializer, parameters=[IF_MATCH], responses=moved(ExperimentSerializer))
    @action(detail=True, methods=["post"])
    def end(self, request: Request, **kwargs: Any) -> Response:
        """End the measuring, today or on the day that is said. What it reads then is the result."""
        return self._move(request, experiments.end_experiment, checked(DaySerializer, request))

    @extend_schema(request=DecideSerializer, parameters=[IF_MATCH], responses=moved(ExperimentSerializer))
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, **kwargs: Any) -> Response:
        """Write down what was decided; it ends an experiment that runs. A later decision revises this one."""
        return self._move(request, experiments.decide_experiment, checked(DecideSerializer, request))

    @extend_schema(request=CloneSerializer, responses={201: ExperimentSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, **kwargs: Any) -> Response:
        """Set up the same again as a draft without data, for the same item or another."""
        held = self.get_object()
        said = checked(CloneSerializer, request)
        new = experiments.clone_experiment(**self.acting(), experiment_id=held.pk, **said)
        response = self.answer(new.pk, status=201)
        response["Location"] = request.build_absolute_uri(f"/api/v1/experiments/{new.key}/")
        return response

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(ExperimentSerializer))
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, **kwargs: Any) -> Response:
        """Bring an archived experiment back into the lists."""
        refuse_body(request)
        return self._move(request, experiments.restore_experiment, {})

    def parameters(self) -> Any:
        return ("fields",) if self.action == "results" else super().parameters()

    def _move(self, request: Request, service: Any, said: dict[str, Any]) -> Response:
        held = self.get_object()
        version = version_if_said(request, held)
        with impossible_is_409():
            service(**self.acting(), experiment_id=held.pk, version=version, **said)
        return self.answer(held.pk)


class ExperimentsOfItemViewSet(ExperimentViewSet):
    """The experiments of one item."""

    serializer_class = ExperimentOfItemSerializer
    read_scope, write_scope = "roadmap:read", "roadmap:write"

    @property
    def item(self) -> Item:
        if not hasattr(self, "_item"):
            held = Item.objects.in_workspace(self.workspace.pk).by_ref(self.kwargs["item"]).first()
            if held is None:
                raise NotHere
            self._item = held
        return self._item

    def for_show(self, rows: QuerySet[Experiment]) -> QuerySet[Experiment]:
        return super().for_show(rows).filter(item=self.item)

    def create_object(self, values: dict[str, Any]) -> Experiment:
        return experiments.create_experiment(**self.acting(), item=self.item, **values)
