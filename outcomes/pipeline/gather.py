"""The usage facts of a batch of items, read set-wise and asked for any day of a range.

Distinct actors are counted exactly for every window at once: each actor's days, stretched by the window,
become ranges whose ends are where the count changes. PostgreSQL merges the ranges; what travels is one row
per change, however many people use an item.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from django.db import connection

from outcomes.formulas.coverage import CombinedCalendar, SourceCalendar, combined
from outcomes.formulas.usage import Snapshot, mean_share, reach_from_covering, reach_from_short
from outcomes.formulas.verdicts import (
    COUNTS,
    EVENTS,
    SHARES,
    SHORT_COUNTS,
    Before,
    Thresholds,
    UsageOn,
    change_of,
    eligible_of,
)
from outcomes.models import ItemSource, ProductAudience, SourceDay
from productops.workspaces.models import Workspace
from roadmap.models import Item, Product

# With this much history of an item a fall is compared with the same weeks a year earlier.
SEASON_DAYS = 396


@dataclass(frozen=True, slots=True)
class Span:
    """The days, both included, for which an item is asked about."""

    first: date
    last: date


@dataclass(slots=True)
class ItemFacts:
    """Everything the verdicts on one item need, for the days it was gathered for."""

    item: Item
    thresholds: Thresholds
    is_exempt: bool
    first_used_on: date | None = None
    first_active_on: date | None = None
    declared_eligible: int | None = None
    has_season: bool = False
    judged_on: date = date.max
    _shapes: list[ItemSource] = field(default_factory=list)
    _calendars: list[tuple[int, SourceCalendar | CombinedCalendar]] = field(default_factory=list)
    _coverage: dict[Any, Any] = field(default_factory=dict)
    _active: _Steps = field(default_factory=lambda: _Steps([]))
    _both: _Steps = field(default_factory=lambda: _Steps([]))
    _audience: dict[date, tuple[int, int]] = field(default_factory=dict)
    _counts: list[Snapshot] = field(default_factory=list)
    _counts_on: list[int] = field(default_factory=list)
    _shares_on: list[int] = field(default_factory=list)
    _shares_sum: list[float] = field(default_factory=lambda: [0.0])
    _primary: SourceCalendar | None = None

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.thresholds.window_days)

    def on(self, day: date) -> UsageOn:
        """Return what was known of the item's use for `day`, from facts dated up to it."""
        released_on = self.item.released_on
        has_usage = self.first_used_on is not None and self.first_used_on <= day
        if self.is_exempt or released_on is None or not has_usage:
            return UsageOn(is_exempt=self.is_exempt, released_on=released_on, has_usage_ever=has_usage)
        is_silent, expected, covered, expected_before, covered_before = self._covered(day)
        kind = self._kind(day)
        now = self._reach(kind, day)
        return UsageOn(
            kind=kind,
            is_exempt=False,
            released_on=released_on,
            has_usage_ever=True,
            is_silent=is_silent,
            expected=expected,
            covered=covered,
            expected_before=expected_before,
            covered_before=covered_before,
            active=now.active,
            eligible=now.eligible,
            eligible_from=now.eligible_from,
            share=now.share,
            upper_share=now.upper_share,
            mean_share=now.mean_share,
            has_active_since_release=self.first_active_on is not None and self.first_active_on <= day,
            before=self._before(kind, now.eligible_from, day),
            year_ago_ratio=self._year_ago_ratio(day) if self.has_season else None,
        )

    def still_active(self, day: date) -> tuple[float | None, float | None]:
        """Return (active in the window before W, those of them active in W); None without identities.

        Also None until the window before lies wholly after the release.
        """
        released_on = self.item.released_on
        first_before = day - 2 * self.window + timedelta(days=1)
        if released_on is None or first_before < released_on or self._kind(day) != EVENTS:
            return None, None
        return self._active.at(day - self.window), self._both.at(day)

    def newest_on(self, day: date) -> date | None:
        """The newest day up to `day` for which any of the item's sources spoke of it."""
        return max((min(shape.last_on, day) for shape in self._shapes if shape.first_on <= day), default=None)

    def was_normal_before(self, day: date) -> bool:
        """Whether people used it in the week before use was seen to end, so that the ending is suspicious."""
        return self._active.at(day - timedelta(days=7)) > 0 or self._any_snapshot(day - timedelta(days=7))

    def _any_snapshot(self, day: date) -> bool:
        first = (day - self.window).toordinal()
        counted = bisect_right(self._counts_on, day.toordinal()) - bisect_left(self._counts_on, first)
        shared = bisect_right(self._shares_on, day.toordinal()) - bisect_left(self._shares_on, first)
        return counted + shared > 0

    def _covered(self, day: date) -> tuple[bool, int, int, int, int]:
        calendar = self._calendar(day)
        # Items of the same sources ask the same question; it is answered once for all of them.
        question = (id(calendar), self.thresholds.window_days, day)
        answer = self._coverage.get(question)
        if answer is None:
            first = day - self.window + timedelta(days=1)
            before = (first - self.window, first - timedelta(days=1))
            answer = (
                calendar.is_silent(day),
                *calendar.expected(first, day, day),
                *calendar.expected(*before, day),
            )
            self._coverage[question] = answer
        return answer

    def _calendar(self, day: date) -> SourceCalendar | CombinedCalendar:
        """The calendar of the sources that had spoken of the item by `day`."""
        place = bisect_right(self._calendars, day.toordinal(), key=lambda entry: entry[0])
        return self._calendars[place - 1][1]

    def _kind(self, day: date) -> str:
        """What the window is read from: events win over snapshots with counts, those over shares.

        With nothing in the window, by what the item was ever measured with.
        """
        if self._active.at(day) > 0:
            return EVENTS
        first, last = (day - self.window).toordinal() + 1, day.toordinal()
        begin, end = bisect_left(self._counts_on, first), bisect_right(self._counts_on, last)
        if end > begin:
            covers = any(row.days >= self.thresholds.window_days for row in self._counts[begin:end])
            return COUNTS if covers else SHORT_COUNTS
        if bisect_right(self._shares_on, last) > bisect_left(self._shares_on, first):
            return SHARES
        known = [shape for shape in self._shapes if shape.first_on <= day]
        if any(shape.has_events for shape in known):
            return EVENTS
        return COUNTS if any(shape.has_counts for shape in known) else SHARES

    def _reach(self, kind: str, day: date) -> _Reach:
        first = day - self.window + timedelta(days=1)
        if kind == SHARES:
            covered = self._primary.covered_days(first, day) if self._primary else 0
            return _Reach(share=mean_share(self._shares_between(first, day), covered))
        stated = self._eligible_stated(first, day)
        measured = self._audience_on(day)
        eligible, eligible_from = next(
            (
                (number, origin)
                for number, origin in (
                    (stated, "snapshot"),
                    (measured, "events"),
                    (self.declared_eligible, "product"),
                )
                if number is not None
            ),
            (None, None),
        )
        if kind == EVENTS:
            return _Reach(self._active.at(day), eligible, eligible_from)
        rows = self._counts[
            bisect_left(self._counts_on, first.toordinal()) : bisect_right(self._counts_on, day.toordinal())
        ]
        rows = [
            row if row.eligible is not None else Snapshot(row.on, row.active, eligible, row.days)
            for row in rows
        ]
        if kind == COUNTS:
            taken = reach_from_covering(rows, first=first, last=day)
            if taken is None:
                return _Reach(0.0, eligible, eligible_from)
            return _Reach(taken.active, taken.eligible, eligible_from)
        short = reach_from_short(rows, first=first, last=day)
        if short is None:
            return _Reach(0.0, eligible, eligible_from)
        daily = [row.active / row.eligible for row in rows if row.eligible]
        return _Reach(
            short.active,
            short.eligible,
            eligible_from,
            share=short.lower,
            upper_share=short.upper,
            mean_share=sum(daily) / len(daily) if daily else None,
        )

    def _before(self, kind: str, eligible_from: str | None, day: date) -> Before | None:
        """The window before W, read in the same way; None when that would compare two different things."""
        released_on = self.item.released_on
        past = day - self.window
        first_before = past - self.window + timedelta(days=1)
        if released_on is None or first_before <= released_on:
            return None
        then = self._reach(kind, past)
        if kind == SHARES:
            return Before(share=then.share)
        if then.eligible_from != eligible_from:
            return None
        if kind == SHORT_COUNTS:
            return Before(active=then.active, eligible=then.eligible, share=then.mean_share)
        if kind == COUNTS:
            return Before(active=then.active, eligible=then.eligible)
        active, both = self._active.at(past), self._both.at(day)
        return Before(
            active=active,
            eligible=then.eligible,
            only_before=active - both,
            only_now=self._active.at(day) - both,
        )

    def _year_ago_ratio(self, day: date) -> float | None:
        if self.first_used_on is None or (day - self.first_used_on).days < SEASON_DAYS:
            return None
        then = _a_year_before(day)
        kind = self._kind(then)
        if kind != self._kind(day):
            return None
        reach = self._reach(kind, then)
        usage = UsageOn(
            kind=kind,
            active=reach.active,
            eligible=reach.eligible,
            share=reach.share,
            mean_share=reach.mean_share,
            before=self._before(kind, reach.eligible_from, then),
        )
        change = change_of(usage, eligible_of(usage))
        return change.ratio if change else None

    def _audience_on(self, day: date) -> int | None:
        active, item_count = self._audience.get(day, (0, 0))
        # When only this item's events arrive, its audience would be its own users.
        return active if item_count >= 2 else None

    def _eligible_stated(self, first: date, last: date) -> float | None:
        """The newest eligible that a snapshot in the window stated."""
        begin = bisect_left(self._counts_on, first.toordinal())
        end = bisect_right(self._counts_on, last.toordinal())
        for row in reversed(self._counts[begin:end]):
            if row.eligible is not None:
                return row.eligible
        return None

    def _shares_between(self, first: date, last: date) -> float:
        begin = bisect_left(self._shares_on, first.toordinal())
        end = bisect_right(self._shares_on, last.toordinal())
        return self._shares_sum[end] - self._shares_sum[begin]


