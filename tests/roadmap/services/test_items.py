from __future__ import annotations

from datetime import date

import pytest

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Refused
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap import services
from roadmap.models import Item, Link
from roadmap.services.links import WantedLink
from tests.factories import a_link, a_problem, a_product, a_workspace, an_item, evidence
from tests.roadmap.hearing import listening

pytestmark = pytest.mark.django_db

PM = Actor(name="Pat", user_id=None, via="api")
PIN = date(2026, 5, 1)


@pytest.fixture
def workspace():
    return a_workspace(pinned_on=PIN)


def edited(item: Item, **changes) -> Item:
    services.edit_item(workspace=item.workspace, by=PM, item_id=item.pk, version=None, changes=changes)
    return Item.objects.get(pk=item.pk)


def test_only_a_title_is_asked_for(workspace) -> None:
    item = services.create_item(workspace=workspace, by=PM, title="Saved carts")
    assert (item.key, item.status) == ("saved-carts", "idea")


@pytest.mark.parametrize(
    ("title", "key"), [("2026", "item-2026"), ("Bulk", "item-bulk"), ("🚀", "item"), ("Ärger!", "arger")]
)
def test_a_title_that_makes_no_key_still_gets_one(workspace, title: str, key: str) -> None:
    assert services.create_item(workspace=workspace, by=PM, title=title).key == key


def test_a_second_item_of_a_title_is_numbered(workspace) -> None:
    keys = [services.create_item(workspace=workspace, by=PM, title="Carts").key for _ in range(3)]
    assert keys == ["carts", "carts-2", "carts-3"]


def test_creation_is_told_with_the_links_in_one_transaction(workspace) -> None:
    problem, product = a_problem(workspace), a_product(workspace)
    with listening() as told:
        item = services.create_item(
            workspace=workspace, by=PM, title="Carts", product=product, links=[WantedLink(problem, 0.5)]
        )
    assert told[0] == ("items_created", [item.pk])
    assert ("problems_changed", [problem.pk]) in told
    assert ("items_changed of products", [product.pk]) in told
    assert Link.objects.get(item=item).weight == 0.5


def test_a_bad_link_leaves_no_item_behind(workspace) -> None:
    problem = a_problem(workspace)
    with pytest.raises(Refused) as refused:
        services.create_item(
            workspace=workspace, by=PM, title="x", links=[WantedLink(problem), WantedLink(problem)]
        )
    assert refused.value.complaints[0].field == "links/1/problem"
    assert not Item.objects.exists()


def test_a_foreign_problem_or_product_does_not_exist_here(workspace) -> None:
    elsewhere = a_workspace()
    with pytest.raises(Refused):
        services.create_item(workspace=workspace, by=PM, title="x", links=[WantedLink(a_problem(elsewhere))])
    with pytest.raises(Refused):
        services.create_item(workspace=workspace, by=PM, title="x", product=a_product(elsewhere))


def test_releasing_without_a_day_means_today_and_freezes_the_inputs(workspace) -> None:
    item = edited(
        an_item(workspace, reach=100, impact=2, confidence=0.5, effort=2), status="released", reach=80
    )
    assert (item.released_on, item.is_release_stated) == (PIN, False)
    assert item.inputs_at_release == {"reach": 80, "impact": 2, "confidence": 0.5, "effort": 2}
    assert edited(item, reach=10).inputs_at_release["reach"] == 80


def test_a_day_that_a_person_says_is_a_statement(workspace) -> None:
    item = an_item(workspace)
    services.release_item(workspace=workspace, by=PM, item_id=item.pk, on=date(2026, 4, 2))
    item.refresh_from_db()
    assert (item.status, item.released_on, item.is_release_stated) == ("released", date(2026, 4, 2), True)


def test_going_back_before_release_clears_the_day_and_the_frozen_inputs(workspace) -> None:
    item = edited(edited(an_item(workspace, reach=5), status="released"), status="delivery")
    assert (item.released_on, item.inputs_at_release) == (None, None)


def test_sunset_keeps_what_was_frozen_and_so_does_coming_back_from_it(workspace) -> None:
    released = edited(an_item(workspace, reach=5), status="released")
    sunset = edited(released, status="sunset", reach=7)
    assert sunset.inputs_at_release["reach"] == 5
    assert edited(sunset, status="released").inputs_at_release["reach"] == 5


