"""How many people (or customers) any event of a product was from, in every window ending on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from django.db import connection
from django.db.models import Min, Q

from outcomes.models import ItemSource, ProductAudience, UsageDay
from outcomes.pipeline.days import TREND, judged_since
from outcomes.pipeline.gather import reaches_back_to, thresholds_of
from outcomes.pipeline.marks import Claimed, Marks
from productops.workspaces.models import Workspace
from roadmap.models import Item, Product


def roll_audiences(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """Recompute audiences from the earliest changed day on; mark the items they moved for."""
    today = workspace.today()
    products = {
        product.pk: product for product in Product.objects.filter(id__in=[m.subject_id for m in marks])
    }
    for mark in marks:
        product = products.get(mark.subject_id)
        if product is None:
            continue
        items = counted_items(product)
        changed = [
            moved
            for window in windows_of(workspace, items)
            if (moved := _roll(workspace, product, window, items, mark.from_on, today)) is not None
        ]
        if changed:
            for item in items:
                onward.add(
                    "item", item.pk, from_on=min(changed), cause={"kind": "audience", "id": product.pk}
                )


def counted_items(product: Product) -> list[Item]:
    """The product's items that are counted: by events, or by snapshots, which may lack their eligible users."""
    counted = ItemSource.objects.filter(Q(has_events=True) | Q(has_counts=True), item__product=product)
    return list(Item.objects.filter(id__in=counted.values("item_id"), status="released", archived_at=None))


def _roll(
    workspace: Workspace,
    product: Product,
    window: int,
    items: Sequence[Item],
    from_on: date | None,
    today: date,
) -> date | None:
    """Write the audience of one window length; return the earliest day on which it changed."""
    stale, is_gone = stale_days(workspace, product, window, items, from_on, today)
    if is_gone:
        ProductAudience.objects.filter(product=product, window_days=window).delete()
        return date.min
    ProductAudience.objects.bulk_create(
        [
            ProductAudience(
                workspace_id=product.workspace_id,
                product=product,
                window_days=window,
                on=on,
                active=active,
                item_count=item_count,
            )
            for on, (active, item_count) in sorted(stale.items())
        ],
        update_conflicts=True,
        unique_fields=["product", "window_days", "on"],
        update_fields=["active", "item_count"],
    )
    return min(stale, default=None)


def windows_of(workspace: Workspace, items: Sequence[Item]) -> list[int]:
    """The window lengths that these items are judged by."""
    return sorted({thresholds_of(workspace, item).window_days for item in items})


def stale_days(
    workspace: Workspace,
    product: Product,
    window: int,
    items: Sequence[Item],
    from_on: date | None,
    today: date,
) -> tuple[dict[date, tuple[int, int]], bool]:
    """What is to be written of an audience, by day, and whether all that is stored is to go. Reads only.

    `items` are those of the product that are counted. Days that none of them is judged by are left alone: use that is
    dated decades before the first release is a fact, and nothing is held against it.
    """
    stored = ProductAudience.objects.filter(product=product, window_days=window)
    oldest = UsageDay.objects.filter(item__product=product, on__lte=today).aggregate(first=Min("on"))["first"]
    if oldest is None:
        return {}, stored.exists()
    first = max(oldest, _first_looked_at(workspace, window, items, today))
    if from_on is not None:
        first = max(from_on, first)
    known = {row.on: (row.active, row.item_count) for row in stored.filter(on__gte=first)}
    counted = _count(product, window, first, today)
    return {on: numbers for on, numbers in counted.items() if known.get(on) != numbers}, False


def _first_looked_at(workspace: Workspace, window: int, items: Sequence[Item], today: date) -> date:
    """The earliest day whose audience a verdict on one of these items reads, or the change of one since a year."""
    judged_from = [
        judged_since(item, workspace)
        for item in items
        if thresholds_of(workspace, item).window_days == window
    ]
    return reaches_back_to(min([today - TREND, *judged_from]), window, with_season=True)


def _count(product: Product, window: int, first: date, today: date) -> dict[date, tuple[int, int]]:
    """Distinct actors, and items with events, in each window that ends in [first, today]."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGES,
            {
                "product": product.pk,
                "window": window,
                "since": first - timedelta(days=window),
                "today": today,
                "by_customer": product.unit == Product.Unit.CUSTOMERS,
            },
        )
        changes: dict[str, dict[date, int]] = defaultdict(dict)
        for kind, on, change in cursor.fetchall():
            changes[kind][on] = change
    counted = {}
    active = item_count = 0
    day = first - timedelta(days=window)
    while day <= today:
        active += changes["who"].get(day, 0)
        item_count += changes["item"].get(day, 0)
        if day >= first:
            counted[day] = (active, item_count)
        day += timedelta(days=1)
    return counted


_CHANGES = """
    WITH used AS (
        SELECT used.item_id, used."on",
               CASE WHEN %(by_customer)s THEN int8send(used.customer_id) ELSE used.actor END AS who
        FROM roadmap_item item CROSS JOIN LATERAL (
            SELECT * FROM outcomes_usageday used
            WHERE used.item_id = item.id AND used."on" BETWEEN %(since)s AND %(today)s OFFSET 0
        ) AS used
        WHERE item.product_id = %(product)s
          AND (NOT %(by_customer)s OR used.customer_id IS NOT NULL)
    ), ranges AS (
        SELECT 'who' AS kind, unnest(range_agg(daterange("on", "on" + %(window)s))) AS days FROM used GROUP BY who
        UNION ALL
        SELECT 'item', unnest(range_agg(daterange("on", "on" + %(window)s))) FROM used GROUP BY item_id
    )
    SELECT kind, on_day, sum(change)::int
    FROM ranges, LATERAL (VALUES (lower(days), 1), (upper(days), -1)) AS edges (on_day, change)
    GROUP BY kind, on_day
"""
