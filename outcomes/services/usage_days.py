"""How an item was used day by day: what the verdicts read, and who came on each day alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Sum

from outcomes.formulas.verdicts import judge
from outcomes.models import UsageDay, UsageSnapshot, VerdictSpan
from outcomes.pipeline.days import Span, days_between
from outcomes.pipeline.gather import gather
from outcomes.pipeline.usage_facts import ItemFacts
from productops.workspaces.models import Workspace
from roadmap.models import Item, Product


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """A day with the reach of the window that ends on it, as its verdict reads it; people or customers.

    `active_that_day` is of the day alone: None when nothing told of single days. `low` and `high` bound the
    share (95%, Wilson). `verdict` is None before the item was first judged.
    """

    on: date
    active: float | None
    eligible: float | None
    eligible_from: str | None
    share: float | None
    low: float | None
    high: float | None
    active_that_day: float | None
    verdict: str | None
    reason: str | None


def days_of_use(*, workspace: Workspace, item: Item, first: date, last: date) -> list[DayOfUse]:
    """Every day from `first` to `last`, both included, that is not later than the day of judgement.

    A number of queries that does not depend on the days.
    """
    last = min(last, workspace.today())
    if first > last:
        return []
    facts = gather(workspace, [item], {item.pk: Span(first, last)})[item.pk]
    alone = _active_on_single_days(facts, first, last)
    spans = list(VerdictSpan.objects.filter(item=item, from_on__lte=last).order_by("from_on"))
    days = []
    place = 0
    for day in days_between(first, last):
        while place < len(spans) and spans[place].from_on <= day:
            place += 1
        told = spans[place - 1] if place else None
        read = judge(facts.on(day), facts.thresholds, day)
        days.append(
            DayOfUse(
                on=day,
                active=read.active,
                eligible=read.eligible,
                eligible_from=read.eligible_from,
                share=read.share,
                low=read.low,
                high=read.high,
                active_that_day=alone.get(day),
                verdict=told.verdict if told else None,
                reason=told.reason if told else None,
            )
        )
    return days


def _active_on_single_days(facts: ItemFacts, first: date, last: date) -> Mapping[date, float]:
    """Who was active on each day alone: by events, else by the primary source's snapshots of one day."""
    item = facts.item
    product = Product.objects.filter(pk=item.product_id).first() if item.product_id else None
    who = "customer" if product is not None and product.unit == Product.Unit.CUSTOMERS else "actor"
    used = UsageDay.objects.filter(item=item, on__range=(first, last), **_known(who)).order_by()
    stated = UsageSnapshot.objects.counted().filter(
        item=item, on__range=(first, last), days=1, active__isnull=False, source=_primary_source(facts)
    )
    by_snapshot = stated.order_by().values("on").annotate(number=Sum("active"))
    by_event = used.values("on").annotate(number=Count(who, distinct=True))
    return {
        **{row["on"]: row["number"] for row in by_snapshot},
        **{row["on"]: float(row["number"]) for row in by_event},
    }


def _known(who: str) -> dict[str, bool]:
    return {"customer__isnull": False} if who == "customer" else {}


def _primary_source(facts: ItemFacts) -> int | None:
    """The source whose snapshots count: of several the one that began first, then by key."""
    return next((shape.source_id for shape in facts.shapes if shape.has_counts or shape.has_shares), None)
