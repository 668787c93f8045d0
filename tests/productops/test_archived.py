"""What was put away is read and restored, and not changed before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from outcomes.models import Candidate
from productops.workspaces.models import Workspace
from roadmap.models import Item, Problem
from tests.callers import Caller, codes, pointers
from tests.factories import (
    a_customer,
    a_link,
    a_metric,
    a_problem,
    a_source,
    a_workspace,
    an_experiment,
    an_item,
    an_outcome,
)
from tests.files.importing import take

pytestmark = pytest.mark.django_db

AWAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def put_away(workspace: Workspace) -> dict[str, Any]:
    """One of everything that can be archived, archived."""
    return {
        "items": an_item(workspace, key="carts", archived_at=AWAY),
        "problems": a_problem(workspace, key="lost-baskets", archived_at=AWAY),
        "customers": a_customer(workspace, key="acme", archived_at=AWAY),
        "metrics": a_metric(workspace, key="conversion", archived_at=AWAY),
        "experiments": an_experiment(an_item(workspace), archived_at=AWAY),
    }


def is_told(answer: Any, pointer: str) -> bool:
    """A 409 that says it is archived, there."""
    told = answer.json()
    assert answer.status_code == 409, answer.content
    assert (told["type"], codes(answer)) == ("urn:productops:problem:archived", {"archived"})
    return pointers(answer) == {pointer}


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("items", {"title": "Saved carts"}),
        ("items", {"links": []}),
        ("problems", {"title": "Lost"}),
        ("customers", {"name": "Acme Ltd"}),
        ("metrics", {"unit": "%"}),
        ("experiments", {"hypothesis": "More"}),
    ],
)
def test_it_is_edited_once_it_is_restored_and_not_before(
    workspace: Workspace, paula: Caller, resource: str, change: dict[str, Any]
) -> None:
    path = f"{resource}/{put_away(workspace)[resource].pk}/"
    assert is_told(paula.patch(path, change), "")
    assert paula.post(f"{path}restore/").status_code == 200
    assert paula.patch(path, change).status_code == 200


@pytest.mark.parametrize("action", ["start", "end", "decide"])
def test_an_experiment_that_was_put_away_is_not_moved(
    workspace: Workspace, paula: Caller, action: str
) -> None:
    held = an_experiment(an_item(workspace), archived_at=AWAY, state="running", started_on=date(2026, 4, 1))
    if action == "start":
        held.state = "draft"
        held.save()
    body = {"decision": "ship"} if action == "decide" else {}
    assert is_told(paula.post(f"experiments/{held.pk}/{action}/", body), "")


def test_an_archived_item_is_not_released(workspace: Workspace, paula: Caller) -> None:
    put_away(workspace)
    assert is_told(paula.post("items/carts/release/"), "")
    assert Item.objects.get(key="carts").status == "idea"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("outcomes/", {"item": "carts", "metric": "speed"}, "/item"),
        ("outcomes/", {"item": "search", "metric": "conversion"}, "/metric"),
        ("links/", {"item": "carts", "problem": "slow"}, "/item"),
        ("links/", {"item": "search", "problem": "lost-baskets"}, "/problem"),
        ("evidence/", {"problem": "lost-baskets", "kind": "ticket"}, "/problem"),
        ("evidence/", {"problem": "slow", "kind": "ticket", "customer": "acme"}, "/customer"),
        ("problems/", {"title": "Part of it", "parent": "lost-baskets"}, "/parent"),
        ("experiments/", {"item": "carts"}, "/item"),
        ("experiments/", {"item": "search", "metric": "conversion"}, "/metric"),
        (
            "experiments/",
            {"item": "search", "metric": "speed", "guardrails": ["conversion"]},
            "/guardrails/0",
        ),
        ("outcomes/", {"item": "search", "metric": "speed", "controls": ["conversion"]}, "/controls"),
        ("items/", {"title": "New", "links": [{"problem": "lost-baskets"}]}, "/links/0/problem"),
        ("items/", {"title": "New", "outcomes": [{"metric": "conversion"}]}, "/outcomes/0/metric"),
    ],
)
def test_nothing_new_is_tied_to_it(
    workspace: Workspace, paula: Caller, path: str, body: dict[str, Any], pointer: str
) -> None:
    put_away(workspace)
    an_item(workspace, key="search")
    a_metric(workspace, key="speed")
    a_problem(workspace, key="slow")
    assert is_told(paula.post(path, body), pointer)
    if not path.startswith("experiments"):
        assert is_told(paula.post(f"{path}bulk/", {"rows": [body]}), f"/rows/0{pointer}")


def test_a_row_of_many_that_is_about_it_is_refused(workspace: Workspace, paula: Caller) -> None:
    version = put_away(workspace)["items"].version
    row = {"key": "carts", "version": version, "title": "Saved carts"}
    assert is_told(paula.post("items/bulk/", {"rows": [row]}), "/rows/0")


def test_its_parts_are_not_edited_or_taken_away(workspace: Workspace, paula: Caller) -> None:
    item = an_item(workspace)
    outcome, link = an_outcome(item, a_metric(workspace)), a_link(item, a_problem(workspace), 0.5)
    Item.objects.update(archived_at=AWAY)
    assert is_told(paula.patch(f"outcomes/{outcome.pk}/", {"target": 3}), "/item")
    assert is_told(paula.delete(f"outcomes/{outcome.pk}/"), "/item")
    assert is_told(paula.patch(f"links/{link.pk}/", {"weight": 0.2}), "/item")
    assert is_told(paula.delete(f"links/{link.pk}/"), "/item")


def test_what_was_tied_to_it_before_stays_editable(workspace: Workspace, paula: Caller) -> None:
    item, problem, metric = an_item(workspace), a_problem(workspace), a_metric(workspace)
    a_link(item, problem, 0.5)
    outcome = an_outcome(item, metric)
    for row in (problem, metric):
        row.archived_at = AWAY
        row.save()
    assert paula.patch(f"outcomes/{outcome.pk}/", {"target": 3}).status_code == 200
    assert (
        paula.patch(f"items/{item.pk}/", {"links": [{"problem": problem.key, "weight": 0.2}]}).status_code
        == 200
    )


def test_a_file_neither_changes_it_nor_ties_to_it(workspace: Workspace) -> None:
    put_away(workspace)
    files = {
        "items": ("key,title\ncarts,Saved carts\n", "key"),
        "links": ("item,problem\ncarts,slow\n", "item"),
        "evidence": ("problem,kind\nlost-baskets,ticket\n", "problem"),
        "outcomes": ("item,metric\nsearch,conversion\n", "metric"),
        "problems": ("key,title,parent\npart,Part of it,lost-baskets\n", "parent"),
    }
    an_item(workspace, key="search")
    a_problem(workspace, key="slow")
    for kind, (text, column) in files.items():
        report = take(workspace, kind, text)
        assert [(said.line, said.column, said.code) for said in report.complaints] == [
            (2, column, "archived")
        ]
    assert Item.objects.get(key="carts").title != "Saved carts"


def test_a_file_s_problems_beneath_an_archived_one_fall_with_what_hangs_on_them(workspace: Workspace) -> None:
    away = put_away(workspace)["problems"]
    a_problem(workspace, key="stays", parent=away)
    text = "key,title,parent\nstays,As it was,lost-baskets\nnew,New,lost-baskets\nunder,Under,new\nelse,Else,stays\n"
    report = take(workspace, "problems", text)
    assert {(said.line, said.code) for said in report.complaints} == {(3, "archived"), (4, "invalid_parent")}
    assert set(Problem.objects.values_list("key", flat=True)) == {"lost-baskets", "stays", "else"}


def test_controls_and_guardrails_that_were_put_away_since_may_stay(
    workspace: Workspace, paula: Caller
) -> None:
    speed, item = a_metric(workspace, key="speed"), an_item(workspace)
    outcome = an_outcome(item, a_metric(workspace), controls=["speed"])
    body = {"item": item.key, "metric": outcome.metric.key, "guardrails": ["speed"]}
    experiment = paula.post("experiments/", body).json()["id"]
    speed.archived_at = AWAY
    speed.save()
    change = {"controls": ["speed"], "target": 3}
    assert paula.patch(f"outcomes/{outcome.pk}/", change).status_code == 200
    outcome.refresh_from_db()
    row = {"id": outcome.pk, "version": outcome.version, "controls": [{"metric": "speed"}]}
    assert paula.post("outcomes/bulk/", {"rows": [row]}).status_code == 200
    kept = {"guardrails": ["speed"], "hypothesis": "More"}
    assert paula.patch(f"experiments/{experiment}/", kept).status_code == 200
    assert paula.post(f"experiments/{experiment}/clone/").json()["guardrails"] == []


@pytest.mark.parametrize(("kind", "resource"), [("item", "items"), ("metric", "metrics")])
def test_a_candidate_does_not_become_what_was_put_away(
    workspace: Workspace, paula: Caller, kind: str, resource: str
) -> None:
    away = put_away(workspace)[resource]
    candidate = Candidate.objects.create(
        workspace=workspace,
        source=a_source(workspace),
        kind=kind,
        name=away.key,
        first_seen_at=AWAY,
        last_seen_at=AWAY,
    )
    assert is_told(paula.post(f"candidates/{candidate.pk}/accept/"), "/key")
