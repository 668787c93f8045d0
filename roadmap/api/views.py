"""The roadmap's resources: each hands its writes to one service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.actions import IF_MATCH, RestoredMixin, checked
from productops.api.bulk import BulkMixin
from productops.api.pages import in_order
from productops.api.preconditions import version_if_said
from productops.api.views import ResourceViewSet
from roadmap import services
from roadmap.api import filters, serializers
from roadmap.api.exports import CSV_RESPONSE, Export
from roadmap.api.problem_export import PROBLEMS_CSV
from roadmap.api.relief import ReliefMixin
from roadmap.api.tree import ProblemTreeMixin
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Release, Survey
from roadmap.services.batch_kinds import CustomerBatch, EvidenceBatch, LinkBatch, ProblemBatch
from roadmap.services.item_batches import ItemBatch

_DATES = {"created_at": "created_at", "updated_at": "updated_at"}


class RoadmapViewSet(ResourceViewSet):
    read_scope = "roadmap:read"
    write_scope = "roadmap:write"


class ProductViewSet(RoadmapViewSet):
    """Products group items and say whether people or customers are counted as users."""

    model = Product
    serializer_class = serializers.ProductSerializer
    filterset_class = filters.ProductFilterSet
    orderings: ClassVar[dict[str, Any]] = {"key": "key", "name": "name", **_DATES}
    default_ordering = ("name",)

    def create_object(self, values: dict[str, Any]) -> Product:
        return services.create_product(**self.acting(), **values)

    def edit_object(self, held: Product, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_product(**self.acting(), product_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Product, version: int | None) -> None:
        services.remove_product(**self.acting(), product_id=held.pk, version=version)


class CustomerViewSet(BulkMixin, RestoredMixin, RoadmapViewSet):
    """Customers are accounts, with their segment and monthly recurring revenue."""

    model = Customer
    batch = CustomerBatch
    serializer_class = serializers.CustomerSerializer
    filterset_class = filters.CustomerFilterSet
    orderings: ClassVar[dict[str, Any]] = {
        "key": "key",
        "name": "name",
        "segment": "segment",
        "mrr": "mrr",
        **_DATES,
    }
    default_ordering = ("name",)

    def create_object(self, values: dict[str, Any]) -> Customer:
        return services.create_customer(**self.acting(), **values)

    def edit_object(self, held: Customer, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_customer(**self.acting(), customer_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Customer, version: int | None) -> None:
        services.remove_customer(**self.acting(), customer_id=held.pk, version=version)

    def restore_object(self, held: Customer, version: int | None) -> None:
        services.restore_customer(**self.acting(), customer_id=held.pk, version=version)


class ProblemViewSet(ProblemTreeMixin, ReliefMixin, BulkMixin, RestoredMixin, RoadmapViewSet):
    """Problems are the front door: ranked by demand, with the evidence for each."""

    model = Problem
    batch = ProblemBatch
    serializer_class = serializers.ProblemSerializer
    filterset_class = filters.ProblemFilterSet
    orderings: ClassVar[dict[str, Any]] = {
        "key": "key",
        "title": "title",
        "demand": "standing__demand",
        "revenue_at_stake": "standing__revenue_at_stake",
        "opportunity": "standing__opportunity",
        "evidence_count": "standing__evidence_count",
        "customer_count": "standing__customer_count",
        **_DATES,
    }
    default_ordering = ("-demand",)
    expansions: ClassVar[dict[str, Any]] = {
        "items": lambda: serializers.ProblemItemSerializer(source="links", many=True, read_only=True)
    }

    def for_show(self, rows: QuerySet[Problem]) -> QuerySet[Problem]:
        return rows.for_list()  # type: ignore[attr-defined]

    def expanded(self, rows: QuerySet[Problem], names: list[str]) -> QuerySet[Problem]:
        links = Link.objects.filter(item__archived_at=None).select_related("item").order_by("-weight", "pk")
        return rows.prefetch_related(Prefetch("links", links)) if "items" in names else rows

    def create_object(self, values: dict[str, Any]) -> Problem:
        return services.create_problem(**self.acting(), **values)

    def edit_object(self, held: Problem, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_problem(**self.acting(), problem_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Problem, version: int | None) -> None:
        services.remove_problem(**self.acting(), problem_id=held.pk, version=version)

    def restore_object(self, held: Problem, version: int | None) -> None:
        services.restore_problem(**self.acting(), problem_id=held.pk, version=version)

    @extend_schema(operation_id="problems_csv", tags=["problems"], responses=CSV_RESPONSE, filters=True)
    def csv(self, request: Request) -> StreamingHttpResponse:
        """All problems that the filters name, as CSV; `fields` chooses the columns."""
        found = self.filter_queryset(self.get_queryset()).with_item_keys()  # type: ignore[attr-defined]
        rows = in_order(found, request, self)
        return PROBLEMS_CSV.answer(request, rows)

    def parameters(self) -> Iterable[str]:
        return Export.parameters(self.filterset_class) if self.action == "csv" else super().parameters()


class EvidenceViewSet(BulkMixin, RoadmapViewSet):
    """Evidence: who struggles with a problem, how much, and where they said so."""

    model = Evidence
    batch = EvidenceBatch
    serializer_class = serializers.EvidenceSerializer
    filterset_class = filters.EvidenceFilterSet
    orderings: ClassVar[dict[str, Any]] = {"observed_on": "observed_on", "importance": "importance", **_DATES}
    default_ordering = ("-observed_on",)

    def for_show(self, rows: QuerySet[Evidence]) -> QuerySet[Evidence]:
        # What a source took back stays as a tombstone, and is shown to nobody.
        return rows.filter(is_retracted=False).select_related("problem", "customer")

    def create_object(self, values: dict[str, Any]) -> Evidence:
        return services.create_evidence(**self.acting(), **values)

    def edit_object(self, held: Evidence, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_evidence(**self.acting(), evidence_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Evidence, version: int | None) -> None:
        services.remove_evidence(**self.acting(), evidence_id=held.pk, version=version)

    @extend_schema(request=serializers.EvidenceMoveSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, id: str) -> Response:
        """Say that it is for another problem. What its source repeats of it follows it there."""
        held = self.get_object()
        body = serializers.EvidenceMoveSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        version = version_if_said(request, held)
        services.move_evidence(
            **self.acting(), evidence_id=held.pk, problem=body.validated_data["problem"], version=version
        )
        return self.answer(held.pk)


class SurveyViewSet(RoadmapViewSet):
    """Surveys: how many of a segment rate a problem important, and themselves satisfied."""

    model = Survey
    serializer_class = serializers.SurveySerializer
    filterset_class = filters.SurveyFilterSet
    orderings: ClassVar[dict[str, Any]] = {"on": "on", "segment": "segment", **_DATES}
    default_ordering = ("-on",)

    def for_show(self, rows: QuerySet[Survey]) -> QuerySet[Survey]:
        return rows.select_related("problem")

    def create_object(self, values: dict[str, Any]) -> Survey:
        return services.create_survey(**self.acting(), **values)

    def edit_object(self, held: Survey, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_survey(**self.acting(), survey_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Survey, version: int | None) -> None:
        services.remove_survey(**self.acting(), survey_id=held.pk, version=version)


class LinkViewSet(BulkMixin, RoadmapViewSet):
    """Links say which problems an item is for. The weights of one item sum to at most 1."""

    model = Link
    batch = LinkBatch
    serializer_class = serializers.LinkSerializer
    filterset_class = filters.LinkFilterSet
    orderings: ClassVar[dict[str, Any]] = {"weight": "weight", **_DATES}

    def for_show(self, rows: QuerySet[Link]) -> QuerySet[Link]:
        return rows.select_related("item", "problem")

    def create_object(self, values: dict[str, Any]) -> Link:
        return services.create_link(**self.acting(), **values)

    def edit_object(self, held: Link, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_link(**self.acting(), link_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Link, version: int | None) -> None:
        services.remove_link(**self.acting(), link_id=held.pk, version=version)


class ItemViewSet(BulkMixin, RestoredMixin, RoadmapViewSet):
    """Items are bets on the roadmap. Creating one may carry its links, in one transaction."""

    model = Item
    batch = ItemBatch
    serializer_class = serializers.ItemSerializer
    filterset_class = filters.ItemFilterSet
    orderings: ClassVar[dict[str, Any]] = {
        "key": "key",
        "title": "title",
        "status": "status",
        "released_on": "released_on",
        "reach": "reach",
        "impact": "impact",
        "effort": "effort",
        **_DATES,
    }
    default_ordering = ("-updated_at",)
    expansions: ClassVar[dict[str, Any]] = {
        "releases": lambda: serializers.ReleaseMarkSerializer(many=True, read_only=True)
    }

    def for_show(self, rows: QuerySet[Item]) -> QuerySet[Item]:
        return rows.for_card()  # type: ignore[attr-defined]

    def expanded(self, rows: QuerySet[Item], names: list[str]) -> QuerySet[Item]:
        marks = Release.objects.filter(is_retracted=False).order_by("at", "pk")
        return rows.prefetch_related(Prefetch("releases", marks)) if "releases" in names else rows

    def create_object(self, values: dict[str, Any]) -> Item:
        return services.create_item(**self.acting(), **values)

    def edit_object(self, held: Item, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_item(**self.acting(), item_id=held.pk, version=version, changes=changes)

    def remove_object(self, held: Item, version: int | None) -> None:
        services.remove_item(**self.acting(), item_id=held.pk, version=version)

    def restore_object(self, held: Item, version: int | None) -> None:
        services.restore_item(**self.acting(), item_id=held.pk, version=version)

    @extend_schema(request=serializers.ReleaseSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def release(self, request: Request, id: str) -> Response:
        """Release the item, on the day that is said or today."""
        held = self.get_object()
        on = checked(serializers.ReleaseSerializer, request).get("on")
        version = version_if_said(request, held)
        services.release_item(**self.acting(), item_id=held.pk, version=version, on=on)
        return self.answer(held.pk)
