"""Bodies are forgotten after a while, facts when somebody says so; what was computed from them stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outcomes.models import Delivery, MetricDay, Observation, UsageDay, UsageEvent
from outcomes.pipeline import partitions, retention
from outcomes.pipeline.marks import Marks
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team
from tests.plans import only_nested_loops

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    team = Team(pin=TODAY)
    a_metric(team.workspace, key="m")
    team.item()
    return team


def observed(on: str, value: float = 1) -> dict[str, Any]:
    return {"observations": [{"metric": "m", "at": f"{on}T12:00:00Z", "value": value}]}


def age(delivery_id: int, days: int) -> None:
    received_at = timezone.now() - timedelta(days=days)
    Delivery.objects.filter(pk=delivery_id).update(received_at=received_at)


def forget() -> int:
    return retention.forget_bodies(max_seconds=60)


def test_the_bytes_of_a_delivery_go_after_thirty_days_and_its_row_stays(team: Team) -> None:
    old, young = team.state(observed("2026-04-01")), team.state(observed("2026-04-02"))
    team.settle()
    age(old, 31)
    age(young, 29)
    assert (forget(), forget()) == (1, 0)
    assert team.told(old).body is None
    assert len(bytes(team.told(old).body_sha256)) == 32
    assert team.told(young).body is not None


def test_so_many_are_forgotten_at_a_time_however_the_database_goes_about_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BODIES_AT_A_TIME", 2)
    for day in range(1, 6):
        age(team.state(observed(f"2026-04-0{day}")), 31)
    team.settle()
    only_nested_loops()
    with CaptureQueriesContext(connection) as seen:
        assert forget() == 5
    assert len(seen) == 4


def test_a_repeat_of_a_forgotten_delivery_is_still_a_repeat(team: Team) -> None:
    signed_at = datetime.now(UTC)
    first = team.state(observed("2026-04-01"), message_id="msg_old", signed_at=signed_at)
    team.settle()
    age(first, 31)
    forget()
    assert team.state(observed("2026-04-01"), message_id="msg_old", signed_at=signed_at) == first


def test_what_is_pending_keeps_its_bytes_however_old_it_is(team: Team) -> None:
    waiting = team.state(observed("2026-04-01"))
    age(waiting, 400)
    assert forget() == 0
    team.settle()
    assert team.told(waiting).taken == 1


def test_a_setting_keeps_bytes_for_ever(team: Team, settings: Any) -> None:
    settings.DELIVERY_BODY_DAYS = 0
    old = team.state(observed("2026-04-01"))
    team.settle()
    age(old, 4000)
    assert forget() == 0


def test_facts_are_kept_for_ever_unless_a_setting_says_otherwise(team: Team) -> None:
    team.state(observed("2009-04-01"))
    team.settle()
    assert retention.drop_old_facts(TODAY) == []
    assert Observation.objects.exists()


def test_months_that_are_not_kept_are_dropped_and_their_days_stay(team: Team, settings: Any) -> None:
    used = {"item": "saved-carts", "actor": "u1", "at": "2024-04-30T12:00:00Z"}
    for on in ("2024-04-30", "2024-05-02", "2026-04-30"):
        team.state({**observed(on), "usage": [{**used, "at": f"{on}T12:00:00Z"}]})
    team.settle()
    settings.FACT_MONTHS = 24
    dropped = retention.drop_old_facts(TODAY)
    assert "outcomes_observation_2024_04" in dropped
    assert "outcomes_usageevent_2024_04" in dropped
    assert not any(name.endswith(("2024_05", "2026_04")) for name in dropped)
    assert (Observation.objects.count(), UsageEvent.objects.count()) == (2, 2)
    assert (MetricDay.objects.count(), UsageDay.objects.count()) == (3, 3)


def test_a_row_for_a_month_that_is_gone_is_refused_and_moves_nothing(team: Team, settings: Any) -> None:
    team.state(observed("2024-04-30", 5))
    team.settle()
    settings.FACT_MONTHS = 12
    retention.drop_old_facts(TODAY)
    late = team.state(observed("2024-04-30", 7))
    team.settle()
    assert [row["code"] for row in team.told(late).outcome["refused"]] == ["too_old"]
    assert MetricDay.objects.get().last == 5
    assert partitions.missing("outcomes_observation", [date(2024, 4, 30)])


def test_a_mark_on_a_day_that_is_gone_does_not_empty_it(team: Team, settings: Any) -> None:
    team.state(observed("2024-04-30", 5))
    team.settle()
    settings.FACT_MONTHS = 12
    retention.drop_old_facts(TODAY)
    day = MetricDay.objects.get()
    marks = Marks(team.workspace.pk)
    marks.add("metric_day", day.metric_id, on=day.on)
    marks.write()
    team.settle()
    assert MetricDay.objects.get().last == 5


def test_forgetting_reads_only_what_it_forgets(team: Team) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {retention._FORGET_BODIES}", [timezone.now(), 500])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "delivery_with_body" in plan
