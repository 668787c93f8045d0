"""Sources that wait take turns, and a batch that is ended does not cost the innocent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from outcomes.models import Delivery
from outcomes.pipeline import interpret, turns
from outcomes.services.sources import create_source
from productops.workspaces.actors import Actor
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


def _flood(team: Team, count: int, source: Any = None) -> list[int]:
    return [team.state({}, source=source) for _ in range(count)]


class Ended(BaseException):
    """What a time limit raises in the middle of the work."""


def test_a_flood_of_one_workspace_leaves_every_other_its_turn(team: Team, monkeypatch: Any) -> None:
    monkeypatch.setattr(turns, "BATCH", 8)
    flood, others = _flood(team, 40), [_flood(Team(pin=PIN), 3) for _ in range(2)]
    ids, is_more = turns.claim()
    assert ids == [
        flood[0],
        others[0][0],
        others[1][0],
        flood[1],
        others[0][1],
        others[1][1],
        flood[2],
        others[0][2],
    ]
    assert is_more
    assert turns.claim()[0] == [flood[3], others[1][2], *flood[4:10]]


def test_within_a_workspace_its_sources_take_turns_and_many_of_them_get_no_more(
    team: Team, monkeypatch: Any
) -> None:
    monkeypatch.setattr(turns, "BATCH", 6)
    by = Actor("pm", None, "api")
    second, _ = create_source(workspace=team.workspace, by=by, key="second", kind="productops")
    first, of_second, other = _flood(team, 5), _flood(team, 5, second), _flood(Team(pin=PIN), 5)
    assert turns.claim()[0] == [first[0], other[0], of_second[0], other[1], first[1], other[2]]


def test_all_that_waits_is_claimed_once(team: Team, monkeypatch: Any) -> None:
    monkeypatch.setattr(turns, "BATCH", 7)
    expected = sorted([*_flood(team, 20), *_flood(Team(pin=PIN), 5), *_flood(Team(pin=PIN), 1)])
    claimed: list[int] = []
    while ids := turns.claim()[0]:
        claimed += ids
    assert sorted(claimed) == expected


def test_when_a_batch_is_ended_nobody_in_it_pays_and_each_goes_alone(team: Team, monkeypatch: Any) -> None:
    a_metric(team.workspace, key="m")
    ids = [
        team.state({"observations": [{"metric": "m", "at": f"{PIN}T0{hour}:00:00Z", "value": hour}]})
        for hour in range(4)
    ]
    guilty, together = ids[2], interpret._interpret_together

    def limited(claimed: list[int]) -> int:
        if guilty in claimed:
            raise Ended
        return together(claimed)

    monkeypatch.setattr(interpret, "_interpret_together", limited)
    with pytest.raises(Ended):
        interpret.interpret_pending(max_seconds=60)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}

    for _ in range(2):
        with pytest.raises(Ended):
            interpret.interpret_pending(max_seconds=60)
        Delivery.objects.filter(state="pending").update(retry_at=timezone.now())
    monkeypatch.setattr(
        interpret, "_interpret_together", lambda claimed: 0 if guilty in claimed else together(claimed)
    )
    interpret.interpret_pending(max_seconds=60)
    assert {id_ for id_, state in Delivery.objects.values_list("id", "state") if state == "done"} == set(
        ids
    ) - {guilty}
    assert Delivery.objects.get(pk=guilty).attempts == 3
    assert set(Delivery.objects.exclude(pk=guilty).values_list("attempts", flat=True)) == {1}
