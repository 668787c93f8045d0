"""What happens is told once: to whom wants it, as it was, however often it is computed again."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator

from outcomes.api.events import SHAPES
from outcomes.models import Effect, Flag, Notice, Occurrence, Outcome, QuietRun
from outcomes.pipeline import clock
from outcomes.pipeline.clock import judge_anew
from outcomes.services import endpoints as services
from outcomes.services.deliveries import replay_source
from productops.local.places import CHECKOUT
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.services import edit_workspace
from roadmap.models import Item
from roadmap.services import create_item, edit_item, release_item
from roadmap.signals import items_changed
from tests.factories import a_metric, an_endpoint
from tests.outcomes.pipeline.stating import Team, days_before
from tests.outcomes.pipeline.test_effects import LAST, move_to, stepped
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
CARTS = "saved-carts"
ADA = Actor("Ada", None, "api")


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


def listener(team: Team, *events: str, **fields: Any) -> Any:
    """An endpoint made as people make them, for these events or for all."""
    said = {
        "name": "Hook",
        "url": "https://hooks.example.com/1",
        **({"events": list(events)} if events else {}),
    }
    return services.create_endpoint(workspace=team.workspace, by=ADA, **{**said, **fields})[0]


def told(event: str) -> list[Any]:
    """The data of what was told of an event, in order; checked against what the API's document promises."""
    rows = Notice.objects.filter(occurrence__event=event).select_related("occurrence").order_by("id")
    payloads = [row.occurrence.payload for row in rows]
    for payload in payloads:
        schema(event).validate(payload)
    return [payload["data"] for payload in payloads]


@cache
def document() -> Any:
    return json.loads((CHECKOUT / "docs" / "openapi.json").read_text())


@cache
def schema(event: str) -> Draft202012Validator:
    name = SHAPES[event].__name__.removesuffix("Serializer")  # type: ignore[union-attr]
    whole = {"$ref": f"#/$defs/{name}", "$defs": document()["components"]["schemas"]}
    return Draft202012Validator(json.loads(json.dumps(whole).replace("#/components/schemas/", "#/$defs/")))


def settled_before(team: Team) -> None:
    """The first run of the workspace, which is quiet, is over."""
    team.item("first")
    team.state(counted("first", days_before(PIN, 60), 10))
    team.settle()
    assert QuietRun.objects.get().ended_at is not None


def again(team: Team) -> None:
    """Everything is computed again, thrice: from the facts, by the clock, and from the deliveries."""
    judge_anew(team.workspace, {"kind": "clock"})
    team.settle()
    clock.tick()
    team.settle()
    replay_source(workspace=team.workspace, by=ADA, source=team.source)
    team.settle()


def observed(value: float, on: date = PIN, metric: str = "m") -> dict[str, Any]:
    return {"observations": [{"metric": metric, "at": f"{on}T09:00:00Z", "value": value}]}


def an_outcome(team: Team, key: str = CARTS, **fields: Any) -> Outcome:
    item = team.item(key)
    metric = a_metric(team.workspace, key="m", aggregation="last")
    return Outcome.objects.create(workspace=team.workspace, item=item, metric=metric, **fields)


def test_a_flag_that_opens_is_told_once_with_its_evidence(team: Team) -> None:
    settled_before(team)
    listener(team)
    team.item()
    team.state(counted(CARTS, days_before(PIN, 60), 0))
    team.settle()
    again(team)
    (data,) = told("flag.opened")
    flag = Flag.objects.get(item__key=CARTS)
    assert (data["flag"]["id"], data["flag"]["reason"]) == (flag.pk, "never_adopted")
    assert data["flag"]["item"]["key"] == CARTS
    assert data["flag"]["evidence"]["eligible"] == 1000


def test_a_flag_that_late_data_resolves_and_brings_back_is_told_each_time(team: Team) -> None:
    settled_before(team)
    listener(team)
    team.item()
    for active in (0, 300, 0):
        team.state(counted(CARTS, days_before(PIN, 60), active))
        team.settle()
        again(team)
    assert len(told("flag.opened")) == 2
    (resolved,) = told("flag.resolved")
    assert (resolved["flag"]["state"], resolved["flag"]["resolved_cause"]) == ("resolved", "corrected")


def test_who_subscribes_to_one_event_hears_of_no_other(team: Team) -> None:
    settled_before(team)
    listener(team, "flag.resolved")
    team.item()
    team.state(counted(CARTS, days_before(PIN, 60), 0))
    team.settle()
    assert not Notice.objects.exists()
    assert not Occurrence.objects.exists()


