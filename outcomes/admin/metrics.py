"""Metrics, what is to be moved on them, and their days."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from outcomes.admin.explanation import reading_of
from outcomes.admin.facts import UncountedPaginator
from outcomes.admin.movers import movers_of
from outcomes.models import Metric, MetricDay, MetricSource, Outcome
from outcomes.services import metrics, outcomes
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, WorkspaceAdmin
from productops.workspaces.scope import asking
from roadmap.admin.archiving import ArchivingAdmin
from roadmap.admin.columns import numbers
from roadmap.admin.numbers import percent, short


@admin.register(Metric)
class MetricAdmin(ArchivingAdmin):
    empty_note = "No metric yet. Add one, or send a number under any key: it waits under Candidates until you claim it."
    place = 3
    list_display = ("name", "key", "unit", "direction", "aggregation", "cadence")
    list_filter = (*ArchivingAdmin.list_filter, "direction", "aggregation", "cadence")
    search_fields = ("name", "key")
    ordering = ("name", "id")
    fields = ("key", "name", "unit", "direction", "aggregation", "cadence")
    change_form_template = "admin/outcomes/metric/change_form.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        metric: Metric | None = context.get("original")
        if metric is not None:
            context["moved"] = movers_of(metric)
        return super().render_change_form(request, context, *args, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return metrics.create_metric(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        metrics.edit_metric(**asking(request), metric_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        is_gone = metrics.remove_metric(**asking(request), metric_id=row.pk, version=version)
        return "deleted" if is_gone else "archived"

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        metrics.restore_metric(**asking(request), metric_id=row.pk, version=version)


@admin.register(Outcome)
class OutcomeAdmin(WorkspaceAdmin):
    empty_note = (
        "No outcome yet. It says which metric an item was to move; add it here or on the item's page."
    )
    place = 2
    list_display = (
        "shown",
        "role",
        *numbers("baseline", digits=2),
        "current",
        *numbers("target", digits=2),
        "attained",
        "due_on",
        *numbers("weight", digits=2),
    )
    list_filter = ("role", ("item", ChosenRelatedFilter), ("metric", ChosenRelatedFilter))
    list_select_related = ("item__value", "metric")
    search_fields = ("item__key", "item__title", "metric__key", "metric__name")
    ordering = ("item__title", "id")
    autocomplete_fields = ("item", "metric")
    delete_note = "The item and the metric stay; the flags about this outcome go with it."
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "item",
                    ("metric", "series"),
                    ("role", "weight"),
                    ("baseline", "target"),
                    "due_on",
                )
            },
        ),
        (
            "How its effect is read",
            {
                "classes": ("collapse",),
                "fields": ("controls", ("washout_days", "after_periods"), "margin"),
            },
        ),
    )

    @admin.display(description="outcome", ordering="item__title")
    def shown(self, outcome: Outcome) -> str:
        return f"{outcome.item.title}: {outcome.metric.name}"

    @admin.display
    def current(self, outcome: Outcome) -> str:
        return short(reading_of(outcome).get("current"), 2)

    @admin.display
    def attained(self, outcome: Outcome) -> str:
        return percent(reading_of(outcome).get("attainment"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Another item or metric is another outcome.
        return ("item", "metric") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        item, metric, rest = values["item"], values["metric"], dict(values)
        del rest["item"], rest["metric"]
        fields = {name: _plain(name, value) for name, value in rest.items()}
        return outcomes.set_outcome(**asking(request), item_id=item.pk, metric_id=metric.pk, **fields)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        fields = {name: _plain(name, value) for name, value in changes.items()}
        outcomes.edit_outcome(**asking(request), outcome_id=row.pk, version=version, changes=fields)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        outcomes.remove_outcome(**asking(request), outcome_id=row.pk, version=version)
        return "deleted"


def _plain(name: str, value: Any) -> Any:
    """A form says nothing as an empty text; for a series nothing means all of them, for controls none."""
    if name == "series":
        return value or None
    return [] if name == "controls" and value is None else value


@admin.register(MetricDay)
class MetricDayAdmin(ReadOnlyAdmin):
    list_display = ("metric", "series", "on", "count", *numbers("total", "low", "high", "last", digits=2))
    list_select_related = ("metric",)
    list_filter = (("metric", ChosenRelatedFilter),)
    search_fields = ("metric__key", "metric__name")
    ordering = ("metric_id", "-on", "series", "id")
    paginator = UncountedPaginator


@admin.register(MetricSource)
class MetricSourceAdmin(ReadOnlyAdmin):
    list_display = ("metric", "source")
    list_select_related = ("metric", "source")
    list_filter = (("metric", ChosenRelatedFilter), ("source", ScopedRelatedFilter))
    search_fields = ("metric__key", "metric__name")
    ordering = ("metric__name", "id")
