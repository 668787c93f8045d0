"""What the lists of the outcomes can be asked for."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from outcomes.models import (
    Candidate,
    Delivery,
    Effect,
    FileImport,
    Flag,
    Metric,
    Outcome,
    Replay,
    Rule,
    ScoringModel,
    Source,
    VerdictSpan,
)
from outcomes.models.deliveries import DELIVERY_STATES
from outcomes.models.effects import DESIGNS, EFFECT_VERDICTS
from outcomes.models.flags import FLAG_REASONS, FLAG_STATES
from outcomes.models.imports import FILE_KINDS, FILE_STATES
from outcomes.models.metrics import AGGREGATIONS, DIRECTIONS
from outcomes.models.outcomes import ROLES
from outcomes.models.rules import CANDIDATE_KINDS, CANDIDATE_STATES
from outcomes.models.sources import CADENCES, SOURCE_KINDS
from outcomes.models.values import VERDICTS
from productops.api.filters import (
    ArchivableFilterSet,
    ChoicesFilter,
    RefFilter,
    SearchFilter,
    WorkspaceFilterSet,
    YesNoFilter,
)
from roadmap.models import Item, Product


class MetricFilters(ArchivableFilterSet):
    direction = ChoicesFilter(DIRECTIONS)
    aggregation = ChoicesFilter(AGGREGATIONS)
    cadence = ChoicesFilter(CADENCES)
    item = RefFilter(Item, "outcomes__item", label="Metrics that this item was to move: an id or key.")
    search = SearchFilter(("name", "key", "unit"), label="Full-text search over name, key and unit.")

    class Meta:
        model = Metric
        fields: list[str] = []


class OutcomeFilters(WorkspaceFilterSet):
    item = RefFilter(Item, "item", label="An item's id or key.")
    metric = RefFilter(Metric, "metric", label="A metric's id or key.")
    product = RefFilter(Product, "item__product", label="A product's id or key.")
    role = ChoicesFilter(ROLES)
    due_after = django_filters.DateFilter("due_on", "gte", label="From this day on.")
    due_before = django_filters.DateFilter("due_on", "lte", label="Up to this day.")
    has_target = YesNoFilter("target", "isnull", exclude=True, label="Whether a target was set.")

    class Meta:
        model = Outcome
        fields: list[str] = []


class EffectFilters(WorkspaceFilterSet):
    outcome = RefFilter(Outcome, "outcome", label="An outcome's id.")
    item = RefFilter(Item, "outcome__item", label="An item's id or key.")
    metric = RefFilter(Metric, "outcome__metric", label="A metric's id or key.")
    product = RefFilter(Product, "outcome__item__product", label="A product's id or key.")
    design = ChoicesFilter(DESIGNS)
    verdict = ChoicesFilter(EFFECT_VERDICTS)
    decided = YesNoFilter(
        "decided_on",
        "isnull",
        exclude=True,
        label="true: decided ones; false: readings of windows still filling.",
    )
    decided_after = django_filters.DateFilter("decided_on", "gte", label="Decided from this day on.")
    decided_before = django_filters.DateFilter("decided_on", "lte", label="Decided up to this day.")

    class Meta:
        model = Effect
        fields: list[str] = []


class SourceFilters(WorkspaceFilterSet):
    kind = ChoicesFilter(SOURCE_KINDS)
    cadence = ChoicesFilter(CADENCES)
    search = SearchFilter(("name", "key"), label="Full-text search over name and key.")

    class Meta:
        model = Source
        fields: list[str] = []


class DeliveryFilters(WorkspaceFilterSet):
    source = RefFilter(Source, "source", label="A source's id or key.")
    state = ChoicesFilter(DELIVERY_STATES)
    external_id = django_filters.CharFilter("external_id", label="The sender's id for the delivery.")
    search = django_filters.CharFilter(
        "external_id", "istartswith", max_length=200, label="The beginning of the sender's id."
    )
    has_refused = YesNoFilter(method="with_refused", label="Whether some of its rows were refused.")
    replay = RefFilter(Replay, "replay_id", label="Those that this replay was the last to put back.")
    received_after = django_filters.IsoDateTimeFilter("received_at", "gte", label="From this instant on.")
    received_before = django_filters.IsoDateTimeFilter("received_at", "lte", label="Up to this instant.")

    class Meta:
        model = Delivery
        fields: list[str] = []

    def with_refused(self, queryset: Any, name: str, value: bool) -> QuerySet[Any]:
        return queryset.filter(refused__gt=0) if value else queryset.filter(refused=0)


class ReplayFilters(WorkspaceFilterSet):
    source = RefFilter(Source, "source", label="A source's id or key.")
    is_finished = YesNoFilter("finished_at", "isnull", exclude=True)

    class Meta:
        model = Replay
        fields: list[str] = []


class RuleFilters(WorkspaceFilterSet):
    source = RefFilter(Source, "source", label="A source's id or key.")
    item = RefFilter(Item, "item", label="An item's id or key.")
    metric = RefFilter(Metric, "metric", label="A metric's id or key.")

    class Meta:
        model = Rule
        fields: list[str] = []


class CandidateFilters(WorkspaceFilterSet):
    source = RefFilter(Source, "source", label="A source's id or key.")
    kind = ChoicesFilter(CANDIDATE_KINDS)
    state = ChoicesFilter(CANDIDATE_STATES)
    name = django_filters.CharFilter("name", label="Exactly this name.")
    search = SearchFilter(("name",), label="Full-text search over the name.")

    class Meta:
        model = Candidate
        fields: list[str] = []


class FlagFilters(WorkspaceFilterSet):
    state = ChoicesFilter(FLAG_STATES)
    reason = ChoicesFilter(FLAG_REASONS)
    item = RefFilter(Item, "item", label="An item's id or key.")
    source = RefFilter(Source, "source", label="A source's id or key.")
    product = RefFilter(Product, "item__product", label="A product's id or key.")
    opened_after = django_filters.DateFilter("opened_on", "gte", label="From this day on.")
    opened_before = django_filters.DateFilter("opened_on", "lte", label="Up to this day.")

    class Meta:
        model = Flag
        fields: list[str] = []


class FileImportFilters(WorkspaceFilterSet):
    kind = ChoicesFilter(FILE_KINDS)
    state = ChoicesFilter(FILE_STATES)
    is_dry_run = YesNoFilter("is_dry_run")
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte", label="From this instant on.")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lte", label="Up to this instant.")

    class Meta:
        model = FileImport
        fields: list[str] = []


class ScoringModelFilters(WorkspaceFilterSet):
    is_active = YesNoFilter("is_active")

    class Meta:
        model = ScoringModel
        fields: list[str] = []


class VerdictFilters(WorkspaceFilterSet):
    verdict = ChoicesFilter(VERDICTS)
    began_after = django_filters.DateFilter("from_on", "gte", label="Began on this day or later.")
    began_before = django_filters.DateFilter("from_on", "lte", label="Began on this day or before.")

    class Meta:
        model = VerdictSpan
        fields: list[str] = []


# `from` is no name that a class body could give.
_BETWEEN = {
    "from": django_filters.DateFilter("judged_on", "gte", label="Judged as of this day or later."),
    "to": django_filters.DateFilter("judged_on", "lte", label="Judged as of this day or earlier."),
}
ValueHistoryFilters = type("ValueHistoryFilters", (WorkspaceFilterSet,), _BETWEEN)


class VerdictFilter(ChoicesFilter):
    """Items with one of these verdicts as they stand."""

    def __init__(self) -> None:
        super().__init__(VERDICTS, "usage__verdict", label="Items with one of these verdicts.")


class StandingFlagFilter(ChoicesFilter):
    """Items with a standing flag for one of these reasons."""

    def __init__(self) -> None:
        super().__init__(FLAG_REASONS, label="Items with a standing flag for one of these reasons.")

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if not value:
            return qs
        standing = Flag.objects.standing().filter(item=OuterRef("pk"), reason__in=value)
        return qs.filter(Exists(standing))
