"""Every night everything is computed again from facts: drift is told, and mended."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from outcomes.instruments import DRIFT
from outcomes.models import Effect, Flag, ItemValue, Metric, Reconciliation, ValueRecord, VerdictSpan
from outcomes.pipeline import clock, marks
from outcomes.pipeline.reconcile import reconcile, reconcile_due
from productops.workspaces.models import Workspace
from roadmap.models import Item
from roadmap.signals import problems_changed
from tests.callers import Caller
from tests.factories import (
    a_link,
    a_metric,
    a_problem,
    a_product,
    a_workspace,
    an_experiment,
    an_outcome,
    evidence,
)
from tests.outcomes.pipeline.stating import Team, days_before, dump, people, used
from tests.outcomes.pipeline.test_values_and_flags import observed

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    """Two items of a product with users, an outcome and a problem: a row of every kind that is computed."""
    team = Team(pin=PIN)
    product, problem = a_product(team.workspace), a_problem(team.workspace, key="lost-baskets")
    carts = team.item("carts", product=product)
    team.item("wishlist", product=product)
    an_outcome(carts, a_metric(team.workspace, key="m"), baseline=10, target=20)
    a_link(carts, problem)
    evidence(problem, importance=3, observed_on=PIN)
    problems_changed.send(None, workspace_id=team.workspace.pk, ids=[problem.pk], cause={"kind": "edit"})
    days = days_before(PIN, 60)
    team.state({"usage": used("carts", people(8), days[::7])})
    team.state({"usage": used("wishlist", people(3, "w"), days), **observed({PIN: 15})})
    team.settle()
    return team


def a_pass(team: Team) -> Reconciliation:
    run = reconcile(team.workspace, max_seconds=60)
    assert run is not None
    assert run.stage == "done", run.stage
    return run


def test_what_the_pipeline_stored_is_what_the_facts_say(team: Team) -> None:
    before = dump(team.workspace)
    run = a_pass(team)
    assert (run.drifted, run.drift, run.checked, run.waiting) == (0, [], 2, 0)
    team.settle()
    assert dump(team.workspace) == before


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("value", "UPDATE outcomes_itemvalue SET proven = proven + 7 WHERE proven IS NOT NULL"),
        ("value", "UPDATE outcomes_itemvalue SET demand = 99"),
        ("usage", "UPDATE outcomes_itemusage SET active = 77, verdict = 'abandoned'"),
        ("verdicts", "UPDATE outcomes_verdictspan SET verdict = 'under_used' WHERE verdict = 'too_new'"),
        ("verdicts", "DELETE FROM outcomes_verdictspan"),
        ("metric_day", "UPDATE outcomes_metricday SET total = total + 1"),
        ("metric_day", "DELETE FROM outcomes_metricday"),
        ("usage_day", "DELETE FROM outcomes_usageday WHERE count > 0 AND \"on\" > '2026-04-10'"),
        ("usage_day", "UPDATE outcomes_usageday SET actor = actor || 'x'"),
        ("audience", "UPDATE outcomes_productaudience SET active = active + 50"),
        ("audience", "DELETE FROM outcomes_productaudience WHERE \"on\" = '2026-05-01'"),
        ("problem", "UPDATE roadmap_problemstanding SET demand = 55, own_demand = 55"),
    ],
)
def test_planted_drift_is_told_and_mended(team: Team, kind: str, damage: str) -> None:
    before = dump(team.workspace)
    counted = DRIFT.labels(kind)._value.get()
    with connection.cursor() as cursor:
        cursor.execute(damage)

    run = a_pass(team)

    assert run.drifted > 0
    assert kind in {one["kind"] for one in run.drift}
    assert DRIFT.labels(kind)._value.get() > counted
    team.settle()
    assert dump(team.workspace) == before
    assert a_pass(team).drifted == 0


@pytest.fixture
def measured(team: Team) -> Team:
    """Beside it an outcome whose metric has a past, and an experiment on another."""
    an_outcome(team.item("search", released_on=date(2026, 3, 20)), a_metric(team.workspace, key="orders"))
    values = [("orders", f"{on}T09:00:00Z", 20.0 + on.day % 5) for on in days_before(PIN, 100)]
    team.state({"observations": [{"metric": key, "at": at, "value": value} for key, at, value in values]})
    carts, metric = Item.objects.get(key="carts"), Metric.objects.get(key="m")
    trial = an_experiment(
        carts, metric=metric, state="running", started_on=date(2026, 4, 1), ended_on=date(2026, 4, 30)
    )
    told = {"key": trial.key, "metric": "m", "at": "2026-04-30T12:00:00Z", "n": 1_000}
    sums = {"control": 100, "treatment": 180}
    team.state(
        {
            "experiments": [
                {**told, "variant": variant, "sum": shown, "sum_squares": shown}
                for variant, shown in sums.items()
            ]
        }
    )
    team.settle()
    assert set(Effect.objects.values_list("design", flat=True)) == {"before_after", "experiment"}
    return team


def test_effects_are_what_the_facts_say(measured: Team) -> None:
    before = dump(measured.workspace)
    assert a_pass(measured).drift == []
    measured.settle()
    assert dump(measured.workspace) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE outcomes_effect SET high = high + 5 WHERE design = 'before_after'",
        "UPDATE outcomes_effect SET decided_on = decided_on + 3 WHERE design = 'before_after'",
        "UPDATE outcomes_effect SET verdict = 'inconclusive' WHERE design = 'experiment'",
        "UPDATE outcomes_effect SET n_after = n_after + 1",
        "DELETE FROM outcomes_effect WHERE design = 'before_after'",
        "DELETE FROM outcomes_effect WHERE design = 'experiment'",
        "UPDATE outcomes_effect SET design = 'comparison' WHERE design = 'before_after'",
    ],
)
def test_an_effect_that_is_not_what_they_say_is_told_and_mended(measured: Team, damage: str) -> None:
    before = dump(measured.workspace)
    with connection.cursor() as cursor:
        cursor.execute(damage)

    run = a_pass(measured)

    assert "effect" in {one["kind"] for one in run.drift}
    measured.settle()
    assert dump(measured.workspace) == before
    assert a_pass(measured).drifted == 0


def test_an_effect_whose_facts_wait_to_be_read_is_not_drift(measured: Team) -> None:
    Effect.objects.filter(design="before_after").update(high=1e6)
    outcome = Effect.objects.get(design="before_after").outcome_id
    marks.mark("effect", measured.workspace.pk, [outcome])
    assert a_pass(measured).drift == []


@pytest.fixture
def silent(team: Team) -> Team:
    """Its source was last heard of a week ago, and is flagged for it."""
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=PIN + timedelta(days=7))
    team.workspace.refresh_from_db()
    clock.tick()
    team.settle()
    assert Flag.objects.get(reason="stale_source").state == "open"
    assert a_pass(team).drift == []
    return team


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE outcomes_flag SET state = 'resolved', resolved_on = '2026-05-08', resolved_cause = 'recovered'"
        " WHERE reason = 'stale_source'",
        "UPDATE outcomes_flag SET holding_since = '2026-04-20' WHERE reason = 'stale_source'",
        "DELETE FROM outcomes_flagaction; DELETE FROM outcomes_flag WHERE reason = 'stale_source'",
    ],
)
def test_a_flag_of_a_source_that_is_not_as_its_days_say_is_told_and_mended(silent: Team, damage: str) -> None:
    flag = Flag.objects.get(reason="stale_source")
    with connection.cursor() as cursor:
        cursor.execute(damage)

    run = a_pass(silent)

    assert [(one["kind"], one["key"]) for one in run.drift] == [("source_flag", silent.source.key)]
    silent.settle()
    mended = Flag.objects.get(reason="stale_source")
    assert (mended.state, mended.holding_since, mended.opened_on) == (
        "open",
        flag.holding_since,
        flag.opened_on,
    )
    assert a_pass(silent).drifted == 0


def test_a_source_whose_deliveries_wait_to_be_read_is_not_called_drift(silent: Team) -> None:
    Flag.objects.filter(reason="stale_source").update(
        state="resolved", resolved_on=PIN + timedelta(days=7), resolved_cause="edited"
    )
    silent.state(observed({PIN: 20}))
    assert a_pass(silent).drift == []


@pytest.mark.parametrize("told", ["events", "counts", "shares"])
def test_what_is_advised_of_a_flag_of_long_ago_is_the_same_however_few_days_are_judged(told: str) -> None:
    team = Team(pin=PIN)
    item = team.item("old")
    team.item("other")
    days = days_before(PIN - timedelta(days=120), 60)
    numbers = {"counts": {"active": 90, "eligible": 400}, "shares": {"share": 0.2}}.get(told)
    snapshots = [{"item": "old", "on": str(on), **(numbers or {})} for on in days]
    team.state({"snapshots": snapshots} if numbers else {"usage": used("old", people(8), days[::2])})
    team.state({"usage": used("other", people(8), days_before(PIN, 180))})
    team.settle()
    flag = Flag.objects.get(reason="abandoned")
    assert (flag.state, flag.recommendation) == ("open", "check_tracking")
    for from_on in (date.max, PIN - timedelta(days=2)):
        marks.mark("item", team.workspace.pk, [item.pk], from_on=from_on)
        team.settle()
        flag.refresh_from_db()
        assert flag.recommendation == "check_tracking"
    assert a_pass(team).drift == []


def test_a_mended_value_says_in_its_history_that_it_was_mended(team: Team) -> None:
    ItemValue.objects.filter(item__key="carts").update(proven=99)
    run = a_pass(team)
    team.settle()
    newest = ValueRecord.objects.filter(item__key="carts").latest("id")
    assert newest.cause == {"kind": "reconcile", "id": run.pk}
    told = [one for one in run.drift if one["name"] == "proven"]
    assert [(one["key"], one["stored"]) for one in told] == [("carts", 99)]
    assert told[0]["computed"] == pytest.approx(team.value("carts").proven)


def test_a_change_that_waits_to_be_read_is_not_drift(team: Team) -> None:
    team.state(observed({PIN: 20}))
    marks.mark("item", team.workspace.pk, [ItemValue.objects.get(item__key="wishlist").item_id])
    ItemValue.objects.filter(item__key="wishlist").update(proven=99)
    run = a_pass(team)
    assert (run.drifted, run.checked, run.waiting) == (0, 1, 1)


def test_a_pass_goes_on_where_it_was_and_is_made_once_a_night(team: Team) -> None:
    run = reconcile(team.workspace, max_seconds=0)
    assert run is not None
    assert run.stage == "metrics"
    assert reconcile_due(max_seconds=60) >= 1
    run.refresh_from_db()
    assert run.stage == "done"
    assert reconcile_due(max_seconds=60) == 0


def test_the_command_says_what_it_found_and_fails_when_it_found_something(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("reconcile", workspace=team.workspace.key)
    assert "2 items checked, 0 waiting, 0 not as the facts say" in capsys.readouterr().out
    VerdictSpan.objects.all().delete()
    with pytest.raises(SystemExit):
        call_command("reconcile", workspace=team.workspace.key)
    assert "verdicts carts" in capsys.readouterr().out


def test_what_was_found_is_seen_over_the_api_by_its_own_workspace_alone(team: Team) -> None:
    ItemValue.objects.filter(item__key="carts").update(proven=99)
    run = a_pass(team)
    told = Caller(team.workspace).get("insights/reconciliations/").json()["results"][0]
    assert (told["id"], told["drifted"], told["drift"][0]["key"]) == (run.pk, run.drifted, "carts")
    olga = Caller(a_workspace())
    assert olga.get("insights/reconciliations/").json()["results"] == []
    assert olga.get(f"insights/reconciliations/{run.pk}/").status_code == 404
