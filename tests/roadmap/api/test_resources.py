from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
from django.db import connection

from roadmap.models import Item, Link, ProblemStanding, Release
from tests.callers import Caller, codes, pointers
from tests.factories import (
    a_customer,
    a_link,
    a_member,
    a_problem,
    a_product,
    a_workspace,
    an_item,
    evidence,
)


@pytest.mark.django_db
def test_the_card_has_the_roadmap_s_half_in_one_shape_in_lists_and_alone() -> None:
    workspace = a_workspace()
    owner, product = a_member(workspace), a_product(workspace, key="shop", name="Shop")
    problem = a_problem(workspace, key="lost", title="Baskets are lost")
    item = an_item(
        workspace, key="carts", owner=owner, product=product, status="released", released_on="2026-03-02"
    )
    a_link(item, problem, 0.5)
    caller = Caller(workspace)
    card = caller.get("items/carts/").json()
    assert card["owner"] == {"id": owner.pk, "name": owner.display_name}
    assert card["product"] == {"id": product.pk, "key": "shop", "name": "Shop"}
    assert card["problems"] == [{"id": problem.pk, "key": "lost", "title": "Baskets are lost", "weight": 0.5}]
    assert (card["horizon"], card["released_on"], card["version"]) == (None, "2026-03-02", 1)
    assert card["updated_at"].endswith("Z")
    assert caller.get("items/").json()["results"] == [card]
    assert caller.get(f"items/{item.pk}/").json() == card


@pytest.mark.django_db
def test_a_pm_creates_an_item_with_links_and_finds_it_where_it_is_said_to_be() -> None:
    workspace = a_workspace()
    problem, caller = a_problem(workspace, key="lost"), Caller(workspace)
    made = caller.post(
        "items/",
        {
            "title": "Saved carts",
            "horizon": "now",
            "links": [{"problem": "lost", "weight": 0.5}],
            "effort": 2,
        },
    )
    assert made.status_code == 201
    assert made["Location"] == "http://testserver/api/v1/items/saved-carts/"
    assert caller.get(made["Location"]).json() == made.json()
    assert made.json()["problems"][0]["id"] == problem.pk


@pytest.mark.django_db
def test_a_pm_moves_an_item_along_and_releases_it() -> None:
    workspace = a_workspace(pinned_on=date(2026, 5, 1))
    an_item(workspace, key="carts")
    caller = Caller(workspace)
    assert (
        caller.patch("items/carts/", {"status": "delivery", "horizon": None}).json()["status"] == "delivery"
    )
    released = caller.post("items/carts/release/", {"on": "2026-04-20"}).json()
    assert (released["status"], released["released_on"]) == ("released", "2026-04-20")
    assert caller.post("items/carts/release/", {"on": "soon"}).status_code == 400
    assert caller.post("items/carts/release/", {"when": "now"}).status_code == 400
    an_item(workspace, key="other")
    assert caller.post("items/other/release/").json()["released_on"] == "2026-05-01"


@pytest.mark.django_db
def test_archived_items_leave_the_list_and_come_back() -> None:
    workspace = a_workspace()
    an_item(workspace, key="carts", status="released", released_on=date(2026, 1, 1))
    caller = Caller(workspace)
    assert caller.delete("items/carts/").status_code == 204
    assert caller.get("items/").json()["results"] == []
    assert [row["key"] for row in caller.get("items/?archived=true").json()["results"]] == ["carts"]
    assert caller.post("items/carts/restore/").json()["archived_at"] is None
    assert len(caller.get("items/").json()["results"]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=released", {"a"}),
        ("status=released,idea", {"a", "b", "c"}),
        ("horizon=now", {"b"}),
        ("product=shop", {"a"}),
        ("problem=lost", {"b"}),
        ("released_after=2026-03-01", {"a"}),
        ("released_after=2026-03-03", set()),
        ("released_before=2026-03-02", {"a"}),
        ("search=basket", {"c"}),
        ("search=baskets -saved", set()),
        ("key=a", {"a"}),
    ],
)
def test_items_are_filtered_by_what_is_asked(query: str, found: set[str]) -> None:
    workspace = a_workspace()
    an_item(
        workspace,
        key="a",
        status="released",
        released_on="2026-03-02",
        product=a_product(workspace, key="shop"),
    )
    a_link(an_item(workspace, key="b", horizon="now"), a_problem(workspace, key="lost"))
    an_item(workspace, key="c", summary="Saved baskets follow you")
    body = Caller(workspace).get(f"items/?{query}").json()
    assert {row["key"] for row in body["results"]} == found


@pytest.mark.django_db
def test_problems_are_ranked_by_demand_and_show_how_they_stand() -> None:
    workspace = a_workspace()
    for key, demand in (("low", 1), ("high", 9)):
        problem = a_problem(workspace, key=key)
        ProblemStanding.objects.create(
            workspace=workspace, problem=problem, demand=demand, opportunity=15.5, revenue_at_stake=420
        )
    a_problem(workspace, key="new")
    rows = Caller(workspace).get("problems/").json()["results"]
    assert [row["key"] for row in rows] == ["high", "low", "new"]
    assert rows[0]["standing"]["opportunity"] == 15.5
    assert set(rows[2]["standing"]) == set(rows[0]["standing"])


@pytest.mark.django_db
def test_problems_with_and_without_items() -> None:
    workspace = a_workspace()
    a_problem(workspace, key="bare")
    linked = a_problem(workspace, key="linked")
    a_link(an_item(workspace), linked, 0.5)
    a_link(an_item(workspace), linked, 0.5)
    caller = Caller(workspace)
    for value, found in (("true", ["linked"]), ("false", ["bare"])):
        rows = caller.get(f"problems/?has_items={value}").json()["results"]
        assert [row["key"] for row in rows] == found