def test_where_nobody_listens_nothing_is_written(team: Team) -> None:
    settled_before(team)
    an_endpoint(team.workspace, disabled_at="2026-05-01T00:00:00Z", disabled_reason="by_hand")
    an_outcome(team, baseline=0, target=10)
    team.state({**counted(CARTS, days_before(PIN, 60), 0), **observed(10)})
    team.settle()
    release(team)
    assert Flag.objects.exists()
    assert not Occurrence.objects.exists()


def test_another_workspace_hears_nothing(team: Team) -> None:
    settled_before(team)
    listener(Team(pin=PIN))
    team.item()
    team.state(counted(CARTS, days_before(PIN, 60), 0))
    team.settle()
    assert Flag.objects.exists()
    assert not Occurrence.objects.exists()


def test_a_first_run_is_told_in_one_message(team: Team) -> None:
    listener(team)
    for key in ("a", "b", "c"):
        team.item(key)
        team.state(counted(key, days_before(PIN, 60), 0))
    team.settle()
    again(team)
    assert Flag.objects.count() == 3
    assert told("flag.opened") == []
    (digest,) = told("flags.digest")
    assert digest == {"kind": "first_run", "opened": {"never_adopted": 3}, "resolved": {}}
    assert Occurrence.objects.filter(event="flag.opened", is_quiet=True).count() == 3


def test_a_change_of_thresholds_is_told_in_one_message_and_values_in_none(team: Team) -> None:
    settled_before(team)
    listener(team, value_threshold=0)
    changes = {"under_used_below": 0.9}
    edit_workspace(workspace=team.workspace, by=ADA, version=None, changes=changes)
    team.workspace = Workspace.objects.get(pk=team.workspace.pk)
    team.settle()
    assert told("flags.digest") == [{"kind": "thresholds", "opened": {"under_used": 1}, "resolved": {}}]
    assert (told("flag.opened"), told("value.changed")) == ([], [])


# --- values -----------------------------------------------------------------------------------------------


def test_a_value_is_told_when_it_has_moved_far_enough_however_many_steps_that_took(team: Team) -> None:
    an_outcome(team, baseline=0, target=100)
    team.state(observed(50))
    team.settle()
    listener(team, "value.changed", value_threshold=3)
    for value in (55, 60, 64, 66, 70):
        team.state(observed(value))
        team.settle()
    again(team)
    # Attainment weighs 0.2: 50 is 10 points, 66 the first that is 3 away from it.
    (data,) = told("value.changed")
    assert (data["before"], data["after"]) == (10, 13.2)
    assert data["item"]["key"] == CARTS
    team.state(observed(50))
    team.settle()
    assert [one["after"] for one in told("value.changed")] == [pytest.approx(13.2), pytest.approx(10)]


def test_a_first_value_is_told_with_an_unknown_one_before_it(team: Team) -> None:
    listener(team, "value.changed")
    an_outcome(team, baseline=0, target=100)
    team.state(observed(50))
    team.settle()
    (data,) = told("value.changed")
    assert (data["before"], data["after"]) == (None, pytest.approx(10))


def test_each_endpoint_has_a_threshold_of_its_own(team: Team) -> None:
    an_outcome(team, baseline=0, target=100)
    team.state(observed(50))
    team.settle()
    fine = listener(team, "value.changed", value_threshold=0.5)
    coarse = listener(team, "value.changed", value_threshold=50)
    team.state(observed(60))
    team.settle()
    assert (fine.notices.count(), coarse.notices.count()) == (1, 0)


def test_what_is_never_told_of_values_costs_no_row(team: Team) -> None:
    listener(team, "flag.opened")
    an_outcome(team, baseline=0, target=100)
    team.state(observed(50))
    team.settle()
    assert not Occurrence.objects.filter(event="value.changed").exists()


# --- outcomes and effects ---------------------------------------------------------------------------------


def test_an_outcome_is_met_once_for_each_target(team: Team) -> None:
    settled_before(team)
    listener(team, "outcome.met")
    outcome = an_outcome(team, baseline=0, target=100)
    for value in (50, 95, 50, 100):
        team.state(observed(value))
        team.settle()
    again(team)
    (data,) = told("outcome.met")
    assert (data["outcome"]["id"], data["outcome"]["attainment"]) == (outcome.pk, pytest.approx(0.95))
    Outcome.objects.update(target=80)
    judge_anew(team.workspace, {"kind": "clock"})
    team.settle()
    assert [one["outcome"]["target"] for one in told("outcome.met")] == [100, 80]


def test_what_was_met_before_anybody_asked_is_no_news(team: Team) -> None:
    settled_before(team)
    an_outcome(team, baseline=0, target=100)
    team.state(observed(100))
    team.settle()
    listener(team)
    again(team)
    assert not Notice.objects.exists()


