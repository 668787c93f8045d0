"""Values, verdicts and their history: computed, so they are only looked at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F

from outcomes.admin.badges import badge
from outcomes.admin.causes import cause_in_words
from outcomes.admin.facts import UncountedPaginator
from outcomes.models import (
    Exposure,
    ItemUsage,
    ItemValue,
    ProductAudience,
    Reconciliation,
    ValueRecord,
    VerdictSpan,
)
from productops.workspaces.admin.filters import ChosenRelatedFilter, ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin
from roadmap.admin.columns import numbers, shares

_OF_ITEM = (("item", ChosenRelatedFilter),)


class OfItemAdmin(ReadOnlyAdmin):
    """Rows about an item, found by the item."""

    list_select_related = ("item",)
    list_filter: ClassVar[Any] = _OF_ITEM
    search_fields = ("item__key", "item__title")


@admin.register(ItemValue)
class ItemValueAdmin(OfItemAdmin):
    list_display = (
        "item",
        *numbers("proven", "realised"),
        *shares("coverage"),
        *numbers("expected", "trend"),
        "judged_on",
    )
    ordering = (F("proven").desc(nulls_last=True), "id")


@admin.register(ValueRecord)
class ValueRecordAdmin(OfItemAdmin):
    list_display = (
        "item",
        "as_of",
        *numbers("proven", "realised"),
        *shares("coverage"),
        *numbers("expected"),
        "cause_shown",
    )
    ordering = ("-as_of", "-id")
    paginator = UncountedPaginator

    @admin.display(description="cause")
    def cause_shown(self, record: ValueRecord) -> str:
        return cause_in_words(record.cause)


@admin.register(ItemUsage)
class ItemUsageAdmin(OfItemAdmin):
    list_display = (
        "item",
        "verdict_shown",
        *numbers("active", "eligible", digits=0),
        *shares("share"),
        "window_days",
        "judged_on",
    )
    list_filter = ("verdict", *_OF_ITEM)
    ordering = ("item__title", "id")

    @admin.display(description="verdict", ordering="verdict")
    def verdict_shown(self, usage: ItemUsage) -> str:
        return badge(usage.verdict)


@admin.register(VerdictSpan)
class VerdictSpanAdmin(OfItemAdmin):
    list_display = ("item", "from_on", "verdict_shown", "reason")
    list_filter = ("verdict", *_OF_ITEM)
    ordering = ("-from_on", "-id")

    @admin.display(description="verdict", ordering="verdict")
    def verdict_shown(self, span: VerdictSpan) -> str:
        return badge(span.verdict)


@admin.register(Exposure)
class ExposureAdmin(OfItemAdmin):
    list_display = ("item", "on_date", "on_count", "off_count")
    ordering = ("-on_date", "-id")


@admin.register(ProductAudience)
class ProductAudienceAdmin(ReadOnlyAdmin):
    list_display = ("product", "on", "window_days", "active", "item_count")
    list_select_related = ("product",)
    list_filter = (("product", ScopedRelatedFilter),)
    ordering = ("-on", "product_id", "window_days", "id")


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "stage", "checked", "waiting", "drifted", "finished_at")
    ordering = ("-started_at", "-id")
