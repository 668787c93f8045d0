"""An item's use day by day, and the verdicts it had."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import VerdictSpan
from roadmap.models import Item
from tests.callers import Caller, pointers
from tests.factories import a_product, a_workspace, an_item
from tests.outcomes.pipeline.stating import Team, days_before, people, used

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


@pytest.fixture
def paula(team: Team) -> Caller:
    return Caller(team.workspace)


def days_of(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return {day["on"]: day for day in answer.json()["days"]}


def test_a_day_shows_the_reach_of_its_window_and_of_itself(team: Team, paula: Caller) -> None:
    team.item(product=a_product(team.workspace, eligible_count=100))
    team.state({"usage": used("saved-carts", people(10), days_before(PIN, 40))})
    team.state({"usage": used("saved-carts", people(12), [PIN])})
    team.settle()
    days = days_of(paula.get("items/saved-carts/usage/?from=2026-04-30&to=2026-05-01"))
    assert list(days) == ["2026-04-30", "2026-05-01"]
    assert [(day["active"], day["active_that_day"]) for day in days.values()] == [(10, 10), (12, 12)]
    assert days["2026-05-01"]["share"] == pytest.approx(0.12)
    assert days["2026-05-01"]["low"] < 0.12 < days["2026-05-01"]["high"]


def test_the_last_day_says_what_the_card_says(team: Team, paula: Caller) -> None:
    team.item()
    snapshots = [
        {"item": "saved-carts", "on": day.isoformat(), "active": 30, "eligible": 1000}
        for day in days_before(PIN, 60)
    ]
    team.state({"snapshots": snapshots})
    team.settle()
    told = paula.get("items/saved-carts/usage/").json()
    last = told["days"][-1]
    shared = ("active", "eligible", "eligible_from", "share", "low", "high", "verdict", "reason")
    assert {name: last[name] for name in shared} == {name: told[name] for name in shared}
    assert (last["on"], last["active_that_day"]) == ("2026-05-01", 30)
    assert len(told["days"]) == 91


def test_customers_are_counted_where_the_product_says_so(team: Team, paula: Caller) -> None:
    team.item(product=a_product(team.workspace, unit="customers", eligible_count=50))
    team.state({"usage": used("saved-carts", people(9), [PIN], customer="acme")})
    team.settle()
    assert days_of(paula.get("items/saved-carts/usage/?from=2026-05-01"))["2026-05-01"][
        "active_that_day"
    ] == 1  # fmt: skip


def test_no_day_is_shown_that_has_not_been_judged(team: Team, paula: Caller) -> None:
    team.item()
    team.settle()
    assert list(days_of(paula.get("items/saved-carts/usage/?from=2026-05-01&to=2026-06-01"))) == [
        "2026-05-01"
    ]
    assert not days_of(paula.get("items/saved-carts/usage/?from=2026-05-02&to=2026-06-01"))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("from=2026-05-02&to=2026-05-01", "/from"),
        ("from=1900-01-01&to=2026-05-01", "/from"),
        ("from=yesterday", "/from"),
        ("to=2026-02-30", "/to"),
        ("since=2026-01-01", "/since"),
    ],
)
def test_days_that_make_no_sense_are_refused_by_name(
    team: Team, paula: Caller, asked: str, named: str
) -> None:
    team.item()
    answer = paula.get(f"items/saved-carts/usage/?{asked}")
    assert (answer.status_code, pointers(answer)) == (400, {named})


def test_the_first_and_last_days_of_the_calendar_are_no_trouble(team: Team, paula: Caller) -> None:
    team.item()
    assert paula.get("items/saved-carts/usage/?to=0001-01-01").status_code == 200
    assert paula.get("items/saved-carts/usage/?from=9999-12-31&to=9999-12-31").status_code == 200


def test_days_cost_the_same_queries_however_many_there_are(team: Team, paula: Caller) -> None:
    team.item()
    team.state({"usage": used("saved-carts", people(3), days_before(PIN, 60))})
    team.settle()
    paula.get("items/saved-carts/usage/")  # the key's first use is written down
    spent = []
    for first in ("2026-04-30", "2025-01-06"):
        with CaptureQueriesContext(connection) as queries:
            assert days_of(paula.get(f"items/saved-carts/usage/?from={first}"))
        spent.append(len(queries))
    assert spent[0] == spent[1]


def test_days_that_nobody_wants_are_not_read(team: Team, paula: Caller) -> None:
    team.item()
    with CaptureQueriesContext(connection) as queries:
        assert paula.get("items/saved-carts/usage/?fields=verdict").json() == {"verdict": None}
    assert not [query for query in queries if "outcomes_usageday" in query["sql"]]


def a_past(item: Item, *verdicts: str) -> None:
    """One verdict a month, from January on."""
    for month, verdict in enumerate(verdicts, start=1):
        VerdictSpan.objects.create(
            workspace=item.workspace, item=item, from_on=date(2026, month, 1), verdict=verdict
        )


def test_every_verdict_is_told_with_the_days_it_stood_for(team: Team, paula: Caller) -> None:
    a_past(an_item(team.workspace, key="carts"), "too_new", "healthy", "data_gap")
    VerdictSpan.objects.filter(verdict="data_gap").update(reason="silent")
    rows = paula.get("items/carts/usage/verdicts/").json()["results"]
    assert [(row["from_on"], row["to_on"], row["verdict"], row["reason"]) for row in rows] == [
        ("2026-03-01", None, "data_gap", "silent"),
        ("2026-02-01", "2026-02-28", "healthy", None),
        ("2026-01-01", "2026-01-31", "too_new", None),
    ]


def test_the_days_of_a_verdict_are_the_same_on_every_page(team: Team, paula: Caller) -> None:
    a_past(an_item(team.workspace, key="carts"), "too_new", "healthy", "declining", "healthy")
    path, seen = "items/carts/usage/verdicts/?page_size=1", []
    while path:
        page = paula.get(path).json()
        seen += [row["to_on"] for row in page["results"]]
        path = page["next"]
    assert seen == [None, "2026-03-31", "2026-02-28", "2026-01-31"]


def test_verdicts_are_found_by_verdict_and_day(team: Team, paula: Caller) -> None:
    a_past(an_item(team.workspace, key="carts"), "too_new", "healthy", "declining", "healthy")
    found = paula.get("items/carts/usage/verdicts/?verdict=healthy&began_after=2026-03-01").json()["results"]
    assert [row["from_on"] for row in found] == ["2026-04-01"]
    assert pointers(paula.get("items/carts/usage/verdicts/?verdict=fine")) == {"/verdict"}


def test_an_outsider_finds_no_verdicts(team: Team) -> None:
    item = an_item(team.workspace)
    olga = Caller(a_workspace())
    assert olga.get(f"items/{item.pk}/usage/verdicts/").status_code == 404
    assert olga.get(f"items/{item.pk}/usage/?from={PIN - timedelta(days=1)}").status_code == 404
