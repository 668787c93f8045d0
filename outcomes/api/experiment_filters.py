"""What the lists of experiments can be asked for."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from outcomes.models import Experiment, Metric
from outcomes.models.experiments import DECISIONS, EXPERIMENT_STATES
from productops.api.authentication import workspace_of
from productops.api.filters import ArchivableFilterSet, ChoicesFilter, RefFilter, SearchFilter
from roadmap.models import Item, Product


class ExperimentStateFilter(ChoicesFilter):
    """Experiments in one of these states as of the day of judgement."""

    def __init__(self) -> None:
        super().__init__(EXPERIMENT_STATES, label="As of the day of judgement.")

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if not value:
            return qs
        day = workspace_of(self.parent.request).today()
        return qs.in_state(value, day)  # type: ignore[attr-defined]


class ExperimentFilters(ArchivableFilterSet):
    item = RefFilter(Item, "item", label="An item's id or key.")
    metric = RefFilter(Metric, "metric", label="Decided on this metric: an id or key.")
    guardrail = RefFilter(
        Metric, "guardrail_rows__metric", label="With this guardrail: a metric's id or key."
    )
    product = RefFilter(Product, "item__product", label="A product's id or key.")
    state = ExperimentStateFilter()
    decision = ChoicesFilter(DECISIONS)
    started_after = django_filters.DateFilter("started_on", "gte", label="From this day on.")
    started_before = django_filters.DateFilter("started_on", "lte", label="Up to this day.")
    search = SearchFilter(("key", "hypothesis", "decision_note"), label="Full-text search.")

    class Meta:
        model = Experiment
        fields: list[str] = []
