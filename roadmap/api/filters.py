"""What the roadmap's lists can be asked for."""

from __future__ import annotations

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet

from productops.api.filters import (
    ArchivableFilterSet,
    ChoicesFilter,
    RefFilter,
    SearchFilter,
    WholeNumberFilter,
    WorkspaceFilterSet,
    YesNoFilter,
)
from productops.workspaces.models import Member
from roadmap.models import Customer, Item, Link, Problem, Product
from roadmap.rules import EVIDENCE_KINDS, HORIZONS, ITEM_KINDS, STATUSES, USAGE_POLICIES


class ProductFilterSet(WorkspaceFilterSet):
    key = filters.CharFilter()
    unit = ChoicesFilter(Product.Unit.values)
    search = SearchFilter(["name", "key"])


class CustomerFilterSet(ArchivableFilterSet):
    key = filters.CharFilter()
    segment = filters.CharFilter()
    mrr_min = filters.NumberFilter(field_name="mrr", lookup_expr="gte")
    mrr_max = filters.NumberFilter(field_name="mrr", lookup_expr="lte")
    search = SearchFilter(["name", "key", "segment"])


class ProblemFilterSet(ArchivableFilterSet):
    key = filters.CharFilter()
    parent = RefFilter(Problem, field_name="parent")
    is_root = YesNoFilter("parent", "isnull", label="Whether it stands beneath no other.")
    item = RefFilter(Item, field_name="links__item")
    customer = RefFilter(Customer, field_name="evidence__customer")
    has_items = YesNoFilter(
        method="with_items", label="Whether there is an item for it, or for a problem beneath it."
    )
    opportunity_min = filters.NumberFilter(field_name="standing__opportunity", lookup_expr="gte")
    demand_min = filters.NumberFilter(field_name="standing__demand", lookup_expr="gte")
    revenue_min = filters.NumberFilter(field_name="standing__revenue_at_stake", lookup_expr="gte")
    customers_min = WholeNumberFilter(field_name="standing__customer_count", lookup_expr="gte")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lte")
    search = SearchFilter(["title", "description", "key"])

    def with_items(self, rows: QuerySet[Problem], name: str, value: bool) -> QuerySet[Problem]:
        return rows.having_items(value)  # type: ignore[attr-defined]


class EvidenceFilterSet(WorkspaceFilterSet):
    problem = RefFilter(Problem, field_name="problem")
    customer = RefFilter(Customer, field_name="customer")
    kind = ChoicesFilter(EVIDENCE_KINDS)
    importance = WholeNumberFilter()
    external_id = filters.CharFilter()
    observed_after = filters.DateFilter(field_name="observed_on", lookup_expr="gte")
    observed_before = filters.DateFilter(field_name="observed_on", lookup_expr="lte")
    search = SearchFilter(["quote", "external_id"])


class SurveyFilterSet(WorkspaceFilterSet):
    problem = RefFilter(Problem, field_name="problem")
    segment = filters.CharFilter()
    after = filters.DateFilter(field_name="on", lookup_expr="gte")
    before = filters.DateFilter(field_name="on", lookup_expr="lte")


class LinkFilterSet(WorkspaceFilterSet):
    item = RefFilter(Item, field_name="item")
    problem = RefFilter(Problem, field_name="problem")


class ItemFilterSet(ArchivableFilterSet):
    key = filters.CharFilter()
    status = ChoicesFilter(STATUSES)
    horizon = ChoicesFilter(HORIZONS)
    kind = ChoicesFilter(ITEM_KINDS)
    usage_policy = ChoicesFilter(USAGE_POLICIES)
    product = RefFilter(Product, field_name="product")
    owner = RefFilter(Member, field_name="owner")
    problem = RefFilter(Problem, field_name="links__problem")
    released_after = filters.DateFilter(
        field_name="released_on", lookup_expr="gte", label="From this day on."
    )
    released_before = filters.DateFilter(field_name="released_on", lookup_expr="lte", label="Up to this day.")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lte")
    updated_after = filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="gte")
    updated_before = filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="lte")
    impact = filters.NumberFilter()
    effort_min = filters.NumberFilter(field_name="effort", lookup_expr="gte", label="Person-months.")
    effort_max = filters.NumberFilter(field_name="effort", lookup_expr="lte", label="Person-months.")
    has_problem = YesNoFilter(method="with_problem", label="Whether it is for any problem.")
    customer = RefFilter(
        Customer, field_name="links__problem__evidence__customer", label="Whose evidence raised its problems."
    )
    search = SearchFilter(["title", "summary", "hypothesis", "key"])

    def with_problem(self, rows: QuerySet[Item], name: str, value: bool) -> QuerySet[Item]:
        linked = Exists(Link.objects.filter(item=OuterRef("pk")))
        return rows.filter(linked) if value else rows.exclude(linked)
