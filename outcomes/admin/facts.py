"""Facts: millions of rows in monthly partitions, with no index but their identity.

Their lists read a page along that identity, never count, never sort by anything else, and have no page of
their own for a row. An item's or a metric's facts are found by searching for its key.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from outcomes.models import Metric, Observation, UsageDay, UsageEvent, UsageSnapshot
from productops.workspaces.admin.owned import ReadOnlyAdmin
from productops.workspaces.scope import scope_of
from roadmap.admin.columns import numbers, shares
from roadmap.models import Item

# Leafing further than this is not how anybody finds a row: they search for the item or the metric.
_MOST_PAGES = 20


class UncountedPaginator(Paginator):
    """Pages of a table too large to count: it looks whether there is more, not how much."""

    @cached_property
    def count(self) -> int:
        """How many rows can be leafed through: all of them, or as many as the last page that is offered."""
        return min(self._seen, self._most)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than can be leafed through."""
        return self._seen > self._most

    @property
    def _most(self) -> int:
        return self.per_page * _MOST_PAGES

    @cached_property
    def _seen(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return len(rows.values_list("pk")[: self._most + 1])


class FactAdmin(ReadOnlyAdmin):
    """Lists facts along their identity, from the items (or metrics) of the workspace in hand."""

    # The field that leads the identity, and its model.
    about: ClassVar[tuple[str, type[Item] | type[Metric]]]

    paginator = UncountedPaginator
    show_full_result_count = False
    list_display_links = None
    list_per_page = 50
    list_max_show_all = 0
    actions = None
    sortable_by = ()
    # Not searched by Django: an exact key names the item or the metric.
    search_fields = ("key",)
    search_help_text = "The exact key of what they are about."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        name, model = self.about
        subjects: QuerySet[Any] = scope_of(request).limit(model._default_manager.all())
        if search_term.strip():
            subjects = subjects.filter(key=search_term.strip())
        # As values: PostgreSQL then walks the identity's index for them instead of joining and sorting.
        ids = sorted(subjects.values_list("pk", flat=True))
        return queryset.filter(**{f"{name}__in": ids}), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FactList

    def get_urls(self) -> list[Any]:
        return [
            url
            for url in super().get_urls()
            if isinstance(url, URLPattern) and url.name is not None and url.name.endswith("_changelist")
        ]


class FactList(ChangeList):
    """A list in the order of the identity, whatever the address asks for."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))


@admin.register(Observation)
class ObservationAdmin(FactAdmin):
    about = ("metric", Metric)
    list_display = ("metric", "series", "at", *numbers("value", digits=2), "source", "is_retracted")
    list_select_related = ("metric", "source")
    ordering = ("metric_id", "series", "at")


@admin.register(UsageEvent)
class UsageEventAdmin(FactAdmin):
    about = ("item", Item)
    list_display = ("item", "on", "at", "customer", "source", "is_retracted")
    list_select_related = ("item", "customer", "source")
    ordering = ("item_id", "on", "event_id")


@admin.register(UsageSnapshot)
class UsageSnapshotAdmin(FactAdmin):
    about = ("item", Item)
    list_display = (
        "item",
        "on",
        "days",
        *numbers("active", "eligible", digits=0),
        *shares("share"),
        "source",
        "is_retracted",
    )
    list_select_related = ("item", "source")
    ordering = ("item_id", "on", "source_id", "days")


@admin.register(UsageDay)
class UsageDayAdmin(FactAdmin):
    about = ("item", Item)
    list_display = ("item", "on", "customer", "count")
    list_select_related = ("item", "customer")
    ordering = ("item_id", "on", "actor")
