"""What a source changes is told as its own doing, and what is archived stays as it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from outcomes.models import Delivery, UsageEvent
from outcomes.pipeline.interpret import interpret_pending
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting
from productops.workspaces.models import Change
from roadmap.models import Customer, Evidence, Item, Release
from tests.factories import a_problem, a_source, an_item
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

AT = "2026-04-30T10:00:00Z"
TICKET = {"problem": "lost-baskets", "id": "zd-1", "kind": "ticket", "customer": "acme"}
RETRACTION = {"kind": "evidence", "problem": "lost-baskets", "id": "zd-1"}


@pytest.fixture
def team() -> Team:
    return Team()


def interpreted(team: Team, body: dict[str, Any], **options: Any) -> Delivery:
    delivery_id = team.state(body, **options)
    interpret_pending(max_seconds=60)
    return Delivery.objects.get(pk=delivery_id)


def told(type_: str) -> list[tuple[str, str, str]]:
    return [(one.action, one.via, one.by) for one in Change.objects.filter(type=type_).order_by("id")]


def test_a_release_that_a_source_reports_is_its_own_doing(team: Team) -> None:
    item = an_item(team.workspace, key="saved-carts", status="delivery")
    Change.objects.all().delete()
    interpreted(team, {"releases": [{"item": "saved-carts", "at": AT}]})
    item.refresh_from_db()
    assert item.released_on == date(2026, 4, 30)
    assert told("item") == [("edited", "webhook", team.source.name)]


def test_evidence_is_made_taken_back_and_made_again_by_its_source(team: Team) -> None:
    a_problem(team.workspace, key="lost-baskets")
    for body in ({"evidence": [TICKET]}, {"retract": [RETRACTION]}, {"evidence": [TICKET]}):
        assert interpreted(team, body).state == "done"
    by = ("webhook", team.source.name)
    assert told("evidence") == [("created", *by), ("removed", *by), ("created", *by)]
    assert told("customer") == [("created", *by)]
    removed = Change.objects.get(type="evidence", action="removed")
    assert (removed.values["kind"], removed.values["external_id"]) == ("ticket", "zd-1")


def test_a_retraction_that_comes_first_tells_of_nothing(team: Team) -> None:
    a_problem(team.workspace, key="lost-baskets")
    interpreted(team, {"retract": [RETRACTION]})
    assert told("evidence") == []


def test_sources_that_are_read_together_are_told_apart(team: Team) -> None:
    a_problem(team.workspace, key="lost-baskets")
    an_item(team.workspace, key="saved-carts", status="delivery")
    other = a_source(team.workspace, key="zendesk", name="Zendesk")
    Change.objects.all().delete()
    for number, source in enumerate([team.source, other, team.source]):
        team.state({"evidence": [{**TICKET, "id": f"zd-{number}"}]}, source=source)
    team.state({"releases": [{"item": "saved-carts", "at": AT}]}, source=other)
    interpret_pending(max_seconds=60)
    by = {one.values["external_id"]: one.by for one in Change.objects.filter(type="evidence")}
    assert by == {"zd-0": team.source.name, "zd-1": "Zendesk", "zd-2": team.source.name}
    assert told("item") == [("edited", "webhook", "Zendesk")]


def test_evidence_on_an_archived_problem_is_refused_until_it_is_restored(team: Team) -> None:
    problem = a_problem(team.workspace, key="lost-baskets", archived_at=timezone.now())
    refused = interpreted(team, {"evidence": [TICKET]})
    assert (refused.state, refused.outcome["refused"][0]["code"]) == ("partial", "archived")
    assert not Evidence.objects.exists()
    problem.archived_at = None
    problem.save()
    assert interpreted(team, {"evidence": [TICKET]}).state == "done"


def test_an_archived_item_is_not_released_but_its_use_is_a_fact(team: Team) -> None:
    an_item(team.workspace, key="saved-carts", status="delivery", archived_at=timezone.now())
    usage = {"item": "saved-carts", "actor": "u_1", "at": AT}
    body = {"usage": [usage], "releases": [{"item": "saved-carts", "at": AT}]}
    delivery = interpreted(team, body)
    assert (delivery.state, delivery.taken) == ("partial", 1)
    (refusal,) = delivery.outcome["refused"]
    assert (refusal["row"], refusal["code"]) == ("/releases/0", "archived")
    assert Item.objects.get().released_on is None
    assert (UsageEvent.objects.count(), Release.objects.count()) == (1, 0)


def test_an_archived_customer_is_not_changed_but_named_all_the_same(team: Team) -> None:
    acme = Customer.objects.create(
        workspace=team.workspace, key="acme", name="Acme", archived_at=timezone.now()
    )
    a_problem(team.workspace, key="lost-baskets")
    stated = {"key": "acme", "name": "Acme Ltd.", "mrr": 900}
    delivery = interpreted(team, {"customers": [stated], "evidence": [{**TICKET, "customer": "acme"}]})
    (refusal,) = delivery.outcome["refused"]
    assert (refusal["row"], refusal["code"]) == ("/customers/0", "archived")
    acme.refresh_from_db()
    assert (acme.name, acme.mrr, Evidence.objects.get().customer_id) == ("Acme", None, acme.pk)
    Customer.objects.update(archived_at=None)
    interpreted(team, {"customers": [stated]})
    acme.refresh_from_db()
    assert acme.name == "Acme Ltd."


def test_a_part_that_occurs_twice_fails_the_delivery_and_says_so(team: Team) -> None:
    delivery_id = team.state(b'{"observations": [], "observations": []}')
    interpret_pending(max_seconds=60)
    delivery = Delivery.objects.get(pk=delivery_id)
    assert (delivery.state, "occurs twice" in delivery.outcome["error"]) == ("failed", True)


def test_what_a_person_states_is_the_persons_own_doing(team: Team) -> None:
    a_problem(team.workspace, key="lost-baskets")
    eve = Actor(name="Eve", user_id=7, via="api")
    with acting(eve):
        interpreted(team, {"evidence": [TICKET]})
    assert told("evidence") == [("created", "api", "Eve")]
