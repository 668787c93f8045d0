"""Effects of releases on outcomes: computed, so they are only looked at."""

from __future__ import annotations

from django.contrib import admin

from outcomes.admin.badges import badge
from outcomes.models import Effect
from productops.workspaces.admin.filters import ChosenRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin
from roadmap.admin.numbers import short, words


@admin.register(Effect)
class EffectAdmin(ReadOnlyAdmin):
    list_display = ("item", "metric", "design_shown", "estimate", "interval", "verdict_shown", "decided_on")
    list_select_related = ("outcome__item", "outcome__metric")
    list_filter = ("verdict", "design", ("outcome__item", ChosenRelatedFilter))
    search_fields = ("outcome__item__key", "outcome__item__title", "outcome__metric__key")
    ordering = ("-as_of", "-id")

    @admin.display(ordering="outcome__item__title")
    def item(self, effect: Effect) -> str:
        return str(effect.outcome.item)

    @admin.display(ordering="outcome__metric__key")
    def metric(self, effect: Effect) -> str:
        return effect.outcome.metric.key

    @admin.display(description="design", ordering="design")
    def design_shown(self, effect: Effect) -> str:
        return words(effect.design)

    @admin.display(description="95% interval")
    def interval(self, effect: Effect) -> str:
        return f"{short(effect.low, 2)} to {short(effect.high, 2)}"

    @admin.display(description="verdict", ordering="verdict")
    def verdict_shown(self, effect: Effect) -> str:
        return badge(effect.verdict)
