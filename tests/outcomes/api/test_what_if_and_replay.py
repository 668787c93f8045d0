"""What a value would be with other inputs, and what it was on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from outcomes.models import Mark, Outcome, ValueRecord
from productops.api.numbers import as_shown
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller, pointers
from tests.factories import a_metric, a_workspace, an_outcome
from tests.outcomes.pipeline.stating import Team, days_before, dump
from tests.outcomes.pipeline.test_values_and_flags import observed
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    """Carts: half of its outcome, 6% of its people."""
    team = Team()
    inputs = {"reach": 1000.0, "impact": 2.0, "confidence": 0.5, "effort": 2.0}
    item = team.item("carts", **inputs, inputs_at_release=inputs)
    an_outcome(item, a_metric(team.workspace, key="m"), baseline=10, target=20)
    team.state({**observed({team.pin: 15}), **counted("carts", days_before(team.pin, 60), 60)})
    team.settle()
    return team


@pytest.fixture
def paula(team: Team) -> Caller:
    return Caller(team.workspace)


def suppose(caller: Caller, **body: Any) -> dict[str, Any]:
    answer = caller.post("items/carts/value/what-if/", body)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_supposing_nothing_is_the_value_as_it_stands(team: Team, paula: Caller) -> None:
    told = suppose(paula)
    value = team.value("carts")
    assert told["before"]["proven"] == told["after"]["proven"] == value.proven
    assert told["before"]["explanation"] == as_shown(value.explanation)
    assert set(told["difference"].values()) <= {0, None}


@pytest.mark.parametrize(
    ("body", "name", "after"),
    [
        ({"reach": 4000}, "expected", 2000),
        ({"effort": None}, "expected", None),
        ({"impact": 3}, "expected", 750),
        ({"confidence": 1.0}, "expected", 500),
        ({"active": 300}, "adoption", 1),
        ({"active": 60, "eligible": 100}, "adoption", 1),
        ({"previous": 100, "still": 25}, "retention", 0.5),
        ({"target_adoption": 0.06}, "adoption", 1),
        ({"usage_policy": "mandatory"}, "adoption", None),
        ({"status": "discovery", "released_on": None}, "proven", None),
    ],
)
def test_any_input_of_the_value_can_be_supposed(
    paula: Caller, body: dict[str, Any], name: str, after: float | None
) -> None:
    told = suppose(paula, **body)
    assert told["after"][name] == (None if after is None else pytest.approx(after))


@pytest.mark.parametrize(
    ("numbers", "term"),
    [({"current": 20}, 1), ({"target": 30}, 0.25), ({"baseline": 5}, 2 / 3), ({"current": None}, None)],
)
def test_an_outcome_s_numbers_can_be_supposed(
    team: Team, paula: Caller, numbers: dict[str, float | None], term: float | None
) -> None:
    told = suppose(paula, outcomes=[{"outcome": Outcome.objects.get().pk, **numbers}])
    assert told["after"]["outcome"] == (None if term is None else pytest.approx(term))


def test_supposing_writes_nothing(team: Team, paula: Caller) -> None:
    before, records = dump(team.workspace), ValueRecord.objects.count()
    suppose(
        paula, reach=1, active=1, outcomes=[{"outcome": Outcome.objects.get().pk, "target": 99, "weight": 3}]
    )
    assert (dump(team.workspace), ValueRecord.objects.count()) == (before, records)
    assert not Mark.objects.exists()
    assert Outcome.objects.get().target == 20


def test_what_cannot_be_is_refused_where_it_stands(team: Team, paula: Caller) -> None:
    other = an_outcome(team.item("other"))
    answer = paula.post(
        "items/carts/value/what-if/",
        {"impact": 7, "active": -1, "previous": 1, "still": 2, "outcomes": [{"outcome": other.pk}]},
    )
    assert answer.status_code == 400
    assert {"/impact", "/active", "/still", "/outcomes/0/outcome"} <= pointers(answer)
    assert paula.post("items/carts/value/what-if/", {"luck": 1}).status_code == 400


def test_a_viewer_may_suppose_and_an_outsider_may_not(team: Team) -> None:
    assert Caller(team.workspace, ["roadmap:read"]).post("items/carts/value/what-if/", {}).status_code == 200
    olga = Caller(a_workspace())
    assert olga.post("items/carts/value/what-if/", {}).status_code == 404
    assert olga.get("items/carts/value/at/?on=2026-05-01").status_code == 404


# --- replay -----------------------------------------------------------------------------------------------


def moved_to(team: Team, day: date) -> None:
    """The workspace's clock stands on this day, and everything has been judged as of it."""
    from outcomes.pipeline import clock

    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=day)
    clock.tick()
    team.settle()


