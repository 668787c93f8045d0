"""What one changed fact costs: its day, its item and what these touch, however large the workspace is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import Outcome
from outcomes.pipeline import settle
from roadmap.signals import problems_changed
from tests.factories import a_link, a_metric, a_problem, a_product, evidence
from tests.outcomes.pipeline.stating import Team, days_before, people, used

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


def observed(days: list[date], value: float) -> list[dict[str, Any]]:
    return [{"metric": "m", "at": f"{on}T09:00:00Z", "value": value} for on in days]


@pytest.fixture
def team() -> Team:
    """An item with users, an audience, an outcome that is missed, and a problem."""
    team = Team(pin=PIN)
    product, problem = a_product(team.workspace), a_problem(team.workspace)
    item = team.item("carts", product=product, reach=100, impact=2.0, confidence=0.8, effort=1.0)
    metric = a_metric(team.workspace, key="m", aggregation="mean")
    due_on = PIN - timedelta(days=5)
    Outcome.objects.create(
        workspace=team.workspace, item=item, metric=metric, baseline=10, target=20, due_on=due_on
    )
    a_link(item, problem)
    evidence(problem, importance=3, observed_on=PIN)
    problems_changed.send(None, workspace_id=team.workspace.pk, ids=[problem.pk], cause={"kind": "edit"})
    days = days_before(PIN, 60)
    team.state({"usage": used("carts", people(8), days), "observations": observed(days, 15)})
    team.settle()
    return team


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ({"observations": observed([PIN], 16)}, 52),
        # Its product's audience follows, and then the item once more.
        ({"usage": used("carts", people(1, "late"), [PIN])}, 102),
    ],
)
def test_one_fact_is_put_right_in_a_known_number_of_statements(
    team: Team, body: dict[str, Any], most: int
) -> None:
    team.state(body)
    settle.interpret_pending(max_seconds=60)
    before = team.value("carts").as_of, team.usage("carts").active, team.value("carts").realised
    with CaptureQueriesContext(connection) as captured:
        settle.settle_marks(max_seconds=60)
    after = team.value("carts").as_of, team.usage("carts").active, team.value("carts").realised
    assert after != before
    assert len(captured) <= most
