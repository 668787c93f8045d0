"""Many rows at once: each is answered for, and nobody is told twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import ItemValue, Mark, Outcome
from productops.workspaces.models import Workspace
from roadmap.models import Customer, Evidence, EvidenceRoute, Item, Link, Problem
from tests.callers import Caller, pointers
from tests.factories import (
    a_customer,
    a_link,
    a_member,
    a_metric,
    a_problem,
    a_product,
    a_workspace,
    an_item,
    an_outcome,
    evidence,
)
from tests.roadmap.hearing import listening

pytestmark = pytest.mark.django_db

KINDS = ["items", "problems", "customers", "evidence", "links", "outcomes", "metrics"]


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def rows(*said: Any) -> dict[str, Any]:
    return {"rows": list(said)}


def statuses(response: Any) -> list[str]:
    return [row["status"] for row in response.json()["results"]]


def test_rows_are_made_and_changed_in_one_call(paula: Caller, workspace: Workspace) -> None:
    held = an_item(workspace, key="held", title="Held")
    body = rows(
        {"title": "Saved carts"},
        {"id": held.pk, "version": 1, "title": "Still held", "key": "kept"},
        {"key": "given", "title": "Saved carts"},
        {"title": "Saved carts"},
    )
    response = paula.post("items/bulk/", body)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert statuses(response) == ["created", "updated", "created", "created"]
    assert [row["key"] for row in answer["results"]] == ["saved-carts", "kept", "given", "saved-carts-2"]
    assert [row["version"] for row in answer["results"]] == [1, 2, 1, 1]
    assert (answer["created"], answer["updated"], answer["unchanged"], answer["refused"]) == (3, 1, 0, 0)
    assert paula.get("items/kept/").json()["title"] == "Still held"


def test_a_row_names_by_its_key_what_it_changes(paula: Caller, workspace: Workspace) -> None:
    an_item(workspace, key="held", title="Held")
    body = rows({"key": "held", "version": 1, "title": "Held"}, {"key": "nobody", "version": 1})
    response = paula.post("items/bulk/?partial=true", body)
    assert statuses(response) == ["unchanged", "refused"]
    assert response.json()["results"][0]["version"] == 1
    assert response.json()["results"][1]["errors"][0]["code"] == "not_found"


def test_one_bad_row_refuses_all_and_every_row_is_answered_for(paula: Caller, workspace: Workspace) -> None:
    an_item(workspace, key="taken")
    body = rows(
        {"title": "Good"},
        {"title": "Bad", "confidence": 7},
        {"title": "Worse", "colour": "red", "links": [{"problem": "nowhere"}]},
        {"key": "taken", "title": "Taken"},
        "not a row",
    )
    response = paula.post("items/bulk/", body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert pointers(response) == {
        "/rows/1/confidence",
        "/rows/2/colour",
        "/rows/2/links/0/problem",
        "/rows/3/key",
        "/rows/4",
    }
    assert statuses(response) == ["not_written", "refused", "refused", "refused", "refused"]
    assert response.json()["results"][0]["id"] is None
    assert Item.objects.count() == 1


def test_partial_takes_the_good_rows(paula: Caller) -> None:
    response = paula.post("items/bulk/?partial=true", rows({"title": "Good"}, {"title": ""}))
    assert response.status_code == 200
    assert statuses(response) == ["created", "refused"]
    assert Item.objects.get().key == "good"


def test_a_dry_run_answers_and_writes_nothing(paula: Caller, workspace: Workspace) -> None:
    held = an_item(workspace, title="Held")
    body = rows({"title": "New"}, {"id": held.pk, "version": 1, "title": "Changed"}, {"title": ""})
    response = paula.post("items/bulk/?dry_run=true&partial=true", body)
    assert response.status_code == 200
    assert statuses(response) == ["created", "updated", "refused"]
    assert response.json()["is_dry_run"] is True
    assert response.json()["results"][0]["id"] is None
    assert [item.title for item in Item.objects.all()] == ["Held"]
    assert not Mark.objects.exists()


def test_a_dry_run_of_all_or_nothing_says_that_it_would_be_nothing(paula: Caller) -> None:
    told = paula.post("items/bulk/?dry_run=true", rows({"title": "New"}, {"title": ""})).json()
    assert [row["status"] for row in told["results"]] == ["not_written", "refused"]
    assert (told["created"], told["refused"]) == (0, 1)


@pytest.mark.parametrize(
    ("row", "status", "pointer"),
    [
        ({"key": "held", "version": 9, "title": "x"}, 412, "/rows/0/version"),
        ({"id": 987654321, "version": 1}, 404, "/rows/0"),
        ({"key": "held", "title": "x"}, 409, "/rows/0/key"),
        ({"id": 1, "title": "x"}, 400, "/rows/0/version"),
        ({"version": 1, "title": "x"}, 400, "/rows/0/key"),
        ({"id": [1], "version": 1}, 400, "/rows/0/id"),
        ({"id": 10**18, "version": 2**31}, 400, "/rows/0/version"),
    ],
)
def test_a_row_that_cannot_be_had_says_why(
    paula: Caller, workspace: Workspace, row: Any, status: int, pointer: str
) -> None:
    an_item(workspace, key="held")
    response = paula.post("items/bulk/", rows(row))
    assert response.status_code == status, response.content
    assert pointers(response) == {pointer}


def test_two_rows_for_one_object_or_of_one_name_are_refused(paula: Caller, workspace: Workspace) -> None:
    held = an_item(workspace, key="held")
    change = {"version": 1, "title": "x"}
    body = rows(
        {"id": held.pk, **change},
        {"key": "held", **change},
        {"key": "a", "title": "A"},
        {"key": "a", "title": "B"},
    )
    assert statuses(paula.post("items/bulk/?partial=true", body)) == [
        "updated",
        "refused",
        "created",
        "refused",
    ]


def test_foreign_objects_do_not_exist(paula: Caller) -> None:
    stranger = a_workspace()
    theirs, problem = an_item(stranger, key="theirs"), a_problem(stranger, key="foreign")
    body = rows(
        {"id": theirs.pk, "version": 1, "title": "Mine"},
        {"key": "theirs", "version": 1, "title": "Mine"},
        {"title": "New", "links": [{"problem": "foreign"}]},
        {"title": "New", "links": [{"problem": problem.pk}]},
        {"title": "New", "product": a_product(stranger).pk},
        {"title": "New", "owner": a_member(stranger).pk},
    )
    response = paula.post("items/bulk/?partial=true", body)
    assert statuses(response) == ["refused"] * 6
    missing = paula.post("items/bulk/", rows({"id": 987654321, "version": 1, "title": "Mine"})).json()
    foreign = paula.post("items/bulk/", rows({"id": theirs.pk, "version": 1, "title": "Mine"})).json()
    assert missing["errors"] == foreign["errors"]


def test_items_come_with_links_and_outcomes_and_are_told_of_once(paula: Caller, workspace: Workspace) -> None:
    a_problem(workspace, key="lost-baskets")
    a_metric(workspace, key="checkout.conversion")
    held = an_item(workspace)
    a_link(held, a_problem(workspace, key="old"))
    new = {
        "title": "Saved carts",
        "status": "released",
        "reach": 100,
        "links": [{"problem": "lost-baskets", "weight": 0.5}],
        "outcomes": [{"metric": "checkout.conversion", "target": 3}],
    }
    relinked = {"id": held.pk, "version": 1, "links": [{"problem": "lost-baskets", "weight": 0.25}]}
    with listening() as told:
        response = paula.post("items/bulk/", rows(new, new, relinked))
    assert response.status_code == 200, response.content
    assert [name for name, _ in told] == ["items_created", "problems_changed", "items_changed"]
    card = paula.get("items/saved-carts/").json()
    assert [problem["weight"] for problem in card["problems"]] == [0.5]
    assert [outcome["metric"] for outcome in card["outcomes"]] == ["checkout.conversion"]
    assert card["inputs_at_release"]["reach"] == 100
    assert card["released_on"] == workspace.today().isoformat()
    assert ItemValue.objects.count() == 2
    again = paula.get(f"items/{held.pk}/").json()
    assert ([problem["key"] for problem in again["problems"]], again["version"]) == (["lost-baskets"], 2)


def test_what_is_nested_is_refused_in_its_place(paula: Caller, workspace: Workspace) -> None:
    a_problem(workspace, key="a")
    a_metric(workspace, key="m")
    held = an_item(workspace)
    body = rows(
        {"title": "x", "links": [{"problem": "a", "weight": 0.7}, {"problem": "a", "weight": 0.7}]},
        {"title": "x", "outcomes": [{"metric": "m"}, {"metric": "m"}]},
        {"title": "x", "outcomes": [{"metric": "m", "weight": -1}]},
        {"id": held.pk, "version": 1, "outcomes": [{"metric": "m"}]},
        {"title": "x", "outcomes": [{"metric": "nowhere"}]},
    )
    response = paula.post("items/bulk/", body)
    assert pointers(response) == {"/rows/4/outcomes/0/metric"} | {
        "/rows/0/links/1/problem",
        "/rows/1/outcomes/1/metric",
        "/rows/2/outcomes/0/weight",
        "/rows/3/outcomes",
    }


def test_links_of_an_item_weigh_at_most_1_whatever_the_order(paula: Caller, workspace: Workspace) -> None:
    item, first, second = (
        an_item(workspace, key="i"),
        a_problem(workspace, key="a"),
        a_problem(workspace, key="b"),
    )
    link = a_link(item, first, 1.0)
    # The new link fits because a later row makes room for it.
    body = rows({"item": "i", "problem": "b", "weight": 0.4}, {"id": link.pk, "version": 1, "weight": 0.6})
    assert statuses(paula.post("links/bulk/", body)) == ["created", "updated"]
    a_problem(workspace, key="c")
    body = rows({"item": "i", "problem": "c", "weight": 0.1}, {"id": link.pk, "version": 2, "weight": 0.5})
    assert statuses(paula.post("links/bulk/", body)) == ["created", "updated"]
    body = rows({"id": link.pk, "version": 3, "weight": 0.9}, {"item": "i", "problem": "b", "weight": 0.1})
    response = paula.post("links/bulk/?partial=true", body)
    assert statuses(response) == ["refused", "refused"]
    assert {row["errors"][0]["code"] for row in response.json()["results"]} == {"too_much", "taken"}
    assert second.links.count() == 1


def test_problems_cannot_be_put_beneath_themselves(paula: Caller, workspace: Workspace) -> None:
    top, leaf = a_problem(workspace, key="top"), a_problem(workspace, key="leaf")
    body = rows(
        {"key": "leaf", "version": 1, "parent": "top"}, {"key": "top", "version": 1, "parent": "leaf"}
    )
    response = paula.post("problems/bulk/?partial=true", body)
    assert statuses(response) == ["updated", "refused"]
    assert response.json()["results"][1]["errors"][0]["pointer"] == "/rows/1/parent"
    top.refresh_from_db(), leaf.refresh_from_db()
    assert (top.parent, leaf.parent) == (None, top)


def test_customers_tell_the_problems_whose_revenue_changes(paula: Caller, workspace: Workspace) -> None:
    acme, beta = a_customer(workspace, key="acme"), a_customer(workspace, key="beta")
    problem = a_problem(workspace)
    evidence(problem, customer=acme)
    body = rows(
        {"id": acme.pk, "version": 1, "mrr": 420}, {"id": beta.pk, "version": 1, "name": "B"}, {"name": "New"}
    )
    with listening() as told:
        assert statuses(paula.post("customers/bulk/", body)) == ["updated", "updated", "created"]
    assert told == [("problems_changed", [problem.pk])]
    assert float(Customer.objects.get(key="acme").mrr or 0) == 420


def test_evidence_has_its_own_identity(paula: Caller, workspace: Workspace) -> None:
    problem = a_problem(workspace, key="p")
    evidence(problem, external_id="zd-1")
    said = {"problem": "p", "kind": "ticket"}
    body = rows(
        said,
        said,
        {**said, "external_id": "zd-1"},
        {**said, "external_id": "zd-2"},
        {**said, "importance": 9},
    )
    response = paula.post("evidence/bulk/?partial=true", body)
    assert statuses(response) == ["created", "created", "refused", "created", "refused"]
    assert Evidence.objects.count() == 4


def test_evidence_that_a_batch_moves_is_followed_by_what_its_source_repeats(
    paula: Caller, workspace: Workspace
) -> None:
    lost, slow = a_problem(workspace, key="lost"), a_problem(workspace, key="slow")
    named, bare = evidence(lost, external_id="zd-1"), evidence(lost)
    moves = [{"id": row.pk, "version": 1, "problem": "slow"} for row in (named, bare)]
    assert statuses(paula.post("evidence/bulk/", rows(*moves))) == ["updated", "updated"]
    routes = list(EvidenceRoute.objects.values_list("problem_id", "external_id", "into_id"))
    assert routes == [(lost.pk, "zd-1", slow.pk)]
    paula.post("evidence/bulk/", rows({"id": named.pk, "version": 2, "problem": "lost"}))
    assert not EvidenceRoute.objects.exists()


def test_metrics_and_outcomes_keep_their_rules(paula: Caller, workspace: Workspace) -> None:
    item, metric = an_item(workspace, key="i"), a_metric(workspace, key="m.old", direction="increase")
    outcome = an_outcome(item, metric)
    Mark.objects.all().delete()
    body = rows({"key": "m.new"}, {"key": "m.old", "version": 1, "direction": "decrease"})
    response = paula.post("metrics/bulk/", body)
    assert statuses(response) == ["created", "updated"]
    assert paula.get("metrics/m.new/").json()["name"] == "m.new"
    assert list(Mark.objects.values_list("kind", "subject_id")) == [("item", item.pk)]
    body = rows(
        {"item": "i", "metric": "m.new", "target": 3, "series": ""},
        {"item": "i", "metric": "m.old"},
        {"id": outcome.pk, "version": 1, "target": 5},
        {"item": "i", "metric": "m.new"},
        {"item": "i", "metric": "m.new", "series": "eu", "controls": ["nowhere"]},
    )
    response = paula.post("outcomes/bulk/?partial=true", body)
    assert statuses(response) == ["created", "refused", "updated", "refused", "refused"]
    assert Outcome.objects.get(metric__key="m.new").series is None
    moved = {"id": outcome.pk, "version": 2, "metric": "m.new"}
    assert pointers(paula.post("outcomes/bulk/", rows(moved))) == {"/rows/0/metric"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body", [[], {}, {"rows": []}, {"rows": {}}, {"rows": [{}] * 1001}, {"rows": [{}], "x": 1}]
)
def test_a_body_that_is_no_batch_is_400(paula: Caller, kind: str, body: Any) -> None:
    assert paula.post(f"{kind}/bulk/", body).status_code == 400


@pytest.mark.parametrize("kind", KINDS)
def test_no_value_of_any_row_is_a_500(paula: Caller, kind: str) -> None:
    nasty: list[Any] = [
        None,
        True,
        "",
        "\x7f",
        "x" * 5000,
        -1,
        2**63 - 1,
        1e308,
        [],
        [[]],
        {},
        {"x": 1},
        "9999-12-31",
    ]
    names = list(paula_fields(kind))
    for value in nasty:
        body = rows(
            *({name: value} for name in names),
            *({"id": 1, "version": 1, name: value} for name in names),
            value,
        )
        response = paula.post(f"{kind}/bulk/?partial=true", body)
        assert response.status_code in (200, 400), (kind, value, response.content)


def paula_fields(kind: str) -> Any:
    from productops.api_urls import _viewsets

    return [*_viewsets[kind].serializer_class().fields, "version", "id"]


@pytest.mark.parametrize("kind", KINDS)
def test_viewers_write_nothing(workspace: Workspace, kind: str) -> None:
    viewer = Caller(workspace, ["roadmap:read", "outcomes:read"])
    assert viewer.post(f"{kind}/bulk/", rows({})).status_code == 403


def test_an_unknown_parameter_is_refused(paula: Caller) -> None:
    assert paula.post("items/bulk/?dryrun=true", rows({"title": "x"})).status_code == 400
    assert paula.post("items/bulk/?dry_run=yes", rows({"title": "x"})).status_code == 400


def test_a_batch_sent_twice_under_one_key_is_written_once(paula: Caller) -> None:
    body, once = rows({"title": "A"}, {"title": "B"}), {"Idempotency-Key": "batch-1"}
    first = paula.post("items/bulk/", body, **once)
    assert paula.post("items/bulk/", body, **once).content == first.content
    assert Item.objects.count() == 2


def test_a_thousand_items_take_as_many_queries_as_ten(paula: Caller, workspace: Workspace) -> None:
    for number in range(20):
        a_problem(workspace, key=f"p{number}")
    a_metric(workspace, key="m")
    product = a_product(workspace)

    def made(first: int, last: int) -> dict[str, Any]:
        return rows(
            *(
                {
                    "title": f"Feature number {number % 300}",
                    "product": product.key,
                    "links": [{"problem": f"p{number % 20}"}],
                    "outcomes": [{"metric": "m", "target": 1}],
                }
                for number in range(first, last)
            )
        )

    with CaptureQueriesContext(
        connection,
    ) as few:
        assert paula.post("items/bulk/", made(0, 10)).status_code == 200
    with CaptureQueriesContext(connection) as many:
        response = paula.post("items/bulk/", made(300, 1300))
    assert response.status_code == 200, response.content[:2000]
    assert Item.objects.count() == 1010
    assert Link.objects.count() == 1010
    # One look for numbered keys for each title that is taken already, and for nothing else.
    assert len(many) <= len(few) + 700
    changes = rows(
        *({"id": row["id"], "version": 1, "status": "discovery"} for row in response.json()["results"])
    )
    with CaptureQueriesContext(connection) as edits:
        assert paula.post("items/bulk/", changes).json()["updated"] == 1000
    assert len(edits) < 30
    assert Problem.objects.count() == 20
