"""A worker reads and settles in turns, so that neither keeps the other waiting."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from outcomes.models import Delivery, MetricDay, Outcome
from outcomes.pipeline import interpret, work
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    team = Team(pin=PIN)
    metric = a_metric(team.workspace, key="m", aggregation="last")
    Outcome.objects.create(workspace=team.workspace, item=team.item(), metric=metric, baseline=0, target=1000)
    return team


def observe(team: Team, number: int) -> None:
    at = f"{PIN}T00:{number // 60:02}:{number % 60:02}Z"
    team.state({"observations": [{"metric": "m", "at": at, "value": number}]})


def test_what_came_in_is_read_and_its_value_settled_in_one_go(team: Team) -> None:
    observe(team, 500)
    assert not work.work(max_seconds=60)
    assert team.value().explanation["outcomes"][0]["current"] == 500


def test_values_are_settled_while_deliveries_keep_coming(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    read_together, told = interpret._interpret_together, list[int]()

    def another_comes_meanwhile(ids: list[int]) -> Any:
        done = read_together(ids)
        if len(told) < 30:
            told.append(MetricDay.objects.count())
            observe(team, len(told))
        return done

    monkeypatch.setattr(interpret, "_interpret_together", another_comes_meanwhile)
    observe(team, 0)
    assert not work.work(max_seconds=60)
    # The day was rolled up long before the last delivery came.
    assert told[:2] == [0, 1]
    assert team.value().explanation["outcomes"][0]["current"] == 30
    assert not Delivery.objects.filter(state="pending").exists()
