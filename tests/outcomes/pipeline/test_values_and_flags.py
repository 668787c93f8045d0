"""What facts do to values, their history and flags."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import Delivery, Flag, ItemUsage, Mark, Outcome, ValueRecord, WorkspaceClock
from outcomes.pipeline import clock, marks, settle
from outcomes.pipeline.settle import settle_marks
from productops.workspaces.models import Workspace
from roadmap.models import Evidence, Item
from roadmap.signals import items_changed, problems_changed
from tests.callers import Caller
from tests.factories import a_link, a_metric, a_problem, evidence
from tests.outcomes.pipeline.stating import Team, days_before, people, used
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


def an_outcome(team: Team, item: Item, aggregation: str = "mean", **fields: Any) -> Outcome:
    metric = a_metric(team.workspace, key="m", aggregation=aggregation)
    return Outcome.objects.create(workspace=team.workspace, item=item, metric=metric, **fields)


def observed(values: dict[date, float]) -> dict[str, Any]:
    return {
        "observations": [{"metric": "m", "at": f"{on}T09:00:00Z", "value": v} for on, v in values.items()]
    }


def standing(team: Team) -> dict[str, Any]:
    shown: dict[str, Any] = team.value().explanation["outcomes"][0]
    return shown


@pytest.mark.parametrize("aggregation", ["mean", "last"])
def test_an_observation_of_today_moves_the_outcome_and_the_value(team: Team, aggregation: str) -> None:
    an_outcome(team, team.item(), aggregation, baseline=10, target=20)
    team.state(observed({PIN: 15}))
    team.settle()
    assert (standing(team)["current"], standing(team)["attainment"]) == (15, 0.5)
    assert (team.value().realised, team.value().coverage) == (50, pytest.approx(0.2))
    assert team.value().proven == pytest.approx(10)


def test_a_sum_counts_days_without_rows_as_zero_and_today_not_yet(team: Team) -> None:
    an_outcome(team, team.item(), "sum", baseline=0, target=10)
    days = days_before(PIN, 29)
    covered = {"covers": [day.isoformat() for day in days]}
    team.state({**observed({days[0]: 28, days[1]: 27, PIN: 1000}), **covered})
    team.settle()
    # The 28 days up to today hold 27 complete ones; the first of the 29 has left the window.
    assert standing(team)["current"] == pytest.approx(1)


def test_a_baseline_needs_four_fifths_of_the_days_before_the_release(team: Team) -> None:
    released_on = PIN - timedelta(days=40)
    an_outcome(team, team.item(released_on=released_on), target=20)
    before = days_before(released_on - timedelta(days=1), 28)
    team.state(observed(dict.fromkeys(before[:22], 10.0)))
    team.settle()
    assert (standing(team)["baseline"], standing(team)["missing"]) == (None, ["baseline", "current"])
    team.state(observed({before[22]: 10.0, PIN: 15}))
    team.settle()
    assert (standing(team)["baseline"], standing(team)["attainment"]) == (10, 0.5)


@pytest.mark.parametrize("aggregation", ["mean", "last", "min", "max", "sum", "count"])
def test_a_metric_that_began_just_before_the_release_has_no_baseline_from_what_others_reported(
    team: Team, aggregation: str
) -> None:
    released_on = PIN - timedelta(days=40)
    an_outcome(team, team.item(released_on=released_on), aggregation, target=20)
    a_metric(team.workspace, key="other")
    before = days_before(released_on - timedelta(days=1), 28)
    others = [{"metric": "other", "at": f"{on}T09:00:00Z", "value": 1} for on in before]
    own = observed({before[-2]: 5, before[-1]: 6})["observations"]
    team.state({"observations": [*others, *own]})
    team.settle()
    assert (standing(team)["baseline"], standing(team)["baseline_from"]) == (None, None)
    assert "baseline" in standing(team)["missing"]


@pytest.mark.parametrize("said", ["an observation", "covers"])
def test_a_sum_is_zero_on_days_reported_without_it_once_it_has_begun_or_the_days_are_said_to_be_covered(
    team: Team, said: str
) -> None:
    released_on = PIN - timedelta(days=40)
    an_outcome(team, team.item(released_on=released_on), "sum", target=20)
    a_metric(team.workspace, key="other")
    before = days_before(released_on - timedelta(days=1), 28)
    others = [{"metric": "other", "at": f"{on}T09:00:00Z", "value": 1} for on in before]
    first = before[0] if said == "an observation" else before[-1]
    covers = {"covers": [on.isoformat() for on in before]} if said == "covers" else {}
    team.state({"observations": [*others, *observed({first: 56})["observations"]], **covers})
    team.settle()
    assert standing(team)["baseline"] == 2


def test_a_target_that_is_not_beyond_the_baseline_is_said_to_be_met_already(team: Team) -> None:
    an_outcome(team, team.item(), baseline=20, target=15)
    team.state(observed({PIN: 30}))
    team.settle()
    assert (standing(team)["attainment"], standing(team)["reason"]) == (None, "already_met")
    assert standing(team)["missing"] == ["already_met"]


def test_values_are_stored_without_the_digits_of_their_sums(team: Team) -> None:
    an_outcome(team, team.item(), baseline=0, target=0.3)
    team.state(observed({PIN: 0.1 + 0.2 - 0.03}))
    team.settle()
    value = team.value()
    assert (value.outcome_term, value.proven, value.coverage) == (0.9, 18.0, 0.2)


def test_what_is_missing_is_named(team: Team) -> None:
    team.item(inputs_at_release={"reach": None, "impact": 2.0, "confidence": None, "effort": 1.0})
    team.settle()
    assert team.value().missing == ["reach", "confidence", "outcome", "adoption", "retention"]
    assert (team.value().expected, team.value().realised, team.value().proven) == (None, None, None)


def test_the_expectation_of_a_released_item_is_frozen_against_hindsight(team: Team) -> None:
    problem = a_problem(team.workspace)
    inputs = {"reach": 100, "impact": 2.0, "confidence": 1.0, "effort": 1.0}
    item = team.item(released_on=date(2026, 3, 1), inputs_at_release=inputs, reach=999.0)
    a_link(item, problem)
    evidence(problem, kind="ticket", observed_on=date(2026, 2, 1))
    changed(team, item)
    assert team.value().expected == pytest.approx(100 * 2 * 0.8)

    evidence(problem, kind="analytics", observed_on=date(2026, 3, 2))
    changed(team, item)
    assert team.value().expected == pytest.approx(100 * 2 * 0.8)

    evidence(problem, kind="analytics", observed_on=date(2026, 2, 28))
    changed(team, item)
    assert team.value().expected == pytest.approx(100 * 2 * 1.0)


def test_while_sources_are_silent_adoption_weighs_nothing_rather_than_zero(team: Team) -> None:
    an_outcome(team, team.item(), baseline=10, target=20)
    team.state(
        {**counted("saved-carts", days_before(PIN - timedelta(days=9), 60), 300), **observed({PIN: 20})}
    )
    team.settle()
    assert (team.usage().verdict, team.value().adoption) == ("data_gap", None)
    assert team.value().realised == 100


def test_history_grows_when_a_number_moves_and_only_then(team: Team) -> None:
    an_outcome(team, team.item(), baseline=10, target=20)
    team.state(observed({PIN: 15}))
    team.settle()
    before = ValueRecord.objects.count()
    items_changed.send(
        None, workspace_id=team.workspace.pk, ids=[Item.objects.get().pk], cause={"kind": "edit"}
    )
    team.settle()
    assert ValueRecord.objects.count() == before
    delivery = team.state(observed({PIN - timedelta(days=1): 10}))
    team.settle()
    newest = ValueRecord.objects.latest("id")
    assert ValueRecord.objects.count() == before + 1
    assert newest.cause == {"kind": "delivery", "id": delivery}


def test_what_is_known_of_use_is_written_again_only_when_it_is_something_else(team: Team) -> None:
    item = team.item()
    team.state({"usage": used(item.key, people(8), days_before(PIN, 20))})
    team.settle()

    def written() -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT u.xmin::text, v.xmin::text FROM outcomes_itemusage u JOIN outcomes_itemvalue v USING (item_id)"
            )
            return list(cursor.fetchall())

    ((usage, value),) = written()
    changed(team, item)
    ((usage_now, value_now),) = written()
    assert (usage_now, value_now != value) == (usage, True)
    team.state({"usage": used(item.key, people(3, "late"), days_before(PIN, 2))})
    team.settle()
    assert [row[0] != usage for row in written()] == [True]
    assert ItemUsage.objects.get().active == 11


def test_the_trend_is_proven_now_minus_four_weeks_ago(team: Team) -> None:
    an_outcome(team, team.item(), "last", baseline=10, target=20)
    team.state(observed({PIN - timedelta(days=30): 12, PIN: 15}))
    team.settle()
    assert team.value().trend == pytest.approx(10 - 4)


def test_evidence_divides_over_the_items_that_are_for_its_problem(team: Team) -> None:
    problem = a_problem(team.workspace)
    for key, weight in (("a", 1.0), ("b", 0.5)):
        a_link(team.item(key), problem, weight)
    for _ in range(4):
        evidence(problem, importance=3)
    problems_changed.send(None, workspace_id=team.workspace.pk, ids=[problem.pk], cause={})
    team.settle()
    assert (team.value("a").demand, team.value("b").demand) == (pytest.approx(8), pytest.approx(4))
    Evidence.objects.all().delete()
    problems_changed.send(None, workspace_id=team.workspace.pk, ids=[problem.pk], cause={})
    team.settle()
    assert (team.value("a").demand, team.value("b").demand) == (0, 0)


# --- flags ------------------------------------------------------------------------------------------------


def unused(team: Team, days: int) -> None:
    team.state(counted("saved-carts", days_before(PIN, days), 0))
    team.settle()


def test_a_flag_opens_on_the_second_day_and_says_what_it_rests_on(team: Team) -> None:
    team.item()
    unused(team, 1)
    assert not Flag.objects.exists()
    unused(team, 2)
    flag = Flag.objects.get()
    assert (flag.reason, flag.state, flag.opened_on) == ("never_adopted", "open", PIN)
    assert flag.evidence["eligible"] == 1000
    assert flag.recommendation == "sunset"


def test_late_data_resolves_a_flag_as_corrected_and_never_deletes_it(team: Team) -> None:
    team.item()
    unused(team, 60)
    team.state(counted("saved-carts", days_before(PIN, 60), 300))
    team.settle()
    flag = Flag.objects.get()
    assert (flag.state, flag.resolved_cause) == ("resolved", "corrected")
    assert [action.action for action in flag.actions.order_by("id")] == ["open", "resolve"]


def test_what_a_person_acknowledged_stays_acknowledged(team: Team) -> None:
    team.item()
    unused(team, 60)
    Flag.objects.update(state="acknowledged")
    unused(team, 61)
    assert Flag.objects.get().state == "acknowledged"


def test_a_flag_keeps_what_it_was_raised_with_beside_what_is_so_now(team: Team) -> None:
    an_outcome(team, team.item(), "last", baseline=10, target=20, due_on=PIN - timedelta(days=1))
    team.state(observed({PIN - timedelta(days=2): 18}))
    team.settle()
    team.state(observed({PIN - timedelta(days=1): 17}))
    team.settle()
    flag = Flag.objects.get()
    assert (flag.opened_with["attainment"], flag.evidence["attainment"]) == (0.8, 0.7)
    shown = Caller(team.workspace).get(f"flags/{flag.pk}/").json()
    assert (shown["opened_with"]["attainment"], shown["evidence"]["attainment"]) == (0.8, 0.7)


def test_a_dismissed_flag_stays_quiet_when_an_edit_of_its_item_is_taken_back(team: Team) -> None:
    item = team.item()
    unused(team, 60)
    Flag.objects.update(state="dismissed", is_suppressing=True)
    changed(team, item)
    assert Flag.objects.count() == 1
    Item.objects.filter(pk=item.pk).update(usage_policy="mandatory")
    changed(team, item)
    Item.objects.filter(pk=item.pk).update(usage_policy="normal")
    changed(team, item)
    assert Flag.objects.get().state == "dismissed"


def test_a_target_missed_after_its_day_is_flagged_at_once_and_resolved_when_met(team: Team) -> None:
    an_outcome(team, team.item(), "last", baseline=10, target=20, due_on=PIN - timedelta(days=1))
    team.state(observed({PIN - timedelta(days=2): 18}))
    team.settle()
    flag = Flag.objects.get()
    assert (flag.reason, flag.state, flag.opened_on) == ("missed_target", "open", PIN)
    team.state(observed({PIN: 19}))
    team.settle()
    assert Flag.objects.get().state == "resolved"


def test_a_source_that_falls_silent_is_flagged_and_speaks_again(team: Team) -> None:
    team.state({"covers": [(PIN - timedelta(days=3)).isoformat()]})
    team.settle()
    flag = Flag.objects.get()
    assert (flag.reason, flag.source, flag.evidence["days_since"]) == ("stale_source", team.source, 3)
    team.state({"covers": [PIN.isoformat()]})
    team.settle()
    assert Flag.objects.get().resolved_cause == "recovered"


def test_nobody_is_asked_in_the_middle_of_a_load(team: Team) -> None:
    team.item()
    team.state(counted("saved-carts", days_before(PIN, 60), 0))
    waiting = team.state(counted("saved-carts", days_before(PIN, 60), 300))
    Delivery.objects.filter(pk=waiting).update(retry_at=None, received_at=datetime(2026, 1, 1, tzinfo=UTC))
    Delivery.objects.exclude(pk=waiting).update(received_at=datetime(2026, 1, 1, tzinfo=UTC))
    Delivery.objects.filter(pk=waiting).update(state="quarantined")
    settle.interpret_pending(max_seconds=60)
    Delivery.objects.filter(pk=waiting).update(state="pending")

    settle_marks(max_seconds=60)

    assert team.usage().verdict == "never_adopted"
    assert not Flag.objects.exists()
    Mark.objects.update(claimed_until=None)
    team.settle()
    assert not Flag.objects.exists()


# --- marks and the clock ----------------------------------------------------------------------------------


def test_a_change_that_lands_while_a_worker_computes_is_computed_again(team: Team) -> None:
    item = team.item()
    team.settle()
    marks.mark("item", team.workspace.pk, [item.pk], from_on=PIN)
    token, claimed = marks.claim("item", 10)

    marks.mark("item", team.workspace.pk, [item.pk], from_on=PIN - timedelta(days=9))
    marks.settle(token, marks.hold(token, claimed))

    left = Mark.objects.get()
    assert (left.generation, left.from_on, left.claimed_until) == (2, PIN - timedelta(days=9), None)


def test_a_worker_whose_claim_was_taken_over_holds_nothing(team: Team) -> None:
    item = team.item()
    team.settle()
    marks.mark("item", team.workspace.pk, [item.pk])
    token, claimed = marks.claim("item", 10)
    Mark.objects.update(claimed_until=datetime(2026, 1, 1, tzinfo=UTC))

    other, taken = marks.claim("item", 10)

    assert marks.hold(token, claimed) == []
    assert marks.hold(other, taken) == taken


def test_a_claimed_mark_is_nobody_elses(team: Team) -> None:
    item = team.item()
    marks.mark("item", team.workspace.pk, [item.pk])
    assert len(marks.claim("item", 10)[1]) == 1
    assert marks.claim("item", 10)[1] == []


def test_news_of_a_claimed_mark_leaves_it_to_who_claimed_it(team: Team) -> None:
    item = team.item()
    marks.mark("item", team.workspace.pk, [item.pk])
    marks.claim("item", 10)
    marks.mark("item", team.workspace.pk, [item.pk])
    assert marks.claim("item", 10)[1] == []


def test_what_was_put_off_waits_no_longer_than_a_moment_once_there_is_news(team: Team) -> None:
    item = team.item()
    marks.mark("item", team.workspace.pk, [item.pk])
    _, claimed = marks.claim("item", 10)
    marks.put_off(claimed, timedelta(hours=1))
    put_off_until = Mark.objects.get().claimed_until

    marks.mark("item", team.workspace.pk, [item.pk])

    news_at = Mark.objects.get().claimed_until
    assert put_off_until is not None
    assert news_at is not None
    assert news_at < put_off_until - timedelta(minutes=50)
    marks.mark("item", team.workspace.pk, [item.pk])
    assert Mark.objects.get().claimed_until == news_at


def test_a_mark_that_moved_on_while_it_was_put_right_is_not_put_off_for_long(team: Team) -> None:
    item = team.item()
    marks.mark("item", team.workspace.pk, [item.pk])
    _, claimed = marks.claim("item", 10)
    marks.mark("item", team.workspace.pk, [item.pk])
    leased_until = Mark.objects.get().claimed_until

    marks.put_off(claimed, timedelta(hours=1))

    left = Mark.objects.get()
    assert left.claimed_until is not None
    assert leased_until is not None
    assert left.claimed_until < leased_until


def test_the_clock_moves_a_workspace_once_a_day() -> None:
    team = Team(pin=PIN)
    item = team.item()
    team.settle()
    assert clock.tick() == 1
    assert clock.tick() == 0
    Mark.objects.all().delete()
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=PIN + timedelta(days=1))
    assert clock.tick() == 1
    assert WorkspaceClock.objects.get().judged_on == PIN + timedelta(days=1)
    assert Mark.objects.get(kind="item", subject_id=item.pk).from_on == PIN + timedelta(days=1)


def test_a_snooze_ends_by_the_wall_clock_whatever_the_pin(team: Team) -> None:
    team.item()
    unused(team, 60)
    Flag.objects.update(state="snoozed", snoozed_until=date(2026, 12, 1))
    clock.tick(datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert Flag.objects.get().state == "snoozed"
    clock.tick(datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert Flag.objects.get().state == "open"


def test_the_number_of_queries_does_not_grow_with_the_items() -> None:
    asked = []
    for number in (3, 40):
        team = Team(pin=PIN)
        for n in range(number):
            team.item(f"item-{n}")
        for n in range(number):
            team.state(counted(f"item-{n}", days_before(PIN, 30), 300))
        settle.interpret_pending(max_seconds=60)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            settle_marks(max_seconds=60)
        asked.append(len(captured))
    assert asked[0] == asked[1]


def changed(team: Team, item: Item) -> None:
    items_changed.send(None, workspace_id=team.workspace.pk, ids=[item.pk], cause={"kind": "edit"})
    team.settle()
