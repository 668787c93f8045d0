"""Deliveries of every kind, in any order and repeated, end in the same facts, values, verdicts and open flags."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from outcomes.models import Outcome, Rule, Source
from outcomes.pipeline import receive, senders
from outcomes.sources.signatures import Signed
from tests.factories import a_link, a_metric, a_problem, a_product, a_source
from tests.outcomes.pipeline.stating import Team, days_before, dump, people

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
START = datetime(2026, 5, 1, 6, tzinfo=UTC)
ITEMS = ("carts", "wishlist")
KINDS = ("segment", "unleash", "otlp", "cloudevents", "github", "productops")
_AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)

# (source, path, headers, body)
Told = tuple[str, str, dict[str, str], bytes]


class Company(Team):
    """A workspace with a source of each kind, and rules for those that send events."""

    def __post_init__(self) -> None:
        super().__post_init__()
        product, problem = a_product(self.workspace, key="shop"), a_problem(self.workspace, key="slow")
        self.sources: dict[str, Source] = {
            kind: a_source(self.workspace, key=f"by-{kind}", kind=kind) for kind in KINDS
        }
        metrics = [a_metric(self.workspace, key=key, aggregation="sum") for key in ("revenue", "requests")]
        for key in ITEMS:
            item = self.item(key, product=product, reach=None, impact=2.0, confidence=0.8, effort=1.0)
            a_link(item, problem)
            for metric in metrics:
                Outcome.objects.create(
                    workspace=self.workspace, item=item, metric=metric, baseline=1, target=90
                )
        for kind in ("segment", "cloudevents"):
            said = {"workspace": self.workspace, "source": self.sources[kind], "match": "name == 'Used'"}
            Rule.objects.create(**said, to="usage", item_key="properties.item")
            Rule.objects.create(
                **said,
                to="observation",
                metric=metrics[0],
                value="properties.value",
                series="properties.item",
            )
        self.settle()

    def take(self, number: int, told: Told) -> None:
        kind, path, headers, body = told
        signed = Signed(f"msg_{number}", START + timedelta(minutes=number))
        receive.store(
            senders.of(self.sources[kind]),
            signed,
            body,
            headers.pop("content-type", "application/json"),
            path=path,
            headers=headers,
        )


def told_by(seed: int) -> list[Told]:
    """Some deliveries of every kind that speak of the same items and metrics, with corrections and retractions."""
    chance = random.Random(seed)
    days = days_before(PIN, 60)
    return [_one(chance, chance.choice(KINDS), days) for _ in range(chance.randint(6, 12))]


def _one(chance: random.Random, kind: str, days: list[date]) -> Told:
    on = chance.choice(days).isoformat()
    item, who, value = chance.choice(ITEMS), chance.choice(people(9)), chance.randint(0, 9)
    properties = {"item": item, "value": value}
    if kind == "segment":
        calls = [
            {"type": "track", "event": "Used", "userId": one, "messageId": f"{on}-{one}",
             "timestamp": f"{on}T12:00:00Z", "properties": properties}
            for one in chance.sample(people(9), 4)
        ]  # fmt: skip
        return kind, "v1/batch", {}, json.dumps({"batch": calls}).encode()
    if kind == "cloudevents":
        event = {"specversion": "1.0", "type": "Used", "source": "/s", "id": f"{on}-{who}",
                 "time": f"{on}T13:00:00Z", "data": {**properties, "user_id": who}}  # fmt: skip
        return kind, "", {}, json.dumps(event).encode()
    if kind == "unleash":
        toggles = {item: {"yes": value, "no": 1}, "nobody-knows": {"yes": 1, "no": 0}}
        bucket = {"start": f"{on}T01:00:00Z", "stop": f"{on}T02:00:00Z", "toggles": toggles}
        return kind, "client/metrics", {}, json.dumps({"bucket": bucket}).encode()
    if kind == "otlp":
        return kind, "v1/metrics", {}, json.dumps(_counted(chance)).encode()
    if kind == "github":
        release = {"tag_name": f"{item}-v1.{value}", "published_at": f"{on}T10:00:00Z", "draft": False}
        action = chance.choice(["published", "published", "deleted"])
        payload = {"action": action, "release": release, "repository": {"name": "shop"}}
        return kind, "", {"x-github-event": "release"}, json.dumps(payload).encode()
    retract = [
        {"kind": "usage", "item": item, "id": f"{on}-{who}", "at": f"{on}T12:00:00Z"},
        {"kind": "observation", "metric": "revenue", "series": item, "at": f"{on}T12:00:00Z"},
    ]
    body: dict[str, Any] = {"covers": [on], "retract": retract}
    if chance.random() < 0.5:
        body["usage"] = [{"item": item, "actor": who, "at": f"{on}T09:00:00Z"}]
    return kind, "", {}, json.dumps(body).encode()


def _counted(chance: random.Random) -> dict[str, Any]:
    """A few points of one cumulative counter that starts anew every ten days."""
    points = []
    for _ in range(3):
        day = chance.randint(0, 39)
        began = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(days=day - day % 10)
        at = began + timedelta(days=day % 10, hours=1)
        points.append(
            {"startTimeUnixNano": f"{int(began.timestamp())}000000000",
             "timeUnixNano": f"{int(at.timestamp())}000000007", "asInt": str((day % 10) * 5)}
        )  # fmt: skip
    counter = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "requests", "sum": counter}]}]}]}


class _Undone(Exception):
    pass


def ends_in(company: Company, told: list[tuple[int, Told]], *, all_at_once: bool) -> dict[str, list[Any]]:
    """The state that these deliveries end in when they arrive in this order; taken back afterwards."""
    found: dict[str, list[Any]] = {}
    try:
        with transaction.atomic():
            for number, (kind, path, headers, body) in told:
                company.take(number, (kind, path, dict(headers), body))
                if not all_at_once:
                    company.settle()
            company.settle()
            found = dump(company.workspace) | counted_apart(company)
            raise _Undone
    except _Undone:
        return found


def counted_apart(company: Company) -> dict[str, list[Any]]:
    """Exposures and candidates, which are no facts of the native body."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in (
            ("outcomes_exposure", "item_id, on_date, on_count, off_count"),
            ("outcomes_candidate", "source_id, kind, name, count, first_seen_at, last_seen_at"),
            ("roadmap_release", 'item_id, at, "on", is_retracted'),
        ):
            cursor.execute(f"SELECT {columns} FROM {table} WHERE workspace_id = %s", [company.workspace.pk])
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found


@settings(
    max_examples=12,
    phases=_AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000), shuffle=st.integers(0, 10_000), all_at_once=st.booleans())
def test_any_order_of_any_kinds_ends_in_the_same_state(seed: int, shuffle: int, all_at_once: bool) -> None:
    company = Company(pin=PIN)
    told = list(enumerate(told_by(seed)))
    chance = random.Random(shuffle)
    mixed = [*told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(mixed)

    in_order = ends_in(company, told, all_at_once=True)
    shuffled = ends_in(company, mixed, all_at_once=all_at_once)

    assert in_order["outcomes_sourceday"]
    for table, rows in in_order.items():
        assert shuffled[table] == rows, table