@dataclass(frozen=True, slots=True)
class _Reach:
    active: float | None = None
    eligible: float | None = None
    eligible_from: str | None = None
    share: float | None = None
    upper_share: float | None = None
    mean_share: float | None = None


class _Steps:
    """A count that changes on some days, given by its changes."""

    __slots__ = ("_days", "_levels")

    def __init__(self, changes: Sequence[tuple[date, int]]) -> None:
        ordered = sorted(changes)
        self._days = [day.toordinal() for day, _ in ordered]
        self._levels = [0, *accumulate(change for _, change in ordered)]

    def at(self, day: date) -> int:
        return self._levels[bisect_right(self._days, day.toordinal())]


def gather(
    workspace: Workspace, items: Sequence[Item], spans: Mapping[int, Span], *, with_season: bool = False
) -> dict[int, ItemFacts]:
    """Return the facts of each item for its span of days. A fixed number of queries, whatever the items."""
    today = workspace.today()
    found = {item.pk: _blank(workspace, item) for item in items}
    _add_sources(found, today)
    used = [facts for facts in found.values() if facts.first_used_on is not None and not facts.is_exempt]
    if not used:
        return found
    reach_back = {facts.item.pk: _first_needed(facts, spans[facts.item.pk], with_season) for facts in used}
    products = {
        product.pk: product
        for product in Product.objects.filter(id__in={facts.item.product_id for facts in used})
    }
    for facts in used:
        product = products.get(facts.item.product_id or 0)
        facts.declared_eligible = product.eligible_count if product else None
        facts.has_season = with_season
    _add_events([f for f in used if _has(f, "has_events")], products, reach_back, today)
    _add_snapshots([f for f in used if _has(f, "has_counts") or _has(f, "has_shares")], reach_back, today)
    _add_audiences(used, reach_back)
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
    return any(getattr(one, shape) for one in facts._shapes)