def at(caller: Caller, on: date) -> dict[str, Any]:
    answer = caller.get(f"items/carts/value/at/?on={on}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_past_value_comes_out_again_from_facts_after_the_world_moved_on(team: Team, paula: Caller) -> None:
    then = team.pin
    moved_to(team, then + timedelta(days=3))
    team.state(observed({then + timedelta(days=2): 20}))
    team.settle()
    paula.patch("items/carts/", {"target_adoption": 0.9, "usage_policy": "mandatory"})
    outcome = Outcome.objects.get()
    paula.patch(f"outcomes/{outcome.pk}/", {"target": 40, "baseline": None})
    model = paula.post("scoring-models/", {"weights": {"outcome": 0.6, "adoption": 0.2}}).json()
    paula.post(f"scoring-models/{model['id']}/activate/")
    team.settle()

    told = at(paula, then)

    assert (told["is_equal"], told["differs"]) == (True, [])
    assert told["record"]["proven"] == pytest.approx(told["recomputed"]["proven"])
    assert (told["record"]["model_version"], told["recomputed"]["model_version"]) == (1, 1)
    assert told["recomputed"]["proven"] != pytest.approx(team.value("carts").proven)


def test_an_outcome_that_was_taken_away_since_counts_on_its_days(team: Team, paula: Caller) -> None:
    moved_to(team, team.pin + timedelta(days=1))
    paula.delete(f"outcomes/{Outcome.objects.get().pk}/")
    an_outcome(team.item("other"))
    team.settle()
    told = at(paula, team.pin)
    assert (told["is_equal"], told["recomputed"]["outcome"]) == (True, 0.5)


def test_late_data_is_said_to_be_why_a_past_value_differs(team: Team, paula: Caller) -> None:
    then = team.pin
    moved_to(team, then + timedelta(days=3))
    team.state(observed({then - timedelta(days=1): 35}))
    team.settle()
    told = at(paula, then)
    assert (told["is_equal"], told["because"]) == (False, ["late_data"])
    assert {"outcome", "proven"} <= {one["name"] for one in told["differs"]}


def test_before_anything_was_valued_there_is_no_record(paula: Caller) -> None:
    told = at(paula, date(2025, 1, 1))
    assert (told["record"], told["is_equal"], told["because"]) == (None, None, ["no_record"])
    assert paula.get("items/carts/value/at/?on=yesterday").status_code == 400
    assert paula.get("items/carts/value/at/?on=2030-01-01").status_code == 400


def test_what_was_expected_is_frozen_from_the_release_on_and_not_before(team: Team, paula: Caller) -> None:
    released_on = Item.objects.get().released_on
    assert released_on is not None
    before, after = (at(paula, released_on - timedelta(days=back)) for back in (1, 0))
    frozen = [told["recomputed"]["explanation"]["expected"]["frozen_on"] for told in (before, after)]
    assert frozen == [None, released_on.isoformat()]


def test_history_is_asked_for_by_days(team: Team, paula: Caller) -> None:
    first = team.pin
    moved_to(team, first + timedelta(days=3))
    team.state(observed({first + timedelta(days=2): 20}))
    team.settle()
    path = "items/carts/value/history/"
    whole = paula.get(path).json()["results"]
    late = paula.get(f"{path}?from={first + timedelta(days=1)}").json()["results"]
    early = paula.get(f"{path}?to={first}").json()["results"]
    assert (len(late) + len(early), bool(late), bool(early)) == (len(whole), True, True)
    assert paula.get(f"{path}?from=yesterday").status_code == 400
