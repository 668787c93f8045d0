"""The usage facts of a batch of items, read set-wise.

Distinct actors are counted exactly for every window at once: each actor's days, stretched by the window,
become ranges whose ends are where the count changes. PostgreSQL merges the ranges; what travels is one row
per change, however many people use an item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection

from outcomes.formulas.coverage import CombinedCalendar, SourceCalendar, combined
from outcomes.formulas.usage import Snapshot
from outcomes.formulas.verdicts import Thresholds
from outcomes.models import ItemSource, ProductAudience, Source, SourceDay
from outcomes.pipeline.counted import Points, Steps
from outcomes.pipeline.days import Span, a_year_before
from outcomes.pipeline.earlier import asking_earlier
from outcomes.pipeline.prepared import execute_prepared
from outcomes.pipeline.usage_facts import ItemFacts, Shape
from productops.workspaces.models import Workspace
from roadmap.models import Item, Product


def gather(
    workspace: Workspace,
    items: Sequence[Item],
    spans: Mapping[int, Span],
    *,
    days: Sequence[date] | None = None,
    with_season: bool = False,
) -> dict[int, ItemFacts]:
    """Return the facts of each item for its span of days. A fixed number of queries, whatever the items.

    `days` says that only these days of the spans will be asked about: then less is read.
    """
    today = workspace.today()
    found = {item.pk: _blank(workspace, item) for item in items}
    _add_sources(found, today)
    used = [facts for facts in found.values() if facts.first_used_on is not None and not facts.is_exempt]
    if not used:
        return found
    reach_back = {
        facts.item.pk: reaches_back_to(
            spans[facts.item.pk].first, facts.thresholds.window_days, with_season=with_season
        )
        for facts in used
    }
    products = {
        product.pk: product
        for product in Product.objects.filter(id__in={facts.item.product_id for facts in used})
    }
    for facts in used:
        product = products.get(facts.item.product_id or 0)
        facts.declared_eligible = product.eligible_count if product else None
        facts.has_season = with_season
        facts.read_from = reach_back[facts.item.pk]
        snapshots = (shape.source_id for shape in facts.shapes if shape.has_counts or shape.has_shares)
        by_customer = _by_customer(facts, products)
        facts.was_used_between = asking_earlier(facts.item.pk, next(snapshots, None), by_customer=by_customer)
    _add_events([f for f in used if _has(f, "has_events")], products, reach_back, days, today)
    _add_snapshots([f for f in used if _has(f, "has_counts") or _has(f, "has_shares")], reach_back, today)
    _add_audiences(used, reach_back, days)
    _add_first_active(used, products, today)
    return found


def thresholds_of(workspace: Workspace, item: Item) -> Thresholds:
    """The workspace's thresholds with the item's own over them, W at least twice its natural period."""

    def own(name: str) -> Any:
        value = getattr(item, name)
        return getattr(workspace, name) if value is None else value

    return Thresholds(
        window_days=own("window_days"),
        grace_days=own("grace_days"),
        under_used_below=own("under_used_below"),
        target_adoption=own("target_adoption"),
    ).for_natural_period(item.natural_period_days)


def _blank(workspace: Workspace, item: Item) -> ItemFacts:
    is_exempt = item.status != "released" or item.usage_policy != "normal" or item.archived_at is not None
    return ItemFacts(item, thresholds_of(workspace, item), is_exempt)


def _has(facts: ItemFacts, shape: str) -> bool:
    return any(getattr(one, shape) for one in facts.shapes)


def reaches_back_to(day: date, window_days: int, *, with_season: bool) -> date:
    """The earliest day whose facts are read to judge from `day` on."""
    first = a_year_before(day) if with_season else day
    return max(first, date(1900, 1, 1)) - timedelta(days=2 * window_days + 7)


_SHAPE = ("has_events", "has_counts", "has_shares", "first_on", "last_on")


def _add_sources(found: Mapping[int, ItemFacts], today: date) -> None:
    held = ItemSource.objects.filter(item_id__in=found, first_on__lte=today)
    shapes = list(held.values_list("item_id", "source_id", *_SHAPE))
    sources = Source.objects.in_bulk({shape[1] for shape in shapes})
    days: dict[int, list[date]] = defaultdict(list)
    reported = SourceDay.objects.exclude(has_usage=False, is_stated=False).filter(
        source_id__in=sources, on__lte=today
    )
    for source_id, on in reported.values_list("source_id", "on"):
        days[source_id].append(on)
    calendars = {id_: SourceCalendar(source.cadence, days[id_]) for id_, source in sources.items()}
    together: dict[tuple[int, ...], SourceCalendar | CombinedCalendar] = {}
    coverage: dict[Any, Any] = {}
    for item_id, source_id, *shape in shapes:
        found[item_id].shapes.append(Shape(source_id, sources[source_id].key, *shape))
    for facts in found.values():
        if not facts.shapes:
            continue
        # Of two sources of snapshots the one that began first counts, then the one whose key comes first.
        facts.shapes.sort(key=lambda shape: (shape.first_on, shape.key))
        facts.first_used_on = facts.shapes[0].first_on
        facts.coverage = coverage
        known: list[int] = []
        for shape in facts.shapes:
            known = sorted({*known, shape.source_id})
            calendar = together.setdefault(tuple(known), combined([calendars[id_] for id_ in known]))
            facts.calendars.append((shape.first_on.toordinal(), calendar))
        primary = next((shape for shape in facts.shapes if shape.has_counts or shape.has_shares), None)
        facts.primary = calendars[primary.source_id] if primary else None


_DISTINCT = """
    WITH asked AS (
        SELECT * FROM unnest(%(items)s::bigint[], %(windows)s::int[], %(firsts)s::date[], %(customers)s::bool[])
                      AS asked (item_id, w, first, by_customer)
    ), who AS (
        SELECT asked.item_id, asked.w,
               range_agg(daterange(used."on", used."on" + asked.w)) AS now,
               range_agg(daterange(used."on" + asked.w, used."on" + 2 * asked.w)) AS before
        -- LATERAL with OFFSET 0: a range of the index for each item, whatever else the tables hold.
        FROM asked CROSS JOIN LATERAL (
            SELECT * FROM outcomes_usageday used
            WHERE used.item_id = asked.item_id AND used."on" BETWEEN asked.first AND %(last)s OFFSET 0
        ) AS used
        WHERE NOT asked.by_customer OR used.customer_id IS NOT NULL
        GROUP BY asked.item_id, asked.w,
                 CASE WHEN asked.by_customer THEN int8send(used.customer_id) ELSE used.actor END
    ), ranges AS (
        SELECT item_id, 'active' AS kind, unnest(now) AS days FROM who
        UNION ALL
        SELECT item_id, 'both', unnest(now * before) FROM who
    )
    SELECT item_id, kind, on_day, sum(change)::int
    FROM ranges, LATERAL (VALUES (lower(days), 1), (upper(days), -1)) AS edges (on_day, change)
    GROUP BY item_id, kind, on_day
