"""The same change through every door ends in the same verdicts and values: there is one engine behind them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from outcomes.imports import import_file
from outcomes.models import ItemUsage, ItemValue, Outcome, ValueRecord, VerdictSpan
from outcomes.pipeline import clock
from outcomes.services.what_if import valued
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.models import Evidence, Item, Problem
from roadmap.services import edit_item
from tests.admin.test_editing import save
from tests.admin.test_pages import add_of, page_of
from tests.callers import Caller
from tests.factories import a_link, a_member, a_metric, a_person, a_problem, an_outcome
from tests.outcomes.pipeline.stating import Team, days_before, people, used
from tests.outcomes.pipeline.test_values_and_flags import observed

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
BY, FILE = Actor("paula", None, "api"), Actor("paula", None, "import")
Door = Callable[[Team], Any]


def a_team() -> Team:
    team = Team(pin=PIN)
    metric = a_metric(team.workspace, key="m")
    problem = a_problem(team.workspace, key="lost-baskets")
    carts = team.item("carts", title="Carts")
    a_link(carts, problem)
    team.item(
        "idea", title="Idea", status="idea", released_on=None, is_release_stated=False, impact=1.0, effort=1.0
    )
    an_outcome(carts, metric, baseline=10, target=20)
    team.state({"usage": used("carts", people(9), days_before(PIN, 60)[::5]), **observed({PIN: 15})})
    team.settle()
    return team


def rows(team: Team) -> dict[str, Any]:
    """The values, usage and verdicts of all items, by key, without ids and the time of day."""
    mine = {"workspace": team.workspace}
    found: dict[str, Any] = {}
    for value in ItemValue.objects.filter(**mine).select_related("item"):
        told = {f.name: getattr(value, f.name) for f in ItemValue._meta.concrete_fields}
        for name in ("id", "workspace", "item", "as_of"):
            told.pop(name)
        told["explanation"] = _without_ids(told["explanation"])
        found[f"value of {value.item.key}"] = told
    for usage in ItemUsage.objects.filter(**mine).select_related("item"):
        told = {f.name: getattr(usage, f.name) for f in ItemUsage._meta.concrete_fields}
        # How many periods were due depends on which sources speak of it, and a key of the API is one of its own.
        told["evidence"] = {k: v for k, v in told["evidence"].items() if not k.endswith("_periods")}
        found[f"usage of {usage.item.key}"] = {
            name: value for name, value in told.items() if name not in ("id", "workspace", "item")
        }
    spans = VerdictSpan.objects.filter(**mine).order_by("item__key", "from_on")
    found["spans"] = list(spans.values_list("item__key", "from_on", "verdict", "reason"))
    return found


def _without_ids(explanation: dict[str, Any]) -> dict[str, Any]:
    outcomes = [{k: v for k, v in one.items() if k != "id"} for one in explanation.get("outcomes", [])]
    return {**explanation, "outcomes": outcomes}


def the_admin(team: Team) -> Client:
    person = a_person(is_staff=True)
    a_member(team.workspace, "admin", person)
    client = Client()
    client.force_login(person)
    return client


def csv(team: Team, kind: str, text: str) -> None:
    report = import_file(kind=kind, stream=io.BytesIO(text.encode()), workspace=team.workspace, by=FILE)
    assert report.refused == 0, report


def item_of(team: Team, key: str) -> Item:
    return Item.objects.get(workspace=team.workspace, key=key)


ESTIMATES = {"reach": 500, "impact": 2, "confidence": 0.4, "effort": 4}
DOORS_OF_AN_ITEM: dict[str, Door] = {
    "service": lambda team: edit_item(
        workspace=team.workspace,
        by=BY,
        item_id=item_of(team, "idea").pk,
        version=None,
        changes={name: float(number) for name, number in ESTIMATES.items()},
    ),
    "api": lambda team: Caller(team.workspace).patch("items/idea/", ESTIMATES),
    "bulk": lambda team: Caller(team.workspace).post(
        "items/bulk/", {"rows": [{"id": item_of(team, "idea").pk, "version": 1, **ESTIMATES}]}
    ),
    "csv": lambda team: csv(
        team, "items", "key,title,reach,impact,confidence,effort,status\nidea,Idea,500,2,0.4,4,idea\n"
    ),
    "admin": lambda team: save(
        the_admin(team),
        page_of(item_of(team, "idea")),
        reach="500",
        impact="2.0",
        confidence="0.4",
        effort="4",
    ),
}
AIM = {"target": 30, "weight": 2}
DOORS_OF_AN_OUTCOME: dict[str, Door] = {
    "api": lambda team: Caller(team.workspace).patch(
        f"outcomes/{Outcome.objects.get(workspace=team.workspace).pk}/", AIM
    ),
    "bulk": lambda team: Caller(team.workspace).post(
        "outcomes/bulk/",
        {"rows": [{"id": Outcome.objects.get(workspace=team.workspace).pk, "version": 1, **AIM}]},
    ),
    "csv": lambda team: csv(team, "outcomes", "item,metric,baseline,target,weight\ncarts,m,10,30,2\n"),
    "admin": lambda team: save(
        the_admin(team), page_of(Outcome.objects.get(workspace=team.workspace)), target="30", weight="2"
    ),
}
PROOF = {"problem": "lost-baskets", "kind": "analytics", "observed_on": "2026-04-02", "importance": 3}
DOORS_OF_EVIDENCE: dict[str, Door] = {
    "api": lambda team: Caller(team.workspace).post("evidence/", PROOF),
    "bulk": lambda team: Caller(team.workspace).post("evidence/bulk/", {"rows": [PROOF]}),
    "csv": lambda team: csv(
        team, "evidence", "problem,kind,observed_on,importance\nlost-baskets,analytics,2026-04-02,3\n"
    ),
    "webhook": lambda team: team.state({"evidence": [{**PROOF, "id": "e1"}]}),
    "admin": lambda team: save(
        the_admin(team),
        add_of(Evidence),
        problem=str(Problem.objects.get(workspace=team.workspace).pk),
        kind="analytics",
        observed_on="2026-04-02",
        importance="3",
    ),
}
FACTS = {
    **observed({PIN: 19, PIN - timedelta(days=3): 12}),
    "usage": used("carts", people(40, "new"), [PIN - timedelta(days=2)]),
    "snapshots": [{"item": "carts", "on": "2026-04-30", "active": 10, "eligible": 90}],
}
DOORS_OF_FACTS: dict[str, Door] = {
    "webhook": lambda team: team.state(FACTS),
    "api": lambda team: Caller(team.workspace).post("observations/", FACTS),
    "two deliveries, the newer first": lambda team: [
        team.state({name: FACTS[name] for name in names})
        for names in (("usage", "snapshots"), ("observations",))
    ],
}
DOORS_OF_A_DAY: dict[str, Door] = {
    "api": lambda team: Caller(team.workspace).patch("workspace/", {"pinned_on": "2026-05-04"}),
    "clock": lambda team: _turned(team, PIN + timedelta(days=3)),
    "clock, day by day": lambda team: [_turned(team, PIN + timedelta(days=n)) for n in (1, 2, 3)],
}


def _turned(team: Team, day: date) -> None:
    clock.tick()
    team.settle()
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=day)
    clock.tick()
    team.settle()


@pytest.mark.parametrize(
    "doors",
    [DOORS_OF_AN_ITEM, DOORS_OF_AN_OUTCOME, DOORS_OF_EVIDENCE, DOORS_OF_FACTS, DOORS_OF_A_DAY],
    ids=["an item's estimates", "an outcome's target", "evidence", "facts", "a new day"],
)
def test_the_same_change_ends_in_the_same_rows_whichever_door_it_comes_through(
    doors: dict[str, Door],
) -> None:
    before, ends = None, {}
    for name, door in doors.items():
        team = a_team()
        before = before or rows(team)
        answer = door(team)
        status = getattr(answer, "status_code", 200)
        assert status < 400, (name, getattr(answer, "content", answer))
        team.settle()
        ends[name] = rows(team)
    first = next(iter(ends))
    assert ends[first] != before
    for name, end in ends.items():
        assert end == ends[first], name


def test_what_is_stored_is_what_the_engine_computes_at_this_moment() -> None:
    team = a_team()
    for key in ("carts", "idea"):
        stored, computed = team.value(key), valued(team.workspace, item_of(team, key))
        for name in ("expected", "realised", "proven", "coverage", "demand", "trend", "missing"):
            assert getattr(stored, name) == getattr(computed, name), (key, name)


def test_history_says_through_which_door_a_value_moved() -> None:
    team = a_team()
    Caller(team.workspace).patch("items/idea/", ESTIMATES)
    team.settle()
    assert ValueRecord.objects.filter(item__key="idea").latest("id").cause["via"] == "api"
    csv(team, "items", "key,title,reach,status\nidea,Idea,900,idea\n")
    team.settle()
    assert ValueRecord.objects.filter(item__key="idea").latest("id").cause["via"] == "import"
