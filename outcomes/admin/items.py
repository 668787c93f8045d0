"""The item's pages with what became of it: they take the place of the roadmap's own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, IntegerField, OrderBy, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html

from outcomes.admin.badges import badge
from outcomes.admin.card import item_card
from outcomes.admin.flags import UNDO
from outcomes.admin.in_short import exempt_in_words, share_in_words
from outcomes.models import Flag, ItemUsage, ItemValue, Outcome
from outcomes.models.flags import FLAG_REASONS
from outcomes.querysets import OPEN_STATES
from productops.workspaces.admin.filters import WordsFilter
from productops.workspaces.admin.owned import WorkspaceInline, list_url
from roadmap.admin.items import ItemAdmin, LinkInline
from roadmap.admin.numbers import short
from roadmap.models import Item


class OutcomeInline(WorkspaceInline):
    model = Outcome
    fields = ("metric", "role", "baseline", "target", "due_on", "weight")
    autocomplete_fields = ("metric",)
    verbose_name = "outcome it was to move"
    verbose_name_plural = "outcomes it was to move"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("metric")


class FlagReasonFilter(admin.SimpleListFilter):
    title = "standing flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        reasons = [(reason, reason.replace("_", " ")) for reason in FLAG_REASONS if reason != "stale_source"]
        return [("any", "any"), *reasons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Item]) -> QuerySet[Item]:
        if self.value() is None:
            return queryset
        flags = Flag.objects.standing().filter(item__isnull=False)
        if self.value() != "any":
            flags = flags.filter(reason=self.value())
        return queryset.filter(pk__in=flags.values("item_id"))


def _last(name: str) -> OrderBy:
    return F(name).desc(nulls_last=True)


admin.site.unregister(Item)


@admin.register(Item)
class ItemCardAdmin(ItemAdmin):
    empty_note = "No item yet. Add one: a title is enough, everything else can be measured or said later."
    list_display: Any = (
        "title",
        "verdict",
        "flag_count",
        "proven",
        "expected",
        "status",
        "released_on",
    )
    list_filter = (
        "status",
        "horizon",
        ("usage__verdict", WordsFilter),
        FlagReasonFilter,
        *[entry for entry in ItemAdmin.list_filter if entry not in ("status", "horizon")],
    )
    ordering = (_last("value__proven"), _last("value__expected"), "id")
    inlines = (LinkInline, OutcomeInline)
    change_form_template = "admin/roadmap/item/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = ("value", "usage", "product", "owner__user", "workspace")
        items = super().get_queryset(request).select_related(*related)
        return items.annotate(standing_flags=_standing_flags())

    @admin.display(ordering="usage__verdict")
    def verdict(self, item: Item) -> str:
        usage: ItemUsage | None = getattr(item, "usage", None)
        told = badge(usage.verdict if usage else None)
        beside = ""
        if usage is not None:
            beside = exempt_in_words(item) if usage.verdict == "exempt" else share_in_words(usage)
        return format_html('{} <span class="po-detail">{}</span>', told, beside) if beside else told

    @admin.display(ordering=_last("value__proven"))
    def proven(self, item: Item) -> str:
        return short(_value(item, "proven"))

    @admin.display(ordering=_last("value__expected"))
    def expected(self, item: Item) -> str:
        return short(_value(item, "expected"))

    @admin.display(description="flags", ordering=_last("standing_flags"))
    def flag_count(self, item: Item) -> Any:
        count = getattr(item, "standing_flags", 0)
        return (
            format_html('<a href="{}">{}</a>', list_url(Flag, f"item__id__exact={item.pk}"), count)
            if count
            else 0
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        item = self.get_object(request, object_id)
        card = item_card(item, request.GET)
        flag_pages = self.admin_site.get_model_admin(Flag)
        buttons = [(*flag, flag_pages.action_forms(request, flag[0])) for flag in card["flags"]]  # type: ignore[attr-defined]
        settled = [
            (*flag, [form for form in flag_pages.action_forms(request, flag[0]) if form.action is UNDO])  # type: ignore[attr-defined]
            for flag in card["settled_flags"]
        ]
        context = {
            "card": {**card, "flags": buttons, "settled_flags": settled},
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)


def _standing_flags() -> Coalesce:
    """How many flags of an item still want somebody; a subquery, so that a list costs no query a row."""
    flags = Flag.objects.filter(item=OuterRef("pk"), state__in=OPEN_STATES).order_by().values("item")
    count = flags.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(count, output_field=IntegerField()), 0)


def _value(item: Item, name: str) -> float | None:
    value: ItemValue | None = getattr(item, "value", None)
    return getattr(value, name) if value else None
