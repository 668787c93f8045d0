"""The first page's answers: what was worth shipping, what nobody uses, and what wants somebody."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Case, F, Value, When
from django.urls import reverse

from outcomes.admin.evidence_words import sentences_of
from outcomes.admin.flags import subject_of
from outcomes.admin.in_short import targets_in_words, usage_in_words
from outcomes.models import Flag, Source
from productops.workspaces.admin.owned import list_url, page_url
from productops.workspaces.dashboard import DashboardSite, Panel, PanelRow
from productops.workspaces.scope import Scope
from roadmap.admin.numbers import short, words
from roadmap.models import Item

_SHOWN = 6
# Nobody before hardly anybody.
_UNUSED = ("never_adopted", "abandoned", "under_used")


def worth_shipping(scope: Scope) -> Panel:
    """What has proven most, with what proves it."""
    items = Item.objects.current().filter(value__proven__gt=0).select_related("value", "usage")
    best = scope.limit(items).order_by(F("value__proven").desc(nulls_last=True), "id")[:_SHOWN]
    rows = [
        PanelRow(
            label=item.title,
            url=page_url(Item, item.pk),
            figure=short(item.value.proven),
            detail=_evidence(item) or "Who uses it is not measured.",
        )
        for item in best
    ]
    empty = (
        "Nothing has proven its value yet. That takes a released item whose use is measured, or an outcome with"
        " a target and its metric."
    )
    return Panel("Worth shipping: most proven, of 100", list_url(Item), rows, empty, is_leading=True)


def not_used(scope: Scope) -> Panel:
    """What nobody or too few use; those for most people first."""
    rank = Case(*[When(usage__verdict=verdict, then=Value(at)) for at, verdict in enumerate(_UNUSED)])
    items = Item.objects.current().filter(usage__verdict__in=_UNUSED).select_related("value", "usage")
    worst = scope.limit(items).order_by(rank, F("usage__eligible").desc(nulls_last=True), "id")[:_SHOWN]
    rows = [
        PanelRow(
            label=item.title,
            url=page_url(Item, item.pk),
            badge=words(item.usage.verdict),
            detail=usage_in_words(item.usage),
        )
        for item in worst
    ]
    address = reverse("admin:insight", args=["unused"])
    return Panel(
        "Nobody, or hardly anybody, uses it",
        address,
        rows,
        "Nothing that is measured goes unused.",
        is_leading=True,
    )


def flags_waiting(scope: Scope) -> Panel:
    """Flags that nobody has looked at yet, each with the number it rests on."""
    flags = scope.limit(Flag.objects.filter(state="open").select_related("item", "source", "outcome__metric"))
    rows = [
        PanelRow(
            label=subject_of(flag),
            url=page_url(Item, flag.item_id) if flag.item_id else page_url(Source, flag.source_id),
            badge=words(flag.reason),
            detail=f"{_main_point(flag)}Suggested: {words(flag.recommendation)}, since {flag.opened_on}.",
        )
        for flag in flags.order_by("-opened_on", "-id")[:_SHOWN]
    ]
    empty = "Nothing wants you. Good."
    return Panel("Flags waiting", list_url(Flag, "state=open"), rows, empty, is_leading=True)


def _evidence(item: Item) -> str:
    usage = getattr(item, "usage", None)
    told = [usage_in_words(usage) if usage else "", targets_in_words(item.value)]
    return " ".join(part for part in told if part)


def _main_point(flag: Flag) -> str:
    return f"{said[0]} " if (said := sentences_of(flag)) else ""


assert isinstance(admin.site, DashboardSite)
admin.site.add_panel(1, worth_shipping)
admin.site.add_panel(2, not_used)
admin.site.add_panel(3, flags_waiting)
