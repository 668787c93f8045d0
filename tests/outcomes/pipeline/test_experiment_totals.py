"""Totals of experiments: stated, corrected, taken back, read, and what they make of an item."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from outcomes.models import Candidate, Effect, Experiment, ExperimentTotal, Metric
from outcomes.pipeline import clock
from outcomes.pipeline.trials import read_trials
from outcomes.services import experiments
from outcomes.services.experiment_results import results_of
from productops.workspaces.actors import Actor
from productops.workspaces.services import edit_workspace
from roadmap.models import Item
from tests.factories import a_metric, an_experiment, an_outcome
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

EARLY, LATE = datetime(2026, 5, 1, 8, tzinfo=UTC), datetime(2026, 5, 1, 9, tzinfo=UTC)
MORNING, EVENING = "2026-05-01T08:00:00Z", "2026-05-01T20:00:00Z"
BETTER = {"control": 1_000, "treatment": 1_150}
ADA = Actor("Ada", None, "api")


def total(variant: str, n: int, yes: int, at: str = "2026-05-01T00:00:00Z", **fields: Any) -> dict[str, Any]:
    row = {"key": "carts-ab", "variant": variant, "metric": "conversion", "at": at, "n": n}
    return {**row, "sum": yes, "sum_squares": yes, **fields}


@pytest.fixture
def team() -> Team:
    return Team(pin=date(2026, 5, 1))


@pytest.fixture
def item(team: Team) -> Item:
    return team.item("saved-carts")


@pytest.fixture
def metric(team: Team) -> Metric:
    return a_metric(team.workspace, key="conversion", unit="%")


@pytest.fixture
def experiment(item: Item, metric: Metric) -> Experiment:
    return an_experiment(item, key="carts-ab", metric=metric, state="running", started_on=date(2026, 4, 1))


def state(team: Team, *rows: dict[str, Any], **said: Any) -> int:
    delivery = team.state({"experiments": list(rows)}, **said)
    team.settle()
    return delivery


def newest(experiment: Experiment, day: date = date(2026, 5, 1)) -> dict[str, int]:
    trial = read_trials([experiment], day)[0]
    return {one.variant: one.n for one in trial.primary.variants} if trial.primary else {}


def test_the_newest_totals_of_each_variant_count(team: Team, experiment: Experiment) -> None:
    rows = [
        total("control", 100, 10),
        total("control", 60, 6, at="2026-04-30T00:00:00Z"),
        total("treatment", 98, 20),
    ]
    told = team.told(state(team, *rows, rows[0]))
    assert (told.taken, told.duplicates, told.refused) == (3, 1, 0)
    assert newest(experiment) == {"control": 100, "treatment": 98}
    assert newest(experiment, date(2026, 4, 29)) == {"control": 60, "treatment": 0}


def test_totals_of_midnight_are_of_the_day_that_has_ended(team: Team, experiment: Experiment) -> None:
    state(
        team,
        total("control", 1, 1, at="2026-05-01T00:00:00Z"),
        total("control", 1, 1, at="2026-05-01T00:00:01Z"),
    )
    days = ExperimentTotal.objects.order_by("at").values_list("on", flat=True)
    assert list(days) == [date(2026, 4, 30), date(2026, 5, 1)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_later_statement_corrects_whichever_arrives_first(
    team: Team, experiment: Experiment, order: Any
) -> None:
    stated = [(total("control", 100, 10), EARLY), (total("control", 90, 10), LATE)]
    for index in order:
        row, signed_at = stated[index]
        state(team, row, signed_at=signed_at)
    assert ExperimentTotal.objects.get().n == 90


def test_what_was_retracted_is_not_read_and_an_older_statement_does_not_revive_it(
    team: Team, experiment: Experiment
) -> None:
    row = total("control", 100, 10)
    taken_back = {"kind": "experiment", **{name: row[name] for name in ("key", "variant", "metric", "at")}}
    team.state({"retract": [taken_back]}, signed_at=LATE)
    state(team, row, signed_at=EARLY)
    assert newest(experiment) == {"control": 0, "treatment": 0}


def test_an_experiment_nobody_set_up_is_a_candidate(team: Team, item: Item, metric: Metric) -> None:
    told = team.told(state(team, total("control", 100, 10)))
    assert told.outcome["refused"][0]["code"] == "unknown_experiment"
    candidate = Candidate.objects.get()
    assert (candidate.kind, candidate.name) == ("experiment", "carts-ab")


def test_an_unknown_metric_and_a_variant_that_was_not_declared_are_refused_by_name(
    team: Team, experiment: Experiment
) -> None:
    told = team.told(state(team, total("control", 1, 1, metric="nps"), total("blue", 1, 1)))
    assert {one["code"] for one in told.outcome["refused"]} == {"unknown_metric", "unknown_variant"}
    assert "control, treatment" in str(told.outcome["refused"])
    assert not ExperimentTotal.objects.exists()


def test_another_workspaces_experiment_is_unknown(team: Team, experiment: Experiment) -> None:
    other = Team()
    a_metric(other.workspace, key="conversion")
    told = other.told(state(other, total("control", 100, 10)))
    assert told.outcome["refused"][0]["code"] == "unknown_experiment"


def test_any_order_and_duplication_end_in_the_same_totals_and_the_same_effect(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=20)
    chance = random.Random(7)
    bodies = [
        [total(variant, 50 * day, chance.randint(1, 40), at=f"2026-04-{day:02}T00:00:00Z")]
        for day in (3, 9, 9, 20)
        for variant in ("control", "treatment")
    ]
    told = list(enumerate(bodies))

    def ends_in(order: list[tuple[int, Any]]) -> Any:
        ExperimentTotal.objects.all().delete()
        Effect.objects.all().delete()
        team.workspace.refresh_from_db()
        for number, rows in order:
            signed_at = EARLY + timedelta(minutes=number)
            team.state(
                {"experiments": rows},
                message_id=f"msg_{order is told}_{number}_{len(seen)}",
                signed_at=signed_at,
            )
            seen.append(number)
        team.settle()
        effect = Effect.objects.values("estimate", "low", "high", "n_before", "n_after", "verdict").get()
        return sorted(ExperimentTotal.objects.values_list("variant", "at", "n", "sum")), effect

    seen: list[int] = []
    in_order = ends_in(told)
    mixed = [*told, *chance.sample(told, 4)]
    chance.shuffle(mixed)
    assert ends_in(mixed) == in_order


def test_while_it_runs_the_effect_is_a_reading_and_the_score_stays(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    effect = Effect.objects.get()
    assert (effect.design, effect.decided_on, effect.verdict) == ("experiment", None, "better")
    assert effect.estimate == pytest.approx(1.5)
    assert (effect.n_before, effect.n_after) == (10_000, 10_000)


def test_the_effect_s_chart_is_the_treatment_beside_the_control(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    point = Effect.objects.get().points()[0]
    assert (point["on"], point["is_after"]) == ("2026-04-30", True)
    assert (point["observed"], point["counterfactual"]) == (pytest.approx(11.5), pytest.approx(10.0))
    assert point["low"] < 10 < point["high"]


def test_an_experiment_that_a_person_ended_is_decided_and_later_totals_do_not_change_it(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    experiments.end_experiment(
        workspace=team.workspace, by=ADA, experiment_id=experiment.pk, on=date(2026, 4, 30)
    )
    state(team, total("treatment", 20_000, 0, at="2026-05-01T12:00:00Z"))
    effect = Effect.objects.get()
    assert (effect.decided_on, effect.estimate) == (date(2026, 4, 30), pytest.approx(1.5))


def test_a_late_correction_inside_changes_a_decided_effect_with_its_cause(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    experiments.end_experiment(workspace=team.workspace, by=ADA, experiment_id=experiment.pk)
    team.settle()
    assert Effect.objects.get().cause["kind"] == "edit"
    corrected = state(team, total("treatment", 10_000, 1_200))
    effect = Effect.objects.get()
    assert effect.estimate == pytest.approx(2.0)
    assert effect.cause == {"kind": "delivery", "id": corrected}


def test_a_planned_last_day_decides_when_it_is_over(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    Experiment.objects.update(ended_on=date(2026, 5, 1))
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    clock.tick()
    team.settle()
    assert Effect.objects.get().decided_on is None
    edit_workspace(workspace=team.workspace, by=ADA, version=None, changes={"pinned_on": date(2026, 5, 2)})
    team.settle()
    assert Effect.objects.get().decided_on == date(2026, 5, 2)


def test_a_decision_that_is_written_down_later_does_not_move_the_day_of_the_result(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    Experiment.objects.update(ended_on=date(2026, 4, 29))
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    state(
        team,
        total("control", 9_000, 900, at="2026-04-29T12:00:00Z"),
        total("treatment", 9_000, 1_035, at="2026-04-29T12:00:00Z"),
    )
    assert Effect.objects.get().decided_on == date(2026, 4, 30)
    experiments.decide_experiment(
        workspace=team.workspace, by=ADA, experiment_id=experiment.pk, decision="ship"
    )
    team.settle()
    assert Effect.objects.get().decided_on == date(2026, 4, 30)
    assert Experiment.objects.get().ended_on == date(2026, 4, 29)


def test_one_that_runs_on_has_no_result_yet(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_150))
    experiments.end_experiment(workspace=team.workspace, by=ADA, experiment_id=experiment.pk)
    team.settle()
    assert Effect.objects.get().decided_on == team.workspace.today()
    experiments.start_experiment(workspace=team.workspace, by=ADA, experiment_id=experiment.pk)
    team.settle()
    assert Effect.objects.get().decided_on is None


def test_a_broken_split_gives_an_effect_without_a_verdict(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000), total("treatment", 12_000, 1_800))
    effect = Effect.objects.get()
    assert effect.verdict is None
    assert effect.caveats[0]["code"] == "sample_ratio_mismatch"


def test_variants_that_were_not_stated_for_one_instant_are_not_taken_for_a_broken_split(
    team: Team, experiment: Experiment
) -> None:
    both = [total(variant, 1_000, 100, at="2026-04-30T00:00:00Z") for variant in ("control", "treatment")]
    state(team, *both, total("control", 2_000, 200))
    trial = read_trials([experiment], date(2026, 5, 1))[0]
    assert trial.primary is not None
    assert not trial.primary.is_void


def decided(team: Team, experiment: Experiment) -> Effect:
    """An experiment that was better on the morning of its last day, and ended."""
    state(team, *[total(name, 10_000, yes, at=MORNING) for name, yes in BETTER.items()])
    experiments.end_experiment(workspace=team.workspace, by=ADA, experiment_id=experiment.pk)
    team.settle()
    return Effect.objects.get()


def test_later_totals_of_the_control_alone_turn_no_decided_verdict_and_are_named(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    before = decided(team, experiment)
    state(team, total("control", 20_000, 4_000, at=EVENING))
    effect = Effect.objects.get()
    assert (effect.verdict, effect.estimate, effect.n_before) == ("better", before.estimate, 10_000)
    assert effect.caveats == [{"code": "not_of_one_time", "at": MORNING, "later": {"control": EVENING}}]
    assert team.value().realised is not None


def test_what_the_others_come_to_by_the_same_instant_makes_it_count(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    decided(team, experiment)
    state(team, total("control", 20_000, 4_000, at=EVENING))
    state(team, total("treatment", 20_000, 3_000, at=EVENING))
    effect = Effect.objects.get()
    assert (effect.verdict, effect.n_before, effect.caveats) == ("worse", 20_000, [])


def test_the_split_is_tested_where_the_variants_are_compared(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    decided(team, experiment)
    state(
        team, *[total(name, n, 2_000, at=EVENING) for name, n in (("control", 20_000), ("treatment", 15_000))]
    )
    effect = Effect.objects.get()
    assert (effect.verdict, effect.caveats[0]["code"]) == (None, "sample_ratio_mismatch")
    assert effect.detail["split_p"] == pytest.approx(0, abs=1e-9)


def test_variants_that_never_reported_together_are_not_compared(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    state(team, total("control", 10_000, 1_000, at=MORNING), total("treatment", 10_000, 1_150, at=EVENING))
    assert not Effect.objects.exists()
    results = results_of(experiment, date(2026, 5, 1))
    assert (results["verdict"], results["differences"], results["sample_ratio"]["p"]) == ("no_data", [], None)
    assert [one["n"] for one in results["variants"]] == [10_000, 10_000]
    assert "same instant" in results["warnings"][0]["detail"]


def test_a_variant_that_nobody_declared_and_that_comes_alone_is_no_third_one(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    Experiment.objects.update(variants=[])
    an_outcome(item, metric, baseline=10, target=12)
    before = decided(team, experiment)
    state(team, total("stray", 5, 5, at=EVENING))
    effect = Effect.objects.get()
    assert (effect.verdict, effect.low, effect.caveats) == ("better", before.low, [])
    assert results_of(Experiment.objects.get(), date(2026, 5, 1))["undeclared"] == ["stray"]


def test_results_compare_one_instant_say_what_is_newer_and_draw_whole_instants_alone(
    team: Team, experiment: Experiment
) -> None:
    state(team, *[total(name, 10_000, yes, at=MORNING) for name, yes in BETTER.items()])
    state(team, total("control", 20_000, 4_000, at=EVENING))
    results = results_of(experiment, date(2026, 5, 1))
    assert [(one["n"], one["at"].hour) for one in results["variants"]] == [(10_000, 8), (10_000, 8)]
    assert [point["at"].hour for point in results["series"]] == [8]
    told = {one["code"]: one["detail"] for one in results["warnings"]}["not_of_one_time"]
    assert "as of 2026-05-01 08:00:00 UTC" in told
    assert "control came to by 2026-05-01 20:00:00 UTC" in told


def test_of_several_treatments_the_effect_waits_for_the_one_that_is_meant(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric, baseline=10, target=12)
    Experiment.objects.update(variants=[{"key": "control"}, {"key": "blue"}, {"key": "red"}])
    state(team, *[total(name, 1_000, yes) for name, yes in (("control", 100), ("blue", 110), ("red", 180))])
    assert not Effect.objects.exists()
    experiments.decide_experiment(
        workspace=team.workspace, by=ADA, experiment_id=experiment.pk, decision="ship", variant="red"
    )
    team.settle()
    assert Effect.objects.get().detail["variant"] == "red"


def test_an_archived_experiment_takes_its_effect_with_it(
    team: Team, experiment: Experiment, item: Item, metric: Metric
) -> None:
    an_outcome(item, metric)
    state(team, total("control", 1_000, 100), total("treatment", 1_000, 150))
    acting = {"workspace": team.workspace, "by": ADA, "experiment_id": experiment.pk, "version": None}
    assert not experiments.remove_experiment(**acting)
    team.settle()
    assert not Effect.objects.exists()
    experiments.restore_experiment(**acting)
    team.settle()
    assert Effect.objects.exists()


def test_a_metric_that_adds_up_is_told_as_a_lift_of_its_baseline(team: Team, item: Item) -> None:
    orders = a_metric(team.workspace, key="conversion", aggregation="sum")
    an_outcome(item, orders, baseline=500, target=600)
    an_experiment(item, key="carts-ab", metric=orders)
    state(team, total("control", 10_000, 1_000), total("treatment", 10_000, 1_200))
    assert Effect.objects.get().estimate == pytest.approx(100)


def test_reading_many_experiments_asks_as_often_as_reading_one(
    team: Team, item: Item, metric: Metric, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        an_experiment(item, key=f"ab-{number}", metric=metric)
    held = list(Experiment.objects.select_related("item", "metric"))
    for some in (held[:1], held):
        with django_assert_num_queries(4):
            read_trials(some, date(2026, 5, 1))
