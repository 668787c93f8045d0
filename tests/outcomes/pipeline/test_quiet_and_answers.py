"""Flags over time: what people answered, what late data does, and what is told in a digest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from outcomes.models import Flag, FlagAction, Mark, QuietRun
from outcomes.pipeline import clock, quiet, settle
from outcomes.services import flags
from outcomes.services.quiet import answer_quiet_run
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.services import edit_workspace
from tests.factories import a_customer, a_product
from tests.outcomes.pipeline.stating import Team, days_before, used
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
PAULA = Actor(name="Paula", user_id=None, via="api")
CARTS = "saved-carts"


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


def told(team: Team, active: int, first: date, last: date) -> None:
    """Every day from `first` to `last` so many of 1,000 people used saved carts."""
    days = days_before(last, (last - first).days + 1)
    team.state(counted(CARTS, days, active))
    team.settle()


def reached(item: str, active: int) -> dict[str, Any]:
    """On each of the last days so many of 1,000 people had used the item within four weeks."""
    days = [{"item": item, "on": day.isoformat(), "days": 28} for day in days_before(PIN, 10)]
    return {
        "snapshots": [{**day, "active": active, "eligible": 1000} for day in days],
        "covers": [day.isoformat() for day in days_before(PIN, 60)],
    }


def pinned(team: Team, day: date) -> None:
    """The clock moves to this day, as an administrator moves the pin."""
    edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes={"pinned_on": day})
    team.workspace = Workspace.objects.get(pk=team.workspace.pk)
    team.settle()


def move(name: str, flag: Flag, **said: Any) -> Flag:
    moved: Flag = getattr(flags, f"{name}_flag")(workspace=flag.workspace, by=PAULA, flag_id=flag.pk, **said)
    return moved


def states(**which: Any) -> list[tuple[str, str]]:
    return list(Flag.objects.filter(**which).order_by("id").values_list("reason", "state"))


def test_an_acknowledgement_survives_data_that_came_and_was_taken_back(team: Team) -> None:
    team.item()
    told(team, 0, PIN - timedelta(days=60), PIN)
    flag = Flag.objects.get()
    move("acknowledge", flag)
    told(team, 300, PIN - timedelta(days=60), PIN)
    flag.refresh_from_db()
    assert (flag.state, flag.resolved_cause) == ("resolved", "corrected")

    told(team, 0, PIN - timedelta(days=60), PIN)

    flag = Flag.objects.get()
    assert (flag.state, flag.resolved_on, flag.resolved_cause) == ("acknowledged", None, "")
    assert [one.action for one in flag.actions.order_by("id")] == ["open", "acknowledge", "resolve", "revive"]
    assert move("undo", flag).state == "open"


def test_a_feature_that_recovers_in_time_resolves_as_recovered_on_the_seventh_day(team: Team) -> None:
    team.item()
    told(team, 0, PIN - timedelta(days=60), PIN)
    told(team, 300, PIN + timedelta(days=1), PIN + timedelta(days=10))
    pinned(team, PIN + timedelta(days=10))
    flag = Flag.objects.get()
    assert (flag.state, flag.resolved_cause) == ("resolved", "recovered")
    assert flag.resolved_on == PIN + timedelta(days=7)


@pytest.mark.parametrize("looks", [[10, 60, 100], [100], [10, 12, 40, 55, 70, 71, 100]])
def test_a_dismissal_ends_with_its_class_however_often_a_job_ran(team: Team, looks: list[int]) -> None:
    team.item()
    told(team, 0, PIN - timedelta(days=60), PIN)
    move("dismiss", Flag.objects.get())
    # In use for a time, then abandoned: another class of days lay between, so it is news.
    told(team, 300, PIN + timedelta(days=1), PIN + timedelta(days=20))
    told(team, 0, PIN + timedelta(days=21), PIN + timedelta(days=100))
    for day in looks:
        pinned(team, PIN + timedelta(days=day))
    assert states(state="open") == [("abandoned", "open")]
    assert states(reason="never_adopted") == [("never_adopted", "dismissed")]


def test_a_dismissed_flag_stays_closed_while_the_reasons_of_its_class_take_turns(team: Team) -> None:
    team.item()
    told(team, 0, PIN - timedelta(days=60), PIN)
    move("dismiss", Flag.objects.get())
    # One day's use turns never adopted into abandoned once it has left the window.
    told(team, 0, PIN + timedelta(days=1), PIN + timedelta(days=60))
    pinned(team, PIN + timedelta(days=60))
    assert states() == [("never_adopted", "dismissed")]


def test_the_first_run_is_told_in_one_digest_and_what_follows_by_itself(team: Team) -> None:
    for number in range(3):
        team.item(f"item-{number}")
        team.state(counted(f"item-{number}", days_before(PIN, 60), 0))
    team.settle()
    run = QuietRun.objects.get()
    assert (run.kind, run.counts) == ("first_run", {"opened": {"never_adopted": 3}, "resolved": {}})
    assert run.ended_at is not None
    assert run.is_announced
    assert set(FlagAction.objects.values_list("quiet_run", flat=True)) == {run.pk}

    team.item("later")
    team.state(counted("later", days_before(PIN, 60), 0))
    team.settle()
    assert FlagAction.objects.get(flag__item__key="later").quiet_run is None
    assert QuietRun.objects.count() == 1


def half_loaded(team: Team) -> list[date]:
    """Of 120 days, oldest first, the first 67 are read and await settling; the days that are left."""
    team.item()
    days = days_before(PIN, 120)
    team.state(counted(CARTS, days[:67], 300))
    settle.interpret_pending(max_seconds=60)
    return days[67:]


def test_a_source_is_not_called_silent_while_more_of_it_waits_to_be_read(team: Team) -> None:
    team.state(counted(CARTS, half_loaded(team), 300))
    settle.settle_marks(max_seconds=60)
    assert not Flag.every.exists()
    team.settle()
    assert not Flag.every.exists()


def test_a_source_is_not_called_silent_by_the_clock_either_while_more_of_it_waits(team: Team) -> None:
    team.item()
    told(team, 300, PIN - timedelta(days=120), PIN)
    clock.tick()
    team.settle()
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=PIN + timedelta(days=9))
    team.state(counted(CARTS, days_before(PIN + timedelta(days=9), 9), 300))
    clock.tick()
    settle.settle_marks(max_seconds=60)
    assert not Flag.every.exists()
    team.settle()
    assert not Flag.every.exists()


def test_a_source_whose_deliveries_wait_for_long_is_flagged_on_what_there_is(team: Team) -> None:
    team.state(counted(CARTS, half_loaded(team), 300))
    Mark.objects.update(marked_at=timezone.now() - settle.FLAGS_WAIT_AT_MOST)
    settle.settle_marks(max_seconds=60)
    assert Flag.objects.get(reason="stale_source").evidence["days_since"] == 53


def test_a_source_that_is_silent_when_it_is_first_read_belongs_to_the_first_digest(team: Team) -> None:
    half_loaded(team)
    team.settle()
    run = QuietRun.objects.get()
    assert (run.kind, run.counts["opened"]["stale_source"]) == ("first_run", 1)
    assert FlagAction.objects.get(flag__reason="stale_source").quiet_run_id == run.pk


def test_other_thresholds_are_told_in_one_digest_with_a_count(team: Team) -> None:
    for number in range(3):
        team.item(f"item-{number}")
        team.state(reached(f"item-{number}", 300))
    team.settle()
    edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes={"under_used_below": 0.9})
    team.settle()
    run = QuietRun.objects.get(kind="thresholds")
    assert run.counts == {"opened": {"under_used": 3}, "resolved": {}}
    assert run.cause["by"] == "Paula"

    edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes={"under_used_below": 0.05})
    team.settle()
    assert QuietRun.objects.latest("id").counts == {"opened": {}, "resolved": {"under_used": 3}}


def test_a_pin_that_moves_is_a_day_that_turns_and_not_a_change_of_rules(team: Team) -> None:
    team.item()
    told(team, 300, PIN - timedelta(days=60), PIN)
    told(team, 0, PIN + timedelta(days=1), PIN + timedelta(days=40))
    pinned(team, PIN + timedelta(days=40))
    assert FlagAction.objects.get(action="open").quiet_run is None
    assert QuietRun.objects.count() == 1


def test_after_two_digests_that_nobody_answered_no_more_are_sent(team: Team) -> None:
    team.item()
    team.state(reached(CARTS, 300))
    team.settle()
    for below in (0.9, 0.05, 0.9):
        edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes={"under_used_below": below})
        team.settle()
    runs = list(QuietRun.objects.filter(kind="thresholds").order_by("id"))
    assert [run.is_announced for run in runs] == [True, True, False]

    answer_quiet_run(workspace=team.workspace, by=PAULA, quiet_run_id=runs[1].pk)
    edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes={"under_used_below": 0.05})
    team.settle()
    assert QuietRun.objects.latest("id").is_announced


def test_a_run_lasts_until_everything_that_was_out_of_date_is_put_right(team: Team) -> None:
    team.item()
    told(team, 300, PIN - timedelta(days=60), PIN)
    clock.judge_anew(team.workspace, {"kind": "thresholds"}, quiet="thresholds")
    assert quiet.end_quiet_runs() == 0
    team.settle()
    assert QuietRun.objects.get(kind="thresholds").ended_at is not None
    assert quiet.end_quiet_runs() == 0


def customers_using(team: Team, mrr: dict[str, int], users: dict[str, int], per_week: int) -> None:
    for key, revenue in mrr.items():
        a_customer(team.workspace, key=key, mrr=revenue)
    days = [day for day in days_before(PIN, 60) if day.weekday() < per_week]
    rows = [
        row
        for key, number in users.items()
        for row in used(CARTS, [f"{key}-{n}" for n in range(number)], days, customer=key)
    ]
    team.state({"usage": rows, "covers": [day.isoformat() for day in days_before(PIN, 60)]})
    team.settle()


@pytest.mark.parametrize(
    ("acme", "per_week", "expected"),
    [(100, 1, "keep"), (99, 1, "improve_adoption"), (99, 5, "improve_adoption")],
)
def test_what_is_advised_follows_from_revenue_and_frequency(
    team: Team, acme: int, per_week: int, expected: str
) -> None:
    product = a_product(team.workspace, eligible_count=1000)
    team.item(product=product)
    customers_using(team, {"acme": acme, "beta": 1000 - acme}, {"acme": 3}, per_week)
    flag = Flag.objects.get()
    assert flag.evidence["mrr_share"] == pytest.approx(acme / 1000)
    assert flag.evidence["frequency"] == pytest.approx(per_week * 2)
    assert (flag.reason, flag.recommendation) == ("under_used", expected)


def test_few_people_who_come_rarely_speak_for_a_sunset(team: Team) -> None:
    product = a_product(team.workspace, eligible_count=1000)
    team.item(product=product, natural_period_days=1)
    customers_using(team, {"acme": 1, "beta": 999}, {"acme": 3}, 1)
    flag = Flag.objects.get()
    assert (flag.evidence["frequency"], flag.recommendation) == (pytest.approx(1 / 7), "sunset")