@pytest.mark.django_db
def test_evidence_is_written_by_key_and_found_by_problem_and_customer() -> None:
    workspace = a_workspace()
    a_problem(workspace, key="lost")
    a_customer(workspace, key="acme.com")
    caller = Caller(workspace)
    body = {
        "problem": "lost",
        "customer": "acme.com",
        "kind": "ticket",
        "quote": "It is gone",
        "importance": 3,
    }
    made = caller.post("evidence/", {**body, "observed_on": "2026-05-01", "external_id": "zd-1"})
    assert made.status_code == 201
    assert {name: made.json()[name] for name in body} == body
    assert len(caller.get("evidence/?problem=lost&customer=acme.com&kind=ticket").json()["results"]) == 1
    again = caller.post("evidence/", {**body, "external_id": "zd-1"})
    assert (again.status_code, pointers(again)) == (409, {"/external_id"})


@pytest.mark.django_db
def test_retracted_evidence_is_not_shown() -> None:
    workspace = a_workspace()
    tombstone = evidence(a_problem(workspace), is_retracted=True, external_id="x")
    caller = Caller(workspace)
    assert caller.get("evidence/").json()["results"] == []
    assert caller.get(f"evidence/{tombstone.pk}/").status_code == 404


@pytest.mark.django_db
def test_amounts_are_numbers_and_texts_are_not() -> None:
    caller = Caller(a_workspace())
    assert caller.post("customers/", {"name": "Acme", "mrr": 420.5}).json()["mrr"] == 420.5
    for mrr in ("420", True, -1, 1e20, 0.001):
        assert caller.post("customers/", {"name": "Acme", "mrr": mrr}).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("value", [10**18, 2**63 - 1, -(2**63), 1e308, 1e17])
@pytest.mark.parametrize("field", ["window_days", "grace_days", "reach", "released_on", "owner", "product"])
def test_numbers_out_of_range_are_400_and_never_500(field: str, value: float) -> None:
    answer = Caller(a_workspace()).post("items/", {"title": "x", field: value})
    assert answer.status_code in (201, 400)


@pytest.mark.django_db
def test_a_link_with_another_scheme_is_refused() -> None:
    answer = Caller(a_workspace()).post("items/", {"title": "x", "url": "javascript:alert(1)"})
    assert (answer.status_code, pointers(answer)) == (400, {"/url"})


@pytest.mark.django_db
def test_too_much_weight_points_at_the_links() -> None:
    workspace = a_workspace()
    a_problem(workspace, key="a")
    a_problem(workspace, key="b")
    links = [{"problem": "a", "weight": 0.7}, {"problem": "b", "weight": 0.6}]
    answer = Caller(workspace).post("items/", {"title": "x", "links": links})
    assert (answer.status_code, pointers(answer), codes(answer)) == (400, {"/links"}, {"too_much"})
    assert not Item.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_links_added_at_once_never_weigh_more_than_one_and_nobody_sees_a_500() -> None:
    workspace = a_workspace()
    item, caller, start = an_item(workspace), Caller(workspace), Barrier(6)
    problems = [a_problem(workspace) for _ in range(6)]

    def link(number: int) -> int:
        start.wait(timeout=60)
        try:
            body = {"item": item.key, "problem": problems[number].key, "weight": 0.4}
            return Caller(**caller.headers).post("links/", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(link, range(6)))
    assert statuses == [201, 201, 400, 400, 400, 400]
    assert sum(Link.objects.values_list("weight", flat=True)) <= 1


@pytest.mark.django_db(transaction=True)
def test_a_problem_deleted_while_evidence_is_added_is_a_409() -> None:
    workspace = a_workspace()
    problem, caller = a_problem(workspace), Caller(workspace)
    from roadmap.services import rows

    real = rows.check

    def delete_first(row, *rules) -> None:
        real(row, *rules)

        def elsewhere() -> None:
            type(problem).objects.filter(pk=problem.pk).delete()
            connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(elsewhere).result(timeout=60)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("roadmap.services.evidence.check", delete_first)
        answer = caller.post("evidence/", {"problem": problem.key, "kind": "call"})
    assert (answer.status_code, pointers(answer)) == (409, {"/problem"})


@pytest.mark.django_db
def test_a_problem_shows_its_items_and_an_item_its_releases_when_asked() -> None:
    workspace = a_workspace()
    item, problem = an_item(workspace, key="carts"), a_problem(workspace, key="lost")
    a_link(item, problem, 0.5)
    marks = {"stated_at": datetime(2026, 5, 1, tzinfo=UTC), "stated_by": "x", "on": date(2026, 5, 1)}
    for hour, is_retracted in ((1, False), (2, True)):
        at = datetime(2026, 5, 1, hour, tzinfo=UTC)
        Release.objects.create(workspace=workspace, item=item, at=at, is_retracted=is_retracted, **marks)
    caller = Caller(workspace)
    rows = caller.get("problems/?expand=items").json()["results"]
    assert [(row["key"], row["weight"]) for row in rows[0]["items"]] == [("carts", 0.5)]
    releases = caller.get("items/carts/?expand=releases").json()["releases"]
    assert [release["at"] for release in releases] == ["2026-05-01T01:00:00Z"]
    assert "releases" not in caller.get("items/carts/").json()
