"""State facts as deliveries do, and read what the pipeline made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection

from outcomes.models import Delivery, ItemUsage, ItemValue, Source
from outcomes.pipeline import receive, senders, settle
from outcomes.sources.signatures import Signed
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.signals import items_created
from tests.factories import a_source, a_workspace, an_item

_numbers = count(1)
LONG_AGO = date(2025, 1, 6)


@dataclass
class Team:
    """A workspace pinned to a day, with a source; `state` is one delivery."""

    pin: date = date(2026, 5, 1)
    options: dict[str, Any] = field(default_factory=dict)
    workspace: Workspace = field(init=False)
    source: Source = field(init=False)

    def __post_init__(self) -> None:
        self.workspace = a_workspace(pinned_on=self.pin, **self.options)
        self.source = a_source(self.workspace)

    def item(self, key: str = "saved-carts", **fields: Any) -> Item:
        """An item released long ago, unless something else is said."""
        released = {"status": "released", "released_on": LONG_AGO, "is_release_stated": True}
        item = an_item(self.workspace, key=key, **{**released, **fields})
        items_created.send(None, workspace_id=self.workspace.pk, ids=[item.pk], cause={"kind": "edit"})
        return item

    def state(
        self,
        body: dict[str, Any] | bytes,
        *,
        message_id: str | None = None,
        signed_at: datetime | None = None,
        source: Source | None = None,
    ) -> int:
        """Store a delivery; returns its id."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = Signed(message_id or f"msg_{next(_numbers)}", signed_at or datetime.now(UTC))
        return receive.store(senders.of(source or self.source), signed, raw, "application/json").delivery_id

    def settle(self) -> None:
        settle.settle_all(120)

    def told(self, delivery_id: int) -> Delivery:
        return Delivery.objects.get(pk=delivery_id)

    def usage(self, key: str = "saved-carts") -> ItemUsage:
        return ItemUsage.objects.get(item__workspace=self.workspace, item__key=key)

    def value(self, key: str = "saved-carts") -> ItemValue:
        return ItemValue.objects.get(item__workspace=self.workspace, item__key=key)


def days_before(last: date, number: int) -> list[date]:
    """The `number` days up to and including `last`."""
    return [last - timedelta(days=back) for back in reversed(range(number))]


def used(
    item: str, actors: Iterable[str], days: Iterable[date], customer: str | None = None
) -> list[dict[str, Any]]:
    """Usage rows: every actor on every day."""
    return [
        {
            "item": item,
            "actor": actor,
            "at": f"{day}T12:00:00Z",
            **({"customer": customer} if customer else {}),
        }
        for day in days
        for actor in actors
    ]


def people(number: int, prefix: str = "u") -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


# By key: customers are made when first named, so their ids tell the order.
CUSTOMER = "(SELECT key FROM roadmap_customer WHERE id = customer_id)"
_DUMPED = {
    "outcomes_observation": "metric_id, series, at, value, is_retracted",
    "outcomes_usageevent": 'item_id, "on", event_id, actor, {CUSTOMER}, is_retracted',
    "outcomes_usagesnapshot": 'item_id, "on", days, active, eligible, share, is_retracted',
    "outcomes_experimenttotal": "experiment_id, variant, metric_id, at, n, sum, sum_squares, is_retracted",
    "outcomes_usageday": 'item_id, "on", actor, {CUSTOMER}, count',
    "outcomes_metricday": 'metric_id, series, "on", count, total, low, high, last',
    "outcomes_sourceday": 'source_id, "on", has_usage, has_observations, is_stated',
    "outcomes_itemsource": "item_id, source_id, first_on, last_on, has_events, has_counts, has_shares",
    "outcomes_productaudience": 'product_id, window_days, "on", active, item_count',
    "outcomes_itemusage": "item_id, verdict, last_known, reason, active, eligible, eligible_from, share, low, high",
    "outcomes_itemvalue": (
        "item_id, expected, realised, proven, coverage, outcome_term, adoption, retention, missing::text, demand,"
        " revenue_at_stake, opportunity, trend"
    ),
    "outcomes_effect": "outcome_id, design, estimate, low, high, verdict, decided_on, n_before, n_after, caveats::text",
    "outcomes_verdictspan": "item_id, from_on, verdict, reason",
    "roadmap_evidence": "problem_id, external_id, kind, {CUSTOMER}, quote, importance, is_retracted",
    "roadmap_problemstanding": "problem_id, demand, revenue_at_stake, evidence_count",
}


def dump(workspace: Workspace) -> dict[str, list[Any]]:
    """Everything the pipeline made of a workspace's deliveries, without ids and times of writing."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in _DUMPED.items():
            chosen = columns.replace("{CUSTOMER}", CUSTOMER)
            shown = "NOT is_withdrawn" if table == "outcomes_effect" else "true"
            cursor.execute(
                f"SELECT {chosen} FROM {table} WHERE workspace_id = %s AND {shown}", [workspace.pk]
            )
            rows = [
                tuple(bytes(c) if isinstance(c, memoryview) else c for c in row) for row in cursor.fetchall()
            ]
            found[table] = sorted(rows, key=repr)
        cursor.execute(
            "SELECT item_id, source_id, reason, opened_on, holding_since FROM outcomes_flag"
            " WHERE workspace_id = %s AND state = 'open' AND NOT is_ahead",
            [workspace.pk],
        )
        found["open flags"] = sorted(cursor.fetchall(), key=repr)
    return found
