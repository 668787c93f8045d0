"""Effects of releases on outcomes: computed, so they are only looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from outcomes.admin.badges import badge
from outcomes.admin.causes import cause_in_words
from outcomes.admin.effect_panels import panel_of
from outcomes.admin.effect_words import details_in_words, places_of
from outcomes.models import Effect
from productops.workspaces.admin.filters import ChosenRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin
from roadmap.admin.numbers import UNKNOWN, short, words


@admin.register(Effect)
class EffectAdmin(ReadOnlyAdmin):
    empty_note = (
        "Nothing to tell yet. An effect is read once an item with an outcome is released and its metric has data"
        " of before and after."
    )
    list_display = (
        "item",
        "metric",
        "design_shown",
        "estimate_shown",
        "interval",
        "verdict_shown",
        "decided_on",
    )
    list_select_related = ("outcome__item", "outcome__metric")
    list_filter = ("verdict", "design", ("outcome__item", ChosenRelatedFilter))
    search_fields = ("outcome__item__key", "outcome__item__title", "outcome__metric__key")
    ordering = ("-as_of", "-id")

    fieldsets = (
        (None, {"fields": ("outcome", "design", "verdict", ("from_on", "to_on"), "decided_on", "method")}),
        ("All that was computed", {"classes": ("collapse",), "fields": (
            "estimate", ("low", "high", "confidence"), "relative", ("relative_low", "relative_high"),
            "probability_better", ("n_before", "n_after"), "found_besides", "method_version", "cause_shown",
            "as_of",
        )}),
    )  # fmt: skip
    change_form_template = "admin/outcomes/effect/change_form.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        effect = self.get_object(request, object_id)
        context: dict[str, Any] = {"panel": None, **(extra_context or {})}
        if effect is not None:
            context["panel"] = panel_of(effect, places_of(effect.workspace_id, [effect]))
            context["subtitle"] = f"{effect.outcome.item}: {effect.outcome.metric.name}"
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="found besides")
    def found_besides(self, effect: Effect) -> str:
        return format_html_join("", "{}: {}<br>", details_in_words(effect)) or UNKNOWN

    @admin.display(description="cause")
    def cause_shown(self, effect: Effect) -> str:
        return cause_in_words(effect.cause)

    @admin.display(ordering="outcome__item__title")
    def item(self, effect: Effect) -> str:
        return str(effect.outcome.item)

    @admin.display(ordering="outcome__metric__key")
    def metric(self, effect: Effect) -> str:
        return effect.outcome.metric.key

    @admin.display(description="design", ordering="design")
    def design_shown(self, effect: Effect) -> str:
        return words(effect.design)

    @admin.display(description="estimate", ordering="estimate")
    def estimate_shown(self, effect: Effect) -> str:
        return short(effect.estimate, 2)

    @admin.display(description="95% interval")
    def interval(self, effect: Effect) -> str:
        return f"{short(effect.low, 2)} to {short(effect.high, 2)}"

    @admin.display(description="verdict", ordering="verdict")
    def verdict_shown(self, effect: Effect) -> str:
        return badge(effect.verdict)
