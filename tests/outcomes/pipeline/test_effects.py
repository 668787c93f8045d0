"""What facts, edits and the clock do to effects, and what effects do to values and flags."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from outcomes.models import Effect, Flag, Mark, Metric, Outcome
from outcomes.pipeline import clock, settle
from outcomes.pipeline.marks import claim, mark
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.services import edit_item
from tests.callers import Caller
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team, days_before

pytestmark = pytest.mark.django_db

RELEASED = date(2026, 3, 2)
LAST = date(2026, 3, 29)
DECIDED = date(2026, 3, 30)
EVE = Actor(user_id=None, name="Eve", via="api")
# Noise that repeats, so that a test says the same each time.
NOISE = [0.3, -0.4, 0.1, 0.9, -0.7, 0.2, -0.1, -0.6, 0.5, 0.4, -0.9]


def team_on(day: date) -> Team:
    return Team(pin=day)


def an_outcome(team: Team, *, key: str = "m", metric: Metric | None = None, **fields: Any) -> Outcome:
    item = team.item(fields.pop("item", "saved-carts"), released_on=fields.pop("released_on", RELEASED))
    metric = metric or a_metric(team.workspace, key=key, **fields.pop("measured", {}))
    return Outcome.objects.create(workspace=team.workspace, item=item, metric=metric, **fields)


def stepped(
    shift: float, *, to: date = LAST, count: int = 210, metric: str = "m", level: float = 50, every: int = 1
) -> Any:
    """Noisy daily values that move by `shift` at the release; another `every` gives them in another order."""
    return {
        "observations": [
            {
                "metric": metric,
                "at": f"{on}T09:00:00Z",
                "value": level + NOISE[every * number % 11] + (shift if on >= RELEASED else 0),
            }
            for number, on in enumerate(days_before(to, count))
        ]
    }


def effect_of(outcome: Outcome) -> Effect:
    return Effect.objects.get(outcome=outcome)


def move_to(team: Team, day: date) -> None:
    Workspace.objects.filter(pk=team.workspace.pk).update(pinned_on=day)
    team.workspace.refresh_from_db()
    clock.tick()
    team.settle()


def test_a_full_window_is_decided_the_day_after_it() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team)
    team.state(stepped(3))
    team.settle()
    effect = effect_of(outcome)
    assert (effect.design, effect.verdict, effect.decided_on) == ("before_after", "better", DECIDED)
    assert (effect.n_before, effect.n_after) == (182, 28)
    assert (effect.from_on, effect.to_on) == (date(2025, 9, 1), LAST)
    assert effect.low <= 3 <= effect.high


def test_on_the_last_day_of_its_window_it_is_still_a_reading() -> None:
    team = team_on(LAST)
    outcome = an_outcome(team)
    team.state(stepped(-3))
    team.settle()
    reading = effect_of(outcome)
    # Today has not ended, and three whole weeks have.
    assert (reading.decided_on, reading.verdict, reading.n_after) == (None, "worse", 21)
    assert team.value().explanation["multiplier"] == 1
    assert not Flag.objects.filter(reason="regression").exists()


def test_the_clock_alone_decides_it() -> None:
    team = team_on(LAST)
    outcome = an_outcome(team)
    team.state(stepped(-3))
    team.settle()
    move_to(team, DECIDED)
    effect = effect_of(outcome)
    assert (effect.decided_on, effect.n_after) == (DECIDED, 28)
    assert effect.cause["kind"] == "clock"
    assert Flag.objects.get(reason="regression").opened_on == DECIDED


@pytest.mark.parametrize("after", [0, 13])
def test_with_too_few_days_after_there_is_nothing_to_tell(after: int) -> None:
    team = team_on(RELEASED + timedelta(days=after))
    an_outcome(team)
    team.state(stepped(3, to=RELEASED + timedelta(days=after)))
    team.settle()
    assert not Effect.objects.exists()


def test_with_too_few_days_before_there_is_nothing_to_tell() -> None:
    team = team_on(DECIDED)
    an_outcome(team)
    team.state(stepped(3, count=28 + 27))
    team.settle()
    assert not Effect.objects.exists()


def test_later_points_do_not_change_what_was_decided() -> None:
    team = team_on(date(2026, 5, 1))
    outcome = an_outcome(team)
    team.state(stepped(3))
    team.settle()
    before = effect_of(outcome)
    team.state({"observations": [{"metric": "m", "at": "2026-04-20T09:00:00Z", "value": 9000}]})
    team.settle()
    after = effect_of(outcome)
    assert (after.estimate, after.as_of) == (before.estimate, before.as_of)


def test_a_late_correction_inside_the_window_changes_it_and_says_why() -> None:
    team = team_on(date(2026, 5, 1))
    outcome = an_outcome(team)
    team.state(stepped(3))
    team.settle()
    before = effect_of(outcome)
    assert before.verdict == "better"
    team.state(stepped(-3))
    team.settle()
    after = effect_of(outcome)
    assert (after.verdict, after.decided_on) == ("worse", DECIDED)
    assert after.cause["kind"] == "delivery"


def test_computing_it_twice_is_computing_it_once() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team)
    team.state(stepped(3))
    team.settle()
    before = effect_of(outcome)
    clock.judge_anew(team.workspace, {"kind": "clock"})
    team.settle()
    assert effect_of(outcome).as_of == before.as_of
    assert not Mark.objects.exists()


def test_a_washout_moves_the_window() -> None:
    team = team_on(date(2026, 4, 30))
    outcome = an_outcome(team, washout_days=7, after_periods=14)
    team.state(stepped(3, to=date(2026, 4, 30), count=250))
    team.settle()
    effect = effect_of(outcome)
    assert (effect.to_on, effect.decided_on) == (date(2026, 3, 22), date(2026, 3, 23))
    assert "2026-03-02" not in effect.chart["on"]


def test_of_a_metric_that_should_fall_less_is_better() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, measured={"direction": "decrease"})
    team.state(stepped(-3))
    team.settle()
    assert effect_of(outcome).verdict == "better"


def test_the_effect_and_not_the_level_is_what_was_attained() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, baseline=50, target=56)
    team.state(stepped(3))
    team.settle()
    reading = team.value().explanation["outcomes"][0]
    effect = effect_of(outcome)
    assert reading["grade"] == "before_after"
    assert reading["attainment"] == pytest.approx(effect.estimate / 6)
    assert team.value().explanation["outcome"]["weight"] == pytest.approx(0.5 * 0.6)


def test_an_effect_that_says_too_little_leaves_what_was_observed() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, baseline=50, target=50.01)
    team.state(stepped(0))
    team.settle()
    assert effect_of(outcome).verdict == "inconclusive"
    assert team.value().explanation["outcomes"][0]["grade"] == "observed"


def test_what_became_worse_halves_the_value_and_raises_a_flag() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, role="guardrail")
    goal = a_metric(team.workspace, key="goal")
    Outcome.objects.create(workspace=team.workspace, item=outcome.item, metric=goal, baseline=0, target=10)
    team.state(stepped(-3))
    team.state({"observations": [{"metric": "goal", "at": "2026-03-30T09:00:00Z", "value": 10}]})
    team.settle()
    value = team.value()
    assert value.explanation["multiplier"] == 0.5
    assert value.realised == pytest.approx(50)
    flag = Flag.objects.get(reason="regression")
    assert (flag.outcome_id, flag.state, flag.opened_on) == (outcome.pk, "open", DECIDED)
    assert flag.evidence["effect"]["high"] < 0


def test_a_correction_resolves_the_flag() -> None:
    team = team_on(DECIDED)
    an_outcome(team)
    team.state(stepped(-3))
    team.settle()
    team.state(stepped(3))
    team.settle()
    assert Flag.objects.get(reason="regression").state == "resolved"


def test_a_guardrail_may_get_worse_by_its_margin() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, role="guardrail", margin=5)
    team.state(stepped(-3))
    team.settle()
    assert effect_of(outcome).verdict == "inconclusive"


def test_guardrails_share_their_doubt_within_the_item() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, role="guardrail")
    team.state(stepped(3))
    team.settle()
    alone = effect_of(outcome)
    Outcome.objects.create(
        workspace=team.workspace, item=outcome.item, metric=a_metric(team.workspace), role="guardrail"
    )
    clock.judge_anew(team.workspace, {"kind": "clock"})
    team.settle()
    shared = effect_of(outcome)
    assert (alone.confidence, shared.confidence) == (0.95, 0.975)
    assert shared.high - shared.low > alone.high - alone.low


def test_another_release_inside_the_window_is_named_until_it_moves_away() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team)
    other = an_outcome(team, metric=outcome.metric, item="guest-checkout", released_on=date(2026, 3, 5))
    team.state(stepped(3))
    team.settle()
    overlap = {"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}
    assert overlap in effect_of(outcome).caveats
    edit_item(
        workspace=team.workspace,
        by=EVE,
        item_id=other.item_id,
        version=None,
        changes={"released_on": date(2024, 1, 1)},
    )
    team.settle()
    assert effect_of(outcome).caveats == []


def test_moving_the_release_moves_the_window() -> None:
    team = team_on(date(2026, 4, 30))
    outcome = an_outcome(team)
    team.state(stepped(3, to=date(2026, 4, 30), count=250))
    team.settle()
    edit_item(
        workspace=team.workspace,
        by=EVE,
        item_id=outcome.item_id,
        version=None,
        changes={"released_on": date(2026, 3, 9)},
    )
    team.settle()
    effect = effect_of(outcome)
    assert effect.decided_on == date(2026, 4, 6)
    assert effect.cause["kind"] == "edit"


def test_controls_make_it_a_comparison_with_a_placebo_for_each() -> None:
    team = team_on(DECIDED)
    a_metric(team.workspace, key="elsewhere")
    outcome = an_outcome(team, controls=["elsewhere"])
    team.state(stepped(3))
    team.state(stepped(0, metric="elsewhere", every=3))
    team.settle()
    effect = effect_of(outcome)
    assert (effect.design, effect.verdict) == ("comparison", "better")
    assert [(run["metric"], run["verdict"]) for run in effect.placebo or []] == [
        ("elsewhere", "inconclusive")
    ]
    assert effect.detail["difference_in_differences"]["estimate"] == pytest.approx(3, abs=0.5)


def test_a_control_that_moved_halves_no_value_and_raises_no_flag() -> None:
    team = team_on(DECIDED)
    a_metric(team.workspace, key="elsewhere")
    outcome = an_outcome(team, controls=["elsewhere"])
    still = stepped(0)
    for number, row in enumerate(still["observations"]):
        row["value"] += 0.3 * NOISE[3 * number % 11]
    team.state(still)
    team.state(stepped(3, metric="elsewhere"))
    team.settle()
    effect = effect_of(outcome)
    assert (effect.design, effect.verdict) == ("before_after", "inconclusive")
    assert {"code": "control_moved", "metric": "elsewhere"} in effect.caveats
    assert [(run["metric"], run["verdict"]) for run in effect.placebo or []] == [("elsewhere", "better")]
    assert team.value().explanation["multiplier"] == 1
    assert not Flag.objects.filter(reason="regression").exists()


def test_a_control_that_explains_all_of_the_metric_leaves_before_and_after() -> None:
    team = team_on(DECIDED)
    a_metric(team.workspace, key="elsewhere")
    outcome = an_outcome(team, controls=["elsewhere"])
    team.state(stepped(3))
    team.state(stepped(0, metric="elsewhere"))
    team.settle()
    effect = effect_of(outcome)
    assert (effect.design, effect.verdict) == ("before_after", "better")
    assert {"code": "controls_not_usable"} in effect.caveats


def test_a_metric_that_never_moves_has_a_plain_chart_and_no_verdict() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, baseline=4, target=6)
    flat = stepped(0)
    for row in flat["observations"]:
        row["value"] = 5.0
    team.state(flat)
    team.settle()
    effect = effect_of(outcome)
    assert (effect.estimate, effect.verdict, effect.caveats) == (0, "inconclusive", [{"code": "no_noise"}])
    assert set(effect.chart["counterfactual"]) == {5.0}
    assert team.value().explanation["outcomes"][0]["grade"] == "observed"


def test_a_control_without_data_leaves_before_and_after() -> None:
    team = team_on(DECIDED)
    a_metric(team.workspace, key="elsewhere")
    outcome = an_outcome(team, controls=[{"metric": "elsewhere", "series": "eu"}])
    team.state(stepped(3))
    team.settle()
    effect = effect_of(outcome)
    assert effect.design == "before_after"
    assert {"code": "controls_not_usable"} in effect.caveats
    # The control's days arrive late: the stronger design takes over, and the weaker one is gone.
    body = stepped(0, metric="elsewhere", every=3)
    for row in body["observations"]:
        row["series"] = "eu"
    team.state(body)
    team.settle()
    assert effect_of(outcome).design == "comparison"


def test_days_that_were_reported_without_a_row_are_zero_for_a_sum() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, measured={"aggregation": "sum"})
    body = stepped(3)
    body["observations"] = [row for row in body["observations"] if "2026-03-10" not in row["at"]]
    team.state({**body, "covers": ["2026-03-10"]})
    team.settle()
    chart = effect_of(outcome).chart
    assert chart["observed"][chart["on"].index("2026-03-10")] == 0


def test_an_effect_goes_with_its_release() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team)
    team.state(stepped(3))
    team.settle()
    edit_item(
        workspace=team.workspace,
        by=EVE,
        item_id=outcome.item_id,
        version=None,
        changes={"released_on": None, "status": "delivery"},
    )
    team.settle()
    assert not Effect.objects.exists()


@pytest.mark.parametrize("controls", [[], ["elsewhere"]])
def test_a_pin_before_the_release_and_its_removal_leave_an_effect_its_id(controls: list[str]) -> None:
    team = team_on(DECIDED)
    a_metric(team.workspace, key="elsewhere")
    outcome = an_outcome(team, controls=controls)
    team.state(stepped(3))
    team.state(stepped(0, metric="elsewhere"))
    team.settle()
    before = effect_of(outcome)
    for day in (RELEASED - timedelta(days=1), RELEASED + timedelta(days=15)):
        move_to(team, day)
        assert [effect.decided_on for effect in Effect.objects.all()] in ([], [None])
        move_to(team, DECIDED)
        after = effect_of(outcome)
        assert (after.pk, after.decided_on, after.estimate) == (before.pk, DECIDED, before.estimate)


def test_an_effect_that_is_withdrawn_is_not_there_and_its_value_neither() -> None:
    team = team_on(DECIDED)
    outcome = an_outcome(team, baseline=50, target=53)
    team.state(stepped(3))
    team.settle()
    effect = effect_of(outcome)
    move_to(team, RELEASED - timedelta(days=1))
    caller = Caller(team.workspace)
    assert caller.get(f"effects/{effect.pk}/").status_code == 404
    assert caller.get("effects/").json()["results"] == []
    assert caller.get("insights/portfolio/").json()["results"] == []
    assert team.value().explanation["outcomes"][0]["grade"] == "observed"


def test_the_order_of_deliveries_does_not_matter() -> None:
    found = []
    for is_release_first in (True, False):
        team = team_on(DECIDED)
        outcome = an_outcome(team)
        rows = stepped(3)["observations"]
        parts = [{"observations": rows[start::3]} for start in range(3)]
        for part in parts if is_release_first else parts[::-1]:
            team.state(part)
            settle.settle_all(120)
        effect = effect_of(outcome)
        found.append((effect.estimate, effect.low, effect.high, effect.verdict))
    assert found[0] == found[1]


def test_weeks_are_read_as_weeks_and_months_as_months() -> None:
    team = team_on(date(2026, 12, 31))
    weekly = an_outcome(team, key="weekly", measured={"cadence": "weekly", "aggregation": "last"})
    rows = [
        {"metric": "weekly", "at": f"{RELEASED + timedelta(days=7 * week + 2)}T09:00:00Z", "value": v}
        for week in range(-26, 8)
        for v in [20 + NOISE[week % 11] + (4 if week >= 0 else 0)]
    ]
    team.state({"observations": rows})
    team.settle()
    effect = effect_of(weekly)
    assert (effect.n_before, effect.n_after, effect.verdict) == (26, 8, "better")
    assert effect.decided_on == RELEASED + timedelta(days=56)


def test_what_there_is_no_time_for_waits_and_what_was_computed_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    team = team_on(DECIDED)
    outcomes = [an_outcome(team, key=key, item=key) for key in ("a", "b", "c")]
    for outcome in outcomes:
        team.state(stepped(3, metric=outcome.metric.key))
    team.settle()
    Effect.every.all().delete()
    mark("effect", team.workspace.pk, [outcome.pk for outcome in outcomes])
    monkeypatch.setattr(settle, "EFFECTS_SECONDS", -1.0)
    token, claimed = claim("effect", 20)
    settle._settle_effects(team.workspace, token, claimed)
    assert Effect.objects.count() == 1
    assert Mark.objects.filter(kind="effect", claimed_by="", claimed_until=None).count() == 2
    assert not Mark.objects.filter(kind="effect", subject_id=Effect.objects.get().outcome_id).exists()
    # However slow the machine, every turn writes one.
    team.settle()
    assert Effect.objects.count() == 3


def test_marks_that_another_worker_took_do_not_cost_the_others_theirs() -> None:
    team = team_on(DECIDED)
    outcomes = [an_outcome(team, key=key, item=key) for key in ("a", "b")]
    for outcome in outcomes:
        team.state(stepped(3, metric=outcome.metric.key))
    team.settle()
    Effect.every.all().delete()
    mark("effect", team.workspace.pk, [outcome.pk for outcome in outcomes])
    token, claimed = claim("effect", 20)
    taken = Mark.objects.filter(kind="effect", subject_id=outcomes[0].pk)
    taken.update(claimed_by="another")
    settle._settle_effects(team.workspace, token, claimed)
    assert Effect.objects.get().outcome == outcomes[1]
    assert Mark.objects.get(kind="effect").claimed_by == "another"
