"""Items as the whole product sees them: the roadmap's half and what happened afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, ClassVar

import django_filters
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, JSONObject
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from outcomes.api.cards import usage_of, value_of
from outcomes.api.days import DAYS_PARAMETERS, asked_days, described
from outcomes.api.filters import StandingFlagFilter, ValueHistoryFilters, VerdictFilter, VerdictFilters
from outcomes.api.item_export import ITEMS_CSV
from outcomes.api.item_serializers import (
    ItemCardSerializer,
    ItemUsageSerializer,
    ItemValueSerializer,
    ValueRecordSerializer,
    VerdictRunSerializer,
)
from outcomes.models import Exposure, Flag, Metric, Outcome, ValueRecord, VerdictSpan
from outcomes.services.batches import ItemWithOutcomesBatch
from outcomes.services.items import create_item_with_outcomes
from outcomes.services.usage_days import days_of_use
from productops.api.filters import RefFilter, YesNoFilter
from productops.api.pages import in_order
from productops.api.views import ListedMixin
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere
from roadmap.api.exports import CSV_RESPONSE, Export
from roadmap.api.filters import ItemFilterSet
from roadmap.api.views import ItemViewSet as RoadmapItemViewSet
from roadmap.models import Item, Link

# How many days of use an answer shows when nobody says which, and how many of its verdicts.
USUAL_DAYS = 90
SPANS_SHOWN = 200


class ItemFilters(ItemFilterSet):
    verdict = VerdictFilter()
    flag = StandingFlagFilter()
    metric = RefFilter(Metric, "outcomes__metric", distinct=True, label="Items with an outcome on it.")
    has_outcome = YesNoFilter(method="with_outcome", label="Whether it was to move anything.")
    due_after = django_filters.DateFilter(method="with_due", label="With an outcome due from this day on.")
    due_before = django_filters.DateFilter(method="with_due", label="With an outcome due up to this day.")
    proven_min = django_filters.NumberFilter("value__proven", "gte", label="0 to 100.")
    proven_max = django_filters.NumberFilter("value__proven", "lte", label="0 to 100.")
    realised_min = django_filters.NumberFilter("value__realised", "gte", label="0 to 100.")
    expected_min = django_filters.NumberFilter("value__expected", "gte")
    coverage_min = django_filters.NumberFilter("value__coverage", "gte", label="0 to 1.")
    adoption_min = django_filters.NumberFilter("usage__share", "gte", label="Active / eligible, 0 to 1.")
    adoption_max = django_filters.NumberFilter("usage__share", "lte", label="Active / eligible, 0 to 1.")

    def with_outcome(self, rows: QuerySet[Item], name: str, value: bool) -> QuerySet[Item]:
        found = Exists(Outcome.objects.filter(item=OuterRef("pk")))
        return rows.filter(found) if value else rows.exclude(found)

    def with_due(self, rows: QuerySet[Item], name: str, value: date) -> QuerySet[Item]:
        asked = {"due_on__gte" if name == "due_after" else "due_on__lte": value}
        return rows.filter(Exists(Outcome.objects.filter(item=OuterRef("pk"), **asked)))


class ItemViewSet(RoadmapItemViewSet):
    """Bets on the roadmap, each with its problems, outcomes, usage, value and standing flags.

    Creating one may carry its `links` and `outcomes`, in one transaction.
    """

    batch = ItemWithOutcomesBatch
    serializer_class = ItemCardSerializer
    filterset_class = ItemFilters
    orderings: ClassVar[dict[str, Any]] = {
        **RoadmapItemViewSet.orderings,
        "proven": "value__proven",
        "realised": "value__realised",
        "expected": "value__expected",
        "coverage": "value__coverage",
        "trend": "value__trend",
        "demand": "value__demand",
        "revenue_at_stake": "value__revenue_at_stake",
        "opportunity": "value__opportunity",
        "adoption": "usage__share",
        "active": "usage__active",
    }
    default_ordering = ("-proven",)

    def for_show(self, rows: QuerySet[Item]) -> QuerySet[Item]:
        links = Link.objects.select_related("problem").order_by("id")
        outcomes = Outcome.objects.select_related("metric").order_by("id")
        return (
            _with_exposures(rows, self.workspace)
            .annotate(standing_flags=_standing_flags())
            .select_related("product", "owner__user", "value", "usage")
            .prefetch_related(
                Prefetch("links", links),
                Prefetch("outcomes", outcomes),
            )
        )

    def create_object(self, values: dict[str, Any]) -> Item:
        return create_item_with_outcomes(**self.acting(), **values)

    def edit_object(self, held: Item, version: int | None, changes: dict[str, Any]) -> None:
        if "outcomes" in changes:
            detail = "Outcomes come with a new item; later each is set and changed under /outcomes/."
            raise Refused([Complaint("outcomes", "only_on_creation", detail)])
        super().edit_object(held, version, changes)

    @extend_schema(responses=ItemValueSerializer)
    @action(detail=True, methods=["get"])
    def value(self, request: Request, id: str) -> Response:
        """The item's value with every term, its inputs, where each came from and how old it is."""
        return self._shown(ItemValueSerializer(value_of(self.get_object())))

    @extend_schema(parameters=described(USUAL_DAYS), responses=ItemUsageSerializer)
    @action(detail=True, methods=["get"])
    def usage(self, request: Request, id: str) -> Response:
        """How the item is used and what that rests on, the verdicts it had, and its use day by day."""
        item = self.get_object()
        asked = asked_days(request, self.workspace.today(), USUAL_DAYS)
        usage = usage_of(item)
        spans = VerdictSpan.objects.in_workspace(item.workspace_id).filter(item=item)
        usage.verdicts = list(spans.order_by("-from_on")[:SPANS_SHOWN])[::-1]  # type: ignore[attr-defined]
        usage.first_on, usage.last_on = asked.first, asked.last  # type: ignore[attr-defined]
        serializer = ItemUsageSerializer(usage)
        self._trim(serializer)
        if "days" in serializer.fields:
            usage.days = days_of_use(  # type: ignore[attr-defined]
                workspace=self.workspace, item=item, first=asked.first, last=asked.last
            )
        return Response(serializer.data)

    @extend_schema(operation_id="items_csv", tags=["items"], responses=CSV_RESPONSE, filters=True)
    def csv(self, request: Request) -> StreamingHttpResponse:
        """All items that the filters name, as CSV; `fields` chooses the columns."""
        rows = in_order(self.filter_queryset(self.get_queryset()), request, self)
        return ITEMS_CSV.answer(request, rows)

    def parameters(self) -> Iterable[str]:
        if self.action == "csv":
            return Export.parameters(self.filterset_class)
        if self.action == "usage":
            return (*DAYS_PARAMETERS, "fields")
        return ("fields",) if self.action == "value" else super().parameters()

    def _shown(self, serializer: Serializer) -> Response:
        """Answer with the fields that were asked for."""
        self._trim(serializer)
        return Response(serializer.data)