def test_a_released_item_keeps_a_day(workspace) -> None:
    released = edited(an_item(workspace), status="released", released_on=date(2026, 1, 1))
    cleared = edited(released, released_on=None)
    assert (cleared.released_on, cleared.is_release_stated) == (PIN, False)


def test_an_exempt_item_says_why_until_it_is_exempt_no_more(workspace) -> None:
    item = an_item(workspace)
    with pytest.raises(Refused):
        edited(item, usage_policy="exempt")
    exempt = edited(item, usage_policy="exempt", exemption_reason="security")
    assert edited(exempt, usage_policy="normal").exemption_reason == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"effort": 0},
        {"confidence": 1.5},
        {"impact": 4},
        {"reach": -1},
        {"status": "done"},
        {"title": ""},
        {"title": "x" * 301},
        {"key": "123"},
        {"key": "bulk"},
        {"url": "javascript:alert(1)"},
    ],
)
def test_values_that_make_no_sense_are_refused_by_field(workspace, changes: dict) -> None:
    with pytest.raises(Refused) as refused:
        edited(an_item(workspace), **changes)
    assert refused.value.complaints[0].field == next(iter(changes))


def test_changing_the_links_raises_the_item_s_version_and_tells_everybody_beside(workspace) -> None:
    item, other, old, new = an_item(workspace), an_item(workspace), a_problem(workspace), a_problem(workspace)
    a_link(item, old)
    a_link(other, old)
    with listening() as told:
        item = edited(item, links=[WantedLink(new, 0.25)])
    assert (item.version, [link.problem_id for link in item.links.all()]) == (2, [new.pk])
    assert ("problems_changed", sorted([old.pk, new.pk])) in told
    assert ("items_changed", sorted([item.pk, other.pk])) in told


def test_the_same_links_again_change_nothing(workspace) -> None:
    item, problem = an_item(workspace), a_problem(workspace)
    a_link(item, problem, 0.5)
    with listening() as told:
        assert edited(item, links=[WantedLink(problem, 0.5)]).version == 1
    assert told == []


def test_moving_to_another_product_tells_both(workspace) -> None:
    old, new = a_product(workspace), a_product(workspace)
    with listening() as told:
        edited(an_item(workspace, product=old), product=new)
    assert ("items_changed of products", [old.pk, new.pk]) in told


def test_an_item_without_a_past_is_deleted_and_one_with_a_past_archived(workspace) -> None:
    young, old = an_item(workspace), an_item(workspace, status="released", released_on=PIN)
    a_link(young, a_problem(workspace))
    removed = {
        item.pk: services.remove_item(workspace=workspace, by=PM, item_id=item.pk, version=1)
        for item in (young, old)
    }
    assert removed == {young.pk: True, old.pk: False}
    assert list(Item.objects.values_list("pk", flat=True)) == [old.pk]
    assert not Item.objects.current().exists()


def test_an_archived_item_comes_back(workspace) -> None:
    item = an_item(workspace, status="released", released_on=PIN)
    services.remove_item(workspace=workspace, by=PM, item_id=item.pk, version=1)
    with listening() as told:
        services.restore_item(workspace=workspace, by=PM, item_id=item.pk, version=2)
    assert Item.objects.current().get().pk == item.pk
    assert told == [("items_changed", [item.pk])]


def test_a_stale_edit_and_a_foreign_item_are_told_apart(workspace) -> None:
    item, foreign = an_item(workspace), an_item(a_workspace())
    with pytest.raises(StaleEdit):
        services.edit_item(workspace=workspace, by=PM, item_id=item.pk, version=3, changes={"title": "x"})
    with pytest.raises(StaleEdit):
        services.edit_item(workspace=workspace, by=PM, item_id=item.pk, version=3, changes={})
    with pytest.raises(NotHere):
        services.edit_item(workspace=workspace, by=PM, item_id=foreign.pk, version=1, changes={"title": "x"})


def test_evidence_moves_tell_both_problems(workspace) -> None:
    old, new = a_problem(workspace), a_problem(workspace)
    piece = evidence(old)
    with listening() as told:
        services.edit_evidence(
            workspace=workspace, by=PM, evidence_id=piece.pk, version=1, changes={"problem": new}
        )
    assert told == [("problems_changed", [old.pk, new.pk])]
