"""The cost of a delivery does not grow with the history: its statements read the months they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from outcomes.models import Metric
from outcomes.pipeline import facts, partitions, rollup
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team, used

pytestmark = pytest.mark.django_db

YEARS = [(year, month) for year in (2023, 2024, 2025) for month in range(1, 13)]
ON = date(2026, 4, 30)
AT = datetime(2026, 4, 30, 10, tzinfo=UTC)
START, END = datetime(2026, 4, 30, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def team() -> Team:
    """Three years of partitions, and a fact in the first and in the last month."""
    team = Team()
    a_metric(team.workspace, key="m")
    team.item()
    for table in partitions.PARTITIONED:
        partitions.make(table, YEARS)
    for at in ("2023-01-15T10:00:00Z", "2026-04-30T10:00:00Z"):
        team.state(
            {
                "observations": [{"metric": "m", "at": at, "value": 1}],
                "usage": used("saved-carts", ["u1"], [date.fromisoformat(at[:10])]),
            }
        )
    team.settle()
    return team


def months_read(query: str, values: dict[str, Any], *, is_planned: bool = False) -> set[str]:
    """The months of every partition that the statement really touched, or (`is_planned`) that its plan names."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) {query}", values)
        told = cursor.fetchone()[0]
    plan = json.loads(told) if isinstance(told, str) else told
    return {
        found[1]
        for node in nodes(plan[0]["Plan"])
        if (is_planned or node.get("Actual Loops"))
        and (found := re.search(r"_(\d{4}_\d{2})$", node.get("Relation Name", "")))
    }


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.parametrize("query", [rollup._METRIC_DAYS, rollup._EMPTY_METRIC_DAYS])
@pytest.mark.parametrize("is_planned", [False, True])
def test_rolling_up_a_metric_s_day_reads_its_month(team: Team, query: str, is_planned: bool) -> None:
    metric = Metric.objects.get(workspace=team.workspace)
    values = {"workspace": team.workspace.pk, "metrics": [metric.pk], "series": [""], "days": [ON]}
    bounds = {"starts": [START], "ends": [END], "first": START, "last": END, "bound": 1e100}
    assert months_read(query, {**values, **bounds}, is_planned=is_planned) == {"2026_04"}


@pytest.mark.parametrize("query", [rollup._USAGE_DAYS, rollup._GONE_USAGE_DAYS])
def test_rolling_up_an_item_s_day_reads_its_month(team: Team, query: str) -> None:
    item = team.usage().item
    values = {"workspace": team.workspace.pk, "items": [item.pk], "days": [ON]}
    assert months_read(query, values) == {"2026_04"}


def test_stating_a_fact_reads_its_month(team: Team) -> None:
    metric = Metric.objects.get(workspace=team.workspace)
    rows = [(metric.pk, "", AT, ON, 2.0, False, 1, 0)]
    values = {
        **{f"c{index}": list(column) for index, column in enumerate(zip(*rows, strict=True))},
        "workspace_id": team.workspace.pk,
        "source_ids": [team.source.pk],
        "stated_ats": [datetime.now(UTC)],
        "stated_bys": ["msg"],
    }
    assert months_read(facts._statement(facts.OBSERVATIONS), values) == {"2026_04"}