class HistoryOfItem(ListedMixin):
    """What the item of the path had over time."""

    read_scope, write_scope = "roadmap:read", "roadmap:write"

    def for_show(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        item = Item.objects.in_workspace(self.workspace.pk).by_ref(self.kwargs["item"]).first()
        if item is None:
            raise NotHere
        return rows.filter(item=item)


class ValueHistoryViewSet(HistoryOfItem):
    """Every value the item has had, newest first, with the cause of each."""

    model = ValueRecord
    serializer_class = ValueRecordSerializer
    filterset_class = ValueHistoryFilters
    orderings: ClassVar[dict[str, Any]] = {"as_of": "as_of"}
    default_ordering = ("-as_of",)


class VerdictHistoryViewSet(HistoryOfItem):
    """Every verdict the item has had, newest first, with the days it stood for and its reason."""

    model = VerdictSpan
    serializer_class = VerdictRunSerializer
    filterset_class = VerdictFilters
    orderings: ClassVar[dict[str, Any]] = {"from_on": "from_on"}
    default_ordering = ("-from_on",)

    def for_show(self, rows: QuerySet[VerdictSpan]) -> QuerySet[VerdictSpan]:
        later = VerdictSpan.objects.filter(item=OuterRef("item"), from_on__gt=OuterRef("from_on"))
        begins = Subquery(later.order_by("from_on").values("from_on")[:1])
        return super().for_show(rows).annotate(next_from_on=begins)


def _standing_flags() -> ArraySubquery:
    """The standing flags of an item, newest first, as its card shows them: in the statement that reads the item."""
    flags = Flag.objects.standing().filter(item=OuterRef("pk")).order_by("-opened_on", "-id")
    shown = {name: F(name) for name in ("id", "reason", "state", "opened_on")}
    return ArraySubquery(flags.values(shown=JSONObject(**shown)))


def _with_exposures(rows: QuerySet[Item], workspace: Workspace) -> QuerySet[Item]:
    """Annotate how often the item's flag evaluated on and off in the workspace's window."""
    today = workspace.today()
    first = today - timedelta(days=workspace.window_days - 1)
    days = Exposure.objects.filter(item=OuterRef("pk"), on_date__range=(first, today)).order_by()
    by_item = days.values("item")
    return rows.annotate(
        exposures_on=Coalesce(Subquery(by_item.annotate(number=Sum("on_count")).values("number")), 0),
        exposures_off=Coalesce(Subquery(by_item.annotate(number=Sum("off_count")).values("number")), 0),
    )