def _first_needed(facts: ItemFacts, span: Span, with_season: bool) -> date:
    first = _a_year_before(span.first) if with_season else span.first
    return max(first, date(1900, 1, 1)) - 2 * facts.window - timedelta(days=7)


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _add_sources(found: Mapping[int, ItemFacts], today: date) -> None:
    shapes = list(ItemSource.objects.filter(item_id__in=found, first_on__lte=today).select_related("source"))
    days: dict[int, list[date]] = defaultdict(list)
    reported = SourceDay.objects.exclude(has_usage=False, is_stated=False).filter(
        source_id__in={shape.source_id for shape in shapes}, on__lte=today
    )
    for source_id, on in reported.values_list("source_id", "on"):
        days[source_id].append(on)
    sources = {shape.source_id: shape.source for shape in shapes}
    calendars = {id_: SourceCalendar(source.cadence, days[id_]) for id_, source in sources.items()}
    together: dict[tuple[int, ...], SourceCalendar | CombinedCalendar] = {}
    coverage: dict[Any, Any] = {}
    for shape in shapes:
        found[shape.item_id]._shapes.append(shape)
    for facts in found.values():
        if not facts._shapes:
            continue
        # Of two sources of snapshots the one that began first counts, then the one whose key comes first.
        facts._shapes.sort(key=lambda shape: (shape.first_on, shape.source.key))
        facts.first_used_on = facts._shapes[0].first_on
        facts._coverage = coverage
        known: list[int] = []
        for shape in facts._shapes:
            known = sorted({*known, shape.source_id})
            calendar = together.setdefault(tuple(known), combined([calendars[id_] for id_ in known]))
            facts._calendars.append((shape.first_on.toordinal(), calendar))
        primary = next((shape for shape in facts._shapes if shape.has_counts or shape.has_shares), None)
        facts._primary = calendars[primary.source_id] if primary else None


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
    used: Sequence[ItemFacts], products: Mapping[int, Product], reach_back: Mapping[int, date], today: date
) -> None:
    if not used:
        return
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
    for facts in used:
        facts._active = _Steps(changes[facts.item.pk, "active"])
        facts._both = _Steps(changes[facts.item.pk, "both"])