def test_an_outcome_is_missed_when_it_is_due_and_below_its_target(team: Team) -> None:
    settled_before(team)
    listener(team, "outcome.missed")
    an_outcome(team, baseline=0, target=100, due_on=PIN - timedelta(days=1))
    team.state(observed(50))
    team.settle()
    again(team)
    (data,) = told("outcome.missed")
    assert (data["outcome"]["attainment"], data["outcome"]["due_on"]) == (0.5, "2026-04-30")


def test_a_source_that_goes_silent_is_told_once(team: Team) -> None:
    settled_before(team)
    listener(team, "source.stale")
    move_to(team, PIN + timedelta(days=4))
    again(team)
    (data,) = told("source.stale")
    assert (data["source"]["key"], data["newest_on"], data["days_since"]) == (
        team.source.key,
        PIN.isoformat(),
        4,
    )


def test_an_effect_is_told_when_it_is_decided_and_again_when_late_data_turns_it(team: Team) -> None:
    team = Team(pin=LAST)
    settled = team.item("other", released_on=date(2026, 3, 2))
    metric = a_metric(team.workspace, key="m")
    Outcome.objects.create(workspace=team.workspace, item=settled, metric=metric)
    listener(team, "effect.decided")
    team.state(stepped(-3))
    team.settle()
    assert Effect.objects.get().decided_on is None
    assert told("effect.decided") == []
    move_to(team, LAST + timedelta(days=1))
    again(team)
    (data,) = told("effect.decided")
    assert (data["effect"]["verdict"], data["effect"]["metric"]) == ("worse", "m")
    team.state(stepped(-3.001))
    team.settle()
    assert len(told("effect.decided")) == 1
    team.state(stepped(3))
    team.settle()
    assert [one["effect"]["verdict"] for one in told("effect.decided")] == ["worse", "better"]


# --- releases ---------------------------------------------------------------------------------------------


def release(team: Team, **fields: Any) -> Item:
    item = create_item(workspace=team.workspace, by=ADA, title="New", **fields)
    if item.released_on is None:
        release_item(workspace=team.workspace, by=ADA, item_id=item.pk)
    return item


def test_a_release_by_a_person_is_told_once(team: Team) -> None:
    listener(team, "item.released")
    item = release(team)
    edit_item(workspace=team.workspace, by=ADA, item_id=item.pk, version=None, changes={"title": "Newer"})
    items_changed.send(None, workspace_id=team.workspace.pk, ids=[item.pk], cause={"kind": "edit"})
    team.settle()
    (data,) = told("item.released")
    assert (data["item"]["key"], data["item"]["released_on"]) == ("new", PIN.isoformat())


def test_a_release_that_a_source_reports_is_told_once(team: Team) -> None:
    listener(team, "item.released")
    team.item("new", status="delivery", released_on=None, is_release_stated=False)
    body = {"releases": [{"item": "new", "at": "2026-04-20T09:00:00Z"}]}
    team.state(body, message_id="once")
    team.settle()
    team.state(body, message_id="twice")
    team.settle()
    again(team)
    assert [one["item"]["released_on"] for one in told("item.released")] == ["2026-04-20"]


def test_a_new_item_that_was_released_long_ago_is_history(team: Team) -> None:
    listener(team, "item.released")
    release(team, status="released", released_on=PIN - timedelta(days=30))
    assert told("item.released") == []
    release(team, status="released", released_on=PIN)
    assert len(told("item.released")) == 1


# --- what it costs ----------------------------------------------------------------------------------------


def _queries(team: Team) -> Counter[str]:
    """The statements of scoring everything anew that touch endpoints or what is told, by their table."""
    judge_anew(team.workspace, {"kind": "clock"})
    with CaptureQueriesContext(connection) as seen:
        team.settle()
    tables = ("outcomes_endpoint", "outcomes_occurrence", "outcomes_toldvalue", "outcomes_notice")
    return Counter(
        table for query in seen for table in tables if f'"{table}"' in query["sql"] or table in query["sql"]
    )


def test_where_nobody_listens_a_batch_costs_one_look_and_with_more_items_no_more(team: Team) -> None:
    settled_before(team)
    few = _queries(team)
    for number in range(20):
        team.item(f"more-{number}")
    team.settle()
    assert _queries(team) == few == {"outcomes_endpoint": 1}


def test_a_batch_costs_the_same_however_many_items_it_has(team: Team) -> None:
    settled_before(team)
    listener(team)
    few = _queries(team)
    for number in range(20):
        team.item(f"more-{number}")
    team.settle()
    assert _queries(team) == few


def test_what_is_rolled_back_was_never_told(team: Team) -> None:
    from django.db import transaction

    listener(team)
    with transaction.atomic():
        release(team)
        transaction.set_rollback(True)
    assert not Occurrence.objects.exists()
