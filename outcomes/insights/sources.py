"""How fresh the sources are, and which items a flag shows to people who do not use them."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from outcomes.insights.asking import ITEMS, Question, Told, read, read_list
from outcomes.models import Source
from outcomes.services.health import HEALTH_STATES, health_of, with_health


@dataclass(frozen=True, slots=True)
class SourcesSummary:
    """Sources by whether they still report."""

    sources: int
    never_seen: int
    fresh: int
    silent: int


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """A source, the newest day it reported for, and what of it still waits or was set aside."""

    id: int
    key: str
    name: str
    kind: str
    cadence: str
    state: str
    last_covered_on: date | None
    days_behind: int | None
    last_seen_at: datetime | None
    waiting: int
    set_aside: int
    items: int


@dataclass(frozen=True, slots=True)
class ExposuresSummary:
    """Items whose flag evaluated on in the workspace's window, and those of them that nobody is known to use."""

    exposed: int
    without_use: int


@dataclass(frozen=True, slots=True)
class ExposedItem:
    """An item whose flag evaluated on while nobody is known to use it."""

    id: int
    key: str
    title: str
    status: str
    on: int
    off: int
    last_on: date
    verdict: str | None
    active: float | None


def source_freshness(question: Question) -> Told[SourcesSummary, SourceFreshness]:
    """Sources, those that fell silent first, then those that were never heard."""
    workspace, today = question.workspace, question.today
    items = {
        row["source_id"]: row["items"]
        for row in read(
            "SELECT source_id, count(*) AS items FROM outcomes_itemsource WHERE workspace_id = %(workspace)s"
            " GROUP BY source_id",
            question,
        )
    }
    rows = []
    for source in with_health(Source.objects.in_workspace(workspace.pk), today):
        health = health_of(source, today)
        newest: date | None = health["last_covered_on"]
        rows.append(
            SourceFreshness(
                id=source.pk,
                key=source.key,
                name=source.name,
                kind=source.kind,
                cadence=source.cadence,
                state=health["state"],
                last_covered_on=newest,
                days_behind=(today - newest).days if newest else None,
                last_seen_at=source.seen_at,  # type: ignore[attr-defined]  # annotated by with_health
                waiting=health["waiting"],
                set_aside=health["set_aside"],
                items=items.get(source.pk, 0),
            )
        )
    urgency = {"silent": 0, "never_seen": 1, "fresh": 2}
    rows.sort(key=lambda row: (urgency[row.state], -(row.days_behind or 0), row.key))
    counts = {state: sum(row.state == state for row in rows) for state in HEALTH_STATES}
    return Told(SourcesSummary(sources=len(rows), **counts), rows[: question.limit])


_EXPOSED = f"""
    SELECT item.id, item.key, item.title, item.status, shown.on, shown.off, shown.last_on, usage.verdict,
           usage.active, coalesce(usage.active, 0) = 0 AND coalesce(usage.share, 0) = 0 AS is_without_use
    FROM roadmap_item item
    LEFT JOIN outcomes_itemusage usage ON usage.item_id = item.id
    JOIN (
        SELECT item_id, sum(on_count)::bigint AS "on", sum(off_count)::bigint AS off,
               max(on_date) FILTER (WHERE on_count > 0) AS last_on
        FROM outcomes_exposure
        WHERE workspace_id = %(workspace)s AND on_date BETWEEN %(today)s::date - (%(window)s - 1) AND %(today)s
        GROUP BY item_id HAVING sum(on_count) > 0
    ) AS shown ON shown.item_id = item.id
    WHERE {ITEMS}
"""


def exposure_without_use(question: Question) -> Told[ExposuresSummary, ExposedItem]:
    """Items that a flag shows and nobody is known to use, the most shown first."""
    (summary,) = read(
        f"""
        SELECT count(*) AS exposed, count(*) FILTER (WHERE is_without_use) AS without_use
        FROM ({_EXPOSED}) AS exposed
        """,
        question,
    )
    rows = read_list(
        f"""SELECT * FROM ({_EXPOSED}) AS exposed WHERE is_without_use ORDER BY "on" DESC, id LIMIT %(limit)s""",
        question,
    )
    names = ExposedItem.__dataclass_fields__
    return Told(
        ExposuresSummary(**summary), [ExposedItem(**{name: row[name] for name in names}) for row in rows]
    )
