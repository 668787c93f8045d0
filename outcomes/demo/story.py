"""The whole story of Ledgerline, day by day, as the bodies of webhook deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from outcomes.demo.customers import HISTORY_DAYS
from outcomes.demo.items import App, DemoItem, Phone
from outcomes.demo.metrics import METRICS, Measured, measured
from outcomes.demo.planned import PLANNED
from outcomes.demo.released import RELEASED
from outcomes.demo.trials import TRIALS, Tried, totals_on
from outcomes.demo.usage import Reported, Used, events_on, is_reporting, snapshot_on

WORKSPACE_KEY = "demo"
WORKSPACE_NAME = "Ledgerline (generated demo)"
ROWS_A_DELIVERY = 1_000

ITEMS: tuple[DemoItem, ...] = (*RELEASED, *PLANNED)

Row = Measured | Used | Reported | Tried


@dataclass(frozen=True, slots=True)
class DemoSource:
    key: str
    name: str


SOURCES = (DemoSource(App, "Ledgerline web app"), DemoSource(Phone, "Ledgerline phone app"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body to post: `source` by key, `id` the webhook-id, `first` to `last` the days in it."""

    source: str
    id: str
    first: date
    last: date
    rows: int
    body: bytes


def history(loaded_on: date) -> Iterator[Delivery]:
    """Eighteen months up to the day before `loaded_on`, packed into few deliveries, oldest first.

    The id comes from the bytes, so that a load which was interrupted goes on where it was.
    """
    for source in SOURCES:
        pending: list[tuple[date, list[Row]]] = []
        for day, rows in days(source.key, loaded_on, -HISTORY_DAYS, -1):
            if pending and sum(len(held) for _, held in pending) + len(rows) > ROWS_A_DELIVERY:
                yield _delivery(source.key, pending)
                pending = []
            pending.append((day, rows))
        if pending:
            yield _delivery(source.key, pending)


def later(loaded_on: date, until: date) -> Iterator[Delivery]:
    """One delivery for each day from `loaded_on` to `until`, of the source that still reports.

    The id names the day: a day that was posted is known without generating it.
    """
    for day, rows in days(App, loaded_on, 0, (until - loaded_on).days):
        yield _delivery(App, [(day, rows)], id_of_day(day))


def id_of_day(day: date) -> str:
    return f"demo_{day.isoformat()}"


def days(source: str, loaded_on: date, first: int, last: int) -> Iterator[tuple[date, list[Row]]]:
    """What `source` reports for each of the days `first` to `last`, counted from the day of loading."""
    observed: dict[date, list[Measured]] = {}
    if source == App:
        for metric in METRICS:
            for row in measured(metric, loaded_on, first, last):
                observed.setdefault(row.at.date(), []).append(row)
    for day in range(first, last + 1):
        if is_reporting(source, day):
            on = loaded_on + timedelta(days=day)
            tried = [row for one in TRIALS if one.source == source for row in totals_on(one, loaded_on, day)]
            yield on, [*observed.get(on, []), *_usage(source, loaded_on, day), *tried]


def _usage(source: str, loaded_on: date, day: int) -> Iterator[Used | Reported]:
    for item in ITEMS:
        use = item.use
        if use is None or use.source != source:
            continue
        if use.told_as == "events":
            yield from events_on(item, use, loaded_on, day)
        elif (row := snapshot_on(item, use, loaded_on, day)) is not None:
            yield row


def _delivery(source: str, told: list[tuple[date, list[Row]]], id: str = "") -> Delivery:
    rows = [row for _, held in told for row in held]
    first, last = told[0][0], told[-1][0]
    document: dict[str, Any] = {
        # Stated when the last day was over, whenever it is sent: a correction by hand wins over the story.
        "sent_at": datetime.combine(last + timedelta(days=1), time(), tzinfo=UTC).isoformat(),
        "observations": [_observation(row) for row in rows if isinstance(row, Measured)],
        "usage": [_use(row) for row in rows if isinstance(row, Used)],
        "snapshots": [_snapshot(row) for row in rows if isinstance(row, Reported)],
        "experiments": [_total(row) for row in rows if isinstance(row, Tried)],
        "covers": [day.isoformat() for day, _ in told],
    }
    body = json.dumps(document, separators=(",", ":")).encode()
    return Delivery(source, id or f"demo_{sha256(body).hexdigest()[:40]}", first, last, len(rows), body)


def _observation(row: Measured) -> dict[str, Any]:
    told: dict[str, Any] = {"metric": row.metric, "at": row.at.isoformat(), "value": row.value}
    return {**told, "series": row.series} if row.series else told


def _use(row: Used) -> dict[str, Any]:
    return {
        "item": row.item,
        "actor": row.actor,
        "customer": row.customer,
        "at": row.at.isoformat(),
        "id": row.id,
    }


def _total(row: Tried) -> dict[str, Any]:
    told = {"key": row.key, "variant": row.variant, "metric": row.metric, "at": row.at.isoformat()}
    return {**told, "n": row.n, "sum": row.sum, "sum_squares": row.sum_squares}


def _snapshot(row: Reported) -> dict[str, Any]:
    told: dict[str, Any] = {"item": row.item, "on": row.on.isoformat()}
    if row.share is not None:
        return {**told, "share": row.share}
    return {**told, "active": row.active, "eligible": row.eligible, "days": row.days}
