"""What is told of many items together, from nothing but what was written and posted over the API."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from outcomes.pipeline.settle import settle_all
from tests.callers import Caller
from tests.factories import a_workspace

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)
NORMAL = 1.959963984540054


@pytest.fixture
def paula() -> Caller:
    return Caller(a_workspace(pinned_on=TODAY))


def made(paula: Caller, resource: str, *rows: Mapping[str, Any]) -> None:
    answer = paula.post(f"{resource}/bulk/", {"rows": [dict(row) for row in rows]})
    assert {row["status"] for row in answer.json()["results"]} == {"created"}, answer.content


def stated(paula: Caller, body: Mapping[str, Any]) -> None:
    answer = paula.post("observations/", dict(body))
    assert answer.status_code in (200, 202), answer.content
    settle_all(120)
    told = paula.get(f"deliveries/{answer.json()['id']}/").json()
    assert (told["state"], told["refused"]) == ("done", 0), told


def days_of(metric: str, first: date, last: date, steps: Mapping[date, float]) -> list[dict[str, Any]]:
    """White noise around 100, a day an observation, with a step on each of the given days."""
    chance, rows = random.Random(f"{metric}{first}"), []
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        value = 100 + chance.gauss(0, 2) + sum(step for day, step in steps.items() if on >= day)
        rows.append({"metric": metric, "at": f"{on}T12:00:00Z", "value": value})
    return rows


def released(key: str, on: date, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "status": "released", "released_on": on.isoformat(), **fields}


def insight(paula: Caller, name: str) -> list[dict[str, Any]]:
    answer = paula.get(f"insights/{name}/?limit=200")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def test_six_movements_of_a_metric_are_shrunk_by_james_and_stein(paula: Caller) -> None:
    releases = [TODAY - timedelta(days=40 + 45 * number) for number in range(6)]
    steps = dict(zip(releases, [4.0, 0.0, 6.0, -2.0, 3.0, 0.0], strict=True))
    made(paula, "metrics", {"key": "m"})
    made(paula, "items", *(released(f"bet-{number}", on) for number, on in enumerate(releases)))
    made(paula, "outcomes", *({"item": f"bet-{number}", "metric": "m"} for number in range(6)))
    stated(paula, {"observations": days_of("m", releases[-1] - timedelta(days=60), TODAY, steps)})

    effects = paula.get("effects/?decided=true").json()["results"]
    assert len(effects) == 6
    errors = [(one["high"] - one["low"]) / (2 * NORMAL) for one in effects]
    length = sum((one["estimate"] / error) ** 2 for one, error in zip(effects, errors, strict=True))
    factor = max(0.0, 1 - (6 - 2) / length)
    (row,) = insight(paula, "portfolio")
    assert (row["metric"], row["effects"], row["movements"]) == ("m", 6, 6)
    assert row["sum_raw"] == pytest.approx(sum(one["estimate"] for one in effects))
    assert 0 < factor < 1
    assert row["factor"] == pytest.approx(factor, rel=1e-6)
    assert row["sum_shrunk"] == pytest.approx(factor * row["sum_raw"], rel=1e-6)


def test_the_guardrails_of_an_item_share_their_doubt(paula: Caller) -> None:
    on = TODAY - timedelta(days=40)
    made(paula, "metrics", {"key": "errors", "direction": "decrease"}, {"key": "latency"}, {"key": "refunds"})
    made(paula, "items", released("guarded", on), released("alone", on))
    made(
        paula,
        "outcomes",
        *(
            {"item": "guarded", "metric": key, "role": "guardrail"}
            for key in ("errors", "latency", "refunds")
        ),
        {"item": "alone", "metric": "errors", "role": "guardrail"},
    )
    first = on - timedelta(days=90)
    stated(
        paula,
        {
            "observations": [
                row for key in ("errors", "latency", "refunds") for row in days_of(key, first, TODAY, {})
            ]
        },
    )
    effects = {(one["item"], one["metric"]): one for one in paula.get("effects/").json()["results"]}
    shared, alone = effects["guarded", "errors"], effects["alone", "errors"]
    assert shared["confidence"] == pytest.approx(1 - 0.05 / 3)
    assert alone["confidence"] == pytest.approx(0.95)
    assert shared["estimate"] == pytest.approx(alone["estimate"])
    assert shared["low"] < alone["low"] < alone["high"] < shared["high"]


def test_eight_released_items_say_how_well_reach_and_outcome_were_foretold(paula: Caller) -> None:
    on, count = TODAY - timedelta(days=60), 8
    assert paula.post("products/", {"key": "shop", "name": "Shop"}).status_code == 201
    made(paula, "metrics", *({"key": f"m{number}", "aggregation": "last"} for number in range(count)))
    plans = {"product": "shop", "reach": 10, "impact": 1, "confidence": 0.8, "effort": 1}
    made(paula, "items", *({"key": f"bet-{number}", "title": "A bet", **plans} for number in range(count)))
    goal = {"baseline": 10, "target": 20, "due_on": (TODAY - timedelta(days=1)).isoformat()}
    made(
        paula,
        "outcomes",
        *({"item": f"bet-{number}", "metric": f"m{number}", **goal} for number in range(count)),
    )
    for number in range(count):
        answer = paula.post(f"items/bet-{number}/release/", {"on": on.isoformat()})
        assert answer.status_code == 200, answer.content
    recent = [TODAY - timedelta(days=number) for number in range(56)]
    people = [
        {"item": f"bet-{number}", "actor": f"u{who}", "at": f"{day}T10:00:00Z"}
        for number in range(count)
        for who in range(5)
        for day in recent[::7]
    ]
    attained = [20 if number < 6 else 12 for number in range(count)]
    values = [
        {"metric": f"m{number}", "at": f"{TODAY - timedelta(days=2)}T10:00:00Z", "value": value}
        for number, value in enumerate(attained)
    ]
    covers = [day.isoformat() for day in recent]
    stated(paula, {"usage": people, "observations": values, "covers": covers})

    rows = {(row["product"], row["measure"], row["confidence"]): row for row in insight(paula, "calibration")}
    reach = rows["shop", "reach_ratio", "all"]
    assert (reach["items"], reach["value"], reach["low"], reach["high"]) == (count, 0.5, 0.5, 0.5)
    hits = rows["shop", "hit_rate", "0.5 to 0.8"]
    assert (hits["items"], hits["value"]) == (count, 0.75)
    assert (hits["low"], hits["high"]) == (pytest.approx(0.4093, abs=1e-4), pytest.approx(0.9285, abs=1e-4))


def test_what_an_outcome_could_show_is_told_before_the_release_and_holds_after_it(paula: Caller) -> None:
    on = TODAY - timedelta(days=28)
    made(paula, "metrics", {"key": "m"})
    made(paula, "items", {"key": "bet", "title": "A bet"})
    made(paula, "outcomes", {"item": "bet", "metric": "m"})
    stated(paula, {"observations": days_of("m", on - timedelta(days=120), on - timedelta(days=1), {})})
    outcome = paula.get("outcomes/?item=bet").json()["results"][0]["id"]
    smallest = paula.get(f"outcomes/{outcome}/detectable/").json()["effect"]
    assert smallest > 0

    paula.post("items/bet/release/", {"on": on.isoformat()})
    stated(paula, {"observations": days_of("m", on, TODAY, {on: 2 * smallest})})
    (effect,) = paula.get(f"effects/?outcome={outcome}").json()["results"]
    assert effect["verdict"] == "better"
    assert effect["high"] - effect["low"] < 2 * smallest