def _by_customer(facts: ItemFacts, products: Mapping[int, Product]) -> bool:
    product = products.get(facts.item.product_id or 0)
    return product is not None and product.unit == Product.Unit.CUSTOMERS


def _add_snapshots(used: Sequence[ItemFacts], reach_back: Mapping[int, date], today: date) -> None:
    primaries = {
        facts.item.pk: shape.source_id
        for facts in used
        for shape in reversed(facts._shapes)
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
            facts._counts.append(Snapshot(on, active, eligible, days))
            facts._counts_on.append(on.toordinal())
        else:
            facts._shares_on.append(on.toordinal())
            facts._shares_sum.append(facts._shares_sum[-1] + share)


def _add_audiences(used: Sequence[ItemFacts], reach_back: Mapping[int, date]) -> None:
    products = {facts.item.product_id for facts in used if facts.item.product_id}
    if not products:
        return
    first = min(reach_back.values())
    rows = ProductAudience.objects.filter(product_id__in=products, on__gte=first)
    audiences: dict[tuple[int, int], dict[date, tuple[int, int]]] = defaultdict(dict)
    for product_id, window, on, active, item_count in rows.values_list(
        "product_id", "window_days", "on", "active", "item_count"
    ):
        audiences[product_id, window][on] = (active, item_count)
    for facts in used:
        facts._audience = audiences[facts.item.product_id or 0, facts.thresholds.window_days]


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


def days_between(first: date, last: date) -> list[date]:
    """Return every day from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