"""


def _add_events(
    used: Sequence[ItemFacts],
    products: Mapping[int, Product],
    reach_back: Mapping[int, date],
    days: Sequence[date] | None,
    today: date,
) -> None:
    """Add who used the items: on any day of their ranges, or (`days`) as those days alone ask for it."""
    if not used:
        return
    if days is not None:
        _add_points(used, products, days, today)
        return
    steps = _steps(used, products, reach_back, today)
    for facts in used:
        facts.actors, facts.returning = steps[facts.item.pk, "active"], steps[facts.item.pk, "both"]


def _steps(
    used: Sequence[ItemFacts], products: Mapping[int, Product], reach_back: Mapping[int, date], today: date
) -> dict[tuple[int, str], Steps]:
    with connection.cursor() as cursor:
        cursor.execute(
            _DISTINCT,
            {
                "items": [facts.item.pk for facts in used],
                "windows": [facts.thresholds.window_days for facts in used],
                "firsts": [reach_back[facts.item.pk] for facts in used],
                "customers": [_by_customer(facts, products) for facts in used],
                "last": today,
            },
        )
        changes: dict[tuple[int, str], list[tuple[date, int]]] = defaultdict(list)
        for item_id, kind, on, change in cursor.fetchall():
            changes[item_id, kind].append((on, change))
    kinds = ("active", "both")
    return {(f.item.pk, kind): Steps(changes[f.item.pk, kind]) for f in used for kind in kinds}


# For each day asked about: who was active in the window that ends on it, in the one before, and in both. One row
# a person in between, so that what is counted is exact.
_POINTS = """
    SELECT asked.item_id, day."on", counted.*
    FROM unnest(%(items)s::bigint[], %(windows)s::int[], %(customers)s::bool[]) AS asked (item_id, w, by_customer)
    CROSS JOIN unnest(%(days)s::date[]) AS day ("on")
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE is_now)::int, count(*) FILTER (WHERE is_before)::int,
               count(*) FILTER (WHERE is_now AND is_before)::int
        FROM (
            SELECT bool_or(used."on" > day."on" - asked.w) AS is_now,
                   bool_or(used."on" <= day."on" - asked.w) AS is_before
            FROM outcomes_usageday used
            WHERE used.item_id = asked.item_id AND used."on" > day."on" - 2 * asked.w AND used."on" <= day."on"
              AND (NOT asked.by_customer OR used.customer_id IS NOT NULL)
            GROUP BY CASE WHEN asked.by_customer THEN int8send(used.customer_id) ELSE used.actor END
        ) AS who
    ) AS counted (active, previous, again)
