"""What the lists of endpoints, notices and attempts can be asked for."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from outcomes.models import Attempt, Endpoint, Notice
from outcomes.models.endpoints import CHANNELS
from outcomes.models.notices import NOTICE_STATES
from outcomes.models.told import TOLD_EVENTS
from productops.api.filters import ChoicesFilter, IdFilter, RefFilter, WorkspaceFilterSet, YesNoFilter


class EndpointFilters(WorkspaceFilterSet):
    channel = ChoicesFilter(CHANNELS)
    is_enabled = YesNoFilter("disabled_at", "isnull", label="false: those that are disabled.")
    is_failing = YesNoFilter(
        method="only_failing", label="true: those at which every attempt fails at present."
    )

    class Meta:
        model = Endpoint
        fields: list[str] = []

    def only_failing(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return queryset.filter(failing_since__isnull=not value)


class NoticeFilters(WorkspaceFilterSet):
    endpoint = RefFilter(Endpoint, "endpoint", label="An endpoint's id.")
    event = ChoicesFilter(TOLD_EVENTS, "occurrence__event")
    state = ChoicesFilter(NOTICE_STATES)
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte", label="From this instant on.")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lte", label="Up to this instant.")

    class Meta:
        model = Notice
        fields: list[str] = []


class AttemptFilters(WorkspaceFilterSet):
    notice = IdFilter("notice", label="Those of this notice.")
    is_success = YesNoFilter(method="only_successful", label="false: those that failed or were cut off.")

    class Meta:
        model = Attempt
        fields: list[str] = []

    def only_successful(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        delivered = queryset.filter(error="", took_ms__isnull=False)
        return delivered if value else queryset.exclude(error="", took_ms__isnull=False)
