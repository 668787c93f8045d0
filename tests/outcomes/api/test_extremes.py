"""Days at the calendar's end and numbers at the end of floats: refused where they are said, harmless where stored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from outcomes.models import Experiment, Mark, MetricDay, Observation, Outcome
from roadmap.models import Evidence, Item
from tests.callers import Caller, pointers
from tests.factories import a_metric, a_problem, an_experiment, an_item, an_outcome
from tests.outcomes.pipeline.stating import Team
from tests.outcomes.pipeline.test_values_and_flags import observed

pytestmark = pytest.mark.django_db

FAR = ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-04", "9999-12-31"]


@pytest.fixture
def team() -> Team:
    team = Team()
    an_outcome(team.item("carts"), a_metric(team.workspace, key="m"), baseline=10, target=20)
    return team


@pytest.fixture
def paula(team: Team) -> Caller:
    return Caller(team.workspace)


@pytest.mark.parametrize("day", FAR)
def test_no_door_takes_a_day_outside_the_calendar(team: Team, paula: Caller, day: str) -> None:
    problem = a_problem(team.workspace)
    survey = {
        "problem": problem.key,
        "segment": "s",
        "respondents": 9,
        "importance_top2": 1,
        "satisfaction_top2": 1,
    }
    an_experiment(Item.objects.get(), key="ab")
    metric = a_metric(team.workspace, key="other")
    refused = [
        (paula.post("items/", {"title": "T", "status": "released", "released_on": day}), "/released_on"),
        (paula.post("items/carts/release/", {"on": day}), "/on"),
        (paula.patch("items/carts/", {"released_on": day}), "/released_on"),
        (paula.post("items/carts/value/what-if/", {"released_on": day}), "/released_on"),
        (paula.post("outcomes/", {"item": "carts", "metric": metric.key, "due_on": day}), "/due_on"),
        (
            paula.post("evidence/", {"problem": problem.key, "kind": "call", "observed_on": day}),
            "/observed_on",
        ),
        (paula.post("surveys/", {**survey, "on": day}), "/on"),
        (paula.post("experiments/ab/start/", {"on": day}), "/on"),
        (paula.post("experiments/", {"item": "carts", "started_on": day}), "/started_on"),
        (paula.post("experiments/", {"item": "carts", "ended_on": day}), "/ended_on"),
    ]
    assert [(answer.status_code, pointers(answer)) for answer, _ in refused] == [
        (400, {pointer}) for _, pointer in refused
    ]
    assert "from 1900-01-01 to 2199-12-31" in refused[0][0].json()["errors"][0]["detail"]
    assert not Evidence.objects.exists()
    assert Experiment.objects.get().state == "draft"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("experiments/ab/start/", {"on": "2026-05-02"}, "/on"),
        ("experiments/", {"item": "carts", "started_on": "2199-12-31"}, "/started_on"),
    ],
)
def test_an_experiment_does_not_run_before_its_first_day(
    team: Team, paula: Caller, path: str, body: dict[str, Any], pointer: str
) -> None:
    an_experiment(Item.objects.get(), key="ab")
    answer = paula.post(path, body)
    assert (answer.status_code, pointers(answer)) == (400, {pointer})
    assert answer.json()["errors"][0]["code"] == "in_the_future"


@pytest.mark.parametrize("day", [date.min, date(9999, 12, 4), date.max])
def test_a_day_at_the_calendars_end_that_was_stored_before_is_judged(team: Team, day: date) -> None:
    Item.objects.update(released_on=day)
    an_item(team.workspace, key="beside")
    team.state(observed({team.pin: 15}))
    team.settle()
    assert not Mark.objects.exists()
    assert team.value("carts").judged_on == team.pin


@pytest.mark.parametrize(
    "numbers",
    [
        {"baseline": -1.7e308, "target": 1.7e308, "current": 1e308},
        {"baseline": 0, "target": 1e101},
        {"current": -1e308},
    ],
)
def test_numbers_beyond_any_are_not_supposed(team: Team, paula: Caller, numbers: dict[str, float]) -> None:
    body = {"outcomes": [{"outcome": Outcome.objects.get().pk, **numbers}]}
    answer = paula.post("items/carts/value/what-if/", body)
    assert answer.status_code == 400
    assert {pointer.rsplit("/", 1)[0] for pointer in pointers(answer)} == {"/outcomes/0"}


def test_a_way_of_nothing_is_an_attainment_that_is_not_known(team: Team, paula: Caller) -> None:
    team.state(observed({team.pin: 15}))
    team.settle()
    numbers = {"baseline": 0, "target": 5e-324, "current": 15}
    body = {"outcomes": [{"outcome": Outcome.objects.get().pk, **numbers}]}
    answer = paula.post("items/carts/value/what-if/", body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["after"]["outcome"] is None


@pytest.mark.parametrize(("baseline", "target"), [(-1.7e308, 1.7e308), (0, 5e-324), (0, 1e-300)])
def test_the_same_numbers_in_a_stored_outcome_are_shown(
    team: Team, paula: Caller, baseline: float, target: float
) -> None:
    Outcome.objects.update(baseline=baseline, target=target, due_on=date(2026, 12, 1))
    team.state(observed({team.pin: 15}))
    team.settle()
    for path in ("items/carts/", "outcomes/", "insights/outcomes/", "items/carts/value/"):
        assert paula.get(path).status_code == 200, path
    assert not Mark.objects.exists()


@pytest.mark.parametrize("field", ["baseline", "target", "margin"])
def test_an_outcome_beyond_any_number_is_400(team: Team, paula: Caller, field: str) -> None:
    answer = paula.patch(f"outcomes/{Outcome.objects.get().pk}/", {field: 1.1e100})
    assert (answer.status_code, pointers(answer)) == (400, {f"/{field}"})


@pytest.mark.parametrize("aggregation", ["sum", "mean"])
def test_observations_beyond_any_are_refused_and_those_stored_before_jam_nobody(
    team: Team, aggregation: str
) -> None:
    metric = Outcome.objects.get().metric
    type(metric).objects.update(aggregation=aggregation)
    delivery = team.told(team.state(observed({team.pin: 1.7e308})))
    team.state(
        {"observations": [{"metric": "m", "at": f"{team.pin}T0{n}:00:00Z", "value": n} for n in (1, 2)]}
    )
    team.settle()
    delivery.refresh_from_db()
    assert delivery.outcome["refused"][0]["code"] == "out_of_range"
    # As they were taken when there was no bound: two on the day that also says 1 and 2.
    known = Observation.objects.filter(metric=metric).first()
    assert known is not None
    for hour in (3, 4):
        known.pk = None
        known.at, known.value = datetime(2026, 5, 1, hour, tzinfo=UTC), 1.7e308
        known.save(force_insert=True)
    team.state({"observations": [{"metric": "m", "at": f"{team.pin}T05:00:00Z", "value": 3}]})
    team.settle()
    assert not Mark.objects.exists()
    assert [(day.count, day.total) for day in MetricDay.objects.filter(metric=metric)] == [(3, 6.0)]