"""


def _add_points(
    used: Sequence[ItemFacts], products: Mapping[int, Product], days: Sequence[date], today: date
) -> None:
    rows = execute_prepared(
        _POINTS,
        {
            "items": [facts.item.pk for facts in used],
            "windows": [facts.thresholds.window_days for facts in used],
            "customers": [_by_customer(facts, products) for facts in used],
            "days": list(days),
        },
    )
    active: dict[int, dict[date, int]] = defaultdict(dict)
    both: dict[int, dict[date, int]] = defaultdict(dict)
    windows = {facts.item.pk: facts.window for facts in used}
    for item_id, on, now, before, again in rows:
        active[item_id][on] = now
        active[item_id][on - windows[item_id]] = before
        both[item_id][on] = again
    for facts in used:
        facts.actors = Points(active[facts.item.pk], _asked_later(facts, products, "active", today))
        facts.returning = Points(both[facts.item.pk], _asked_later(facts, products, "both", today))


def _asked_later(
    facts: ItemFacts, products: Mapping[int, Product], kind: str, today: date
) -> Callable[[date], Steps]:
    """Read an item's users for another day: what a flag that has stood for long wants to know."""

    def read(day: date) -> Steps:
        first = day - 2 * facts.window - timedelta(days=7)
        return _steps([facts], products, {facts.item.pk: first}, today)[facts.item.pk, kind]

    return read


def _by_customer(facts: ItemFacts, products: Mapping[int, Product]) -> bool:
    product = products.get(facts.item.product_id or 0)
    return product is not None and product.unit == Product.Unit.CUSTOMERS


def _add_snapshots(used: Sequence[ItemFacts], reach_back: Mapping[int, date], today: date) -> None:
    primaries = {
        facts.item.pk: shape.source_id
        for facts in used
        for shape in reversed(facts.shapes)
        if shape.has_counts or shape.has_shares
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.item_id, s."on", s.days, s.active, s.eligible, s.share
            FROM unnest(%s::bigint[], %s::bigint[], %s::date[]) AS asked (item_id, source_id, first)
            CROSS JOIN LATERAL (
                SELECT * FROM outcomes_usagesnapshot s
                WHERE s.item_id = asked.item_id AND s.source_id = asked.source_id
                  AND s."on" BETWEEN asked.first AND %s AND NOT s.is_retracted OFFSET 0
            ) AS s
            ORDER BY s.item_id, s."on", s.days
            """,
            [list(primaries), list(primaries.values()), [reach_back[id_] for id_ in primaries], today],
        )
        rows: dict[int, list[Any]] = defaultdict(list)
        for item_id, *row in cursor.fetchall():
            rows[item_id].append(row)
    for facts in used:
        _read_snapshots(facts, rows[facts.item.pk])


def _read_snapshots(facts: ItemFacts, rows: Sequence[Any]) -> None:
    for on, days, active, eligible, share in rows:
        if share is None:
            facts.counts.append(Snapshot(on, active, eligible, days))
            facts.counts_on.append(on.toordinal())
        else:
            facts.shares_on.append(on.toordinal())
            facts.shares_sum.append(facts.shares_sum[-1] + share)


def _add_audiences(
    used: Sequence[ItemFacts], reach_back: Mapping[int, date], days: Sequence[date] | None
) -> None:
    products = {facts.item.product_id for facts in used if facts.item.product_id}
    if not products:
        return
    rows = ProductAudience.objects.filter(product_id__in=products)
    if days is None:
        rows = rows.filter(on__gte=min(reach_back.values()))
    else:
        windows = {facts.window for facts in used}
        rows = rows.filter(on__in={*days, *(day - window for day in days for window in windows)})
    audiences: dict[tuple[int, int], dict[date, tuple[int, int]]] = defaultdict(dict)
    for product_id, window, on, active, item_count in rows.values_list(
        "product_id", "window_days", "on", "active", "item_count"
    ):
        audiences[product_id, window][on] = (active, item_count)
    for facts in used:
        facts.audience = audiences[facts.item.product_id or 0, facts.thresholds.window_days]


def _add_first_active(used: Sequence[ItemFacts], products: Mapping[int, Product], today: date) -> None:
    """The first day since the release on which anybody used the item, by events or by snapshots."""
    released = [facts for facts in used if facts.item.released_on is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.item_id, least(
                (SELECT "on" FROM outcomes_usageday u
                 WHERE u.item_id = asked.item_id AND u."on" BETWEEN asked.since AND %(today)s
                   AND (NOT asked.by_customer OR u.customer_id IS NOT NULL) ORDER BY "on" LIMIT 1),
                (SELECT "on" FROM outcomes_usagesnapshot s
                 WHERE s.item_id = asked.item_id AND s."on" BETWEEN asked.since AND %(today)s
                   AND NOT s.is_retracted AND (s.active > 0 OR s.share > 0) ORDER BY "on" LIMIT 1))
            FROM unnest(%(items)s::bigint[], %(since)s::date[], %(customers)s::bool[])
                 AS asked (item_id, since, by_customer)
            """,
            {
                "today": today,
                "items": [facts.item.pk for facts in released],
                "since": [facts.item.released_on for facts in released],
                "customers": [_by_customer(facts, products) for facts in released],
            },
        )
        first = dict(cursor.fetchall())
    for facts in released:
        facts.first_active_on = first[facts.item.pk]
