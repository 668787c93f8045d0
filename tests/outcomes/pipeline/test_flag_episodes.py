"""A flag is about one episode: whatever takes it away and gives it back, it is the same flag as it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from outcomes.models import Flag, FlagAction, Outcome
from outcomes.pipeline import settle
from outcomes.pipeline.reconcile import reconcile
from outcomes.pipeline.score import score_items
from outcomes.services import flags
from productops.workspaces.actors import Actor
from productops.workspaces.models import Change, Workspace
from productops.workspaces.services import edit_workspace
from roadmap.models import Item
from roadmap.services import edit_item
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team, days_before
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
PAULA = Actor(name="Paula", user_id=None, via="api")
CARTS = "saved-carts"


@pytest.fixture
def team() -> Team:
    """Nobody uses saved carts, and what they were to move was missed a month ago."""
    team = Team(pin=PIN)
    item = team.item(usage_policy="normal")
    metric = a_metric(team.workspace, key="m", aggregation="last")
    due_on = PIN - timedelta(days=31)
    Outcome.objects.create(
        workspace=team.workspace, item=item, metric=metric, baseline=10, target=20, due_on=due_on
    )
    team.state(counted(CARTS, days_before(PIN, 200), 0))
    observed(team, days_before(PIN, 200)[::10], 12)
    return team


def observed(team: Team, days: Iterable[date], value: float) -> None:
    rows = [{"metric": "m", "at": f"{on}T09:00:00Z", "value": value} for on in days]
    team.state({"observations": rows})
    team.settle()


def told(team: Team, active: int, first: date, last: date) -> None:
    team.state(counted(CARTS, days_before(last, (last - first).days + 1), active))
    team.settle()


def pinned(team: Team, day: date) -> None:
    configured(team, pinned_on=day)


def configured(team: Team, **changes: Any) -> None:
    edit_workspace(workspace=team.workspace, by=PAULA, version=None, changes=changes)
    team.workspace = Workspace.objects.get(pk=team.workspace.pk)
    team.settle()


def edited(team: Team, **changes: Any) -> None:
    item = Item.objects.get(workspace=team.workspace)
    edit_item(workspace=team.workspace, by=PAULA, item_id=item.pk, version=None, changes=changes)
    team.settle()


def move(name: str, about: str, /, **said: Any) -> None:
    flag = Flag.objects.filter(reason=about).latest("id")
    getattr(flags, f"{name}_flag")(workspace=flag.workspace, by=PAULA, flag_id=flag.pk, **said)


def in_a_month() -> date:
    return timezone.now().date() + timedelta(days=30)


STANDING = ("id", "reason", "state", "opened_on", "snoozed_until", "dismiss_reason", "resolved_on")


def as_they_stand() -> list[dict[str, Any]]:
    return list(Flag.every.order_by("id").values(*STANDING, "is_ahead"))


def test_the_flags_of_unused_carts_are_two(team: Team) -> None:
    assert [(row["reason"], row["state"]) for row in as_they_stand()] == [
        ("missed_target", "open"),
        ("never_adopted", "open"),
    ]


@pytest.mark.parametrize("answer", ["acknowledge", "snooze", "dismiss", "none"])
@pytest.mark.parametrize(
    ("accepted", "other"), [("never_adopted", "missed_target"), ("missed_target", "never_adopted")]
)
def test_undoing_an_acceptance_restores_every_flag_of_the_item(
    team: Team, accepted: str, other: str, answer: str
) -> None:
    said: dict[str, Any] = {"snooze": {"until": in_a_month()}, "dismiss": {"reason": "By design."}}
    if answer != "none":
        move(answer, other, **said.get(answer, {}))
    move("acknowledge", accepted)
    team.settle()
    before = as_they_stand()

    move("accept", accepted)
    team.settle()
    assert Flag.objects.standing().count() == 0
    move("undo", accepted)
    team.settle()

    assert as_they_stand() == before
    move("undo", accepted)
    assert Flag.objects.get(reason=accepted).state == "open"


def test_a_worker_that_computed_before_the_undo_takes_no_flag_away(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = as_they_stand()
    move("accept", "never_adopted")

    def undone_meanwhile(*computed: Any) -> Any:
        found = score_items(*computed)
        monkeypatch.undo()
        move("undo", "never_adopted")
        return found

    monkeypatch.setattr(settle, "score_items", undone_meanwhile)
    team.settle()

    assert as_they_stand() == before
    assert not FlagAction.objects.filter(action="resolve").exists()


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ({"usage_policy": "mandatory"}, {"usage_policy": "normal"}),
        ({"status": "sunset"}, {"status": "released"}),
    ],
)
def test_an_edit_and_its_reversal_leave_what_people_said(
    team: Team, there: dict[str, Any], back: dict[str, Any]
) -> None:
    move("dismiss", "never_adopted", reason="By design.")
    move("acknowledge", "missed_target")
    team.settle()
    before = as_they_stand()
    edited(team, **there)
    edited(team, **back)
    assert as_they_stand() == before


def test_other_thresholds_and_their_reversal_leave_what_people_said(team: Team) -> None:
    move("snooze", "never_adopted", until=in_a_month())
    before = as_they_stand()
    configured(team, flag_open_days=1000)
    assert Flag.objects.get(reason="never_adopted").state == "resolved"
    configured(team, flag_open_days=2)
    assert as_they_stand() == before


@pytest.mark.parametrize("days", [1, 20, 100, 150, 199, 400])
def test_a_pin_to_the_past_and_its_removal_leave_every_flag_as_it_was(team: Team, days: int) -> None:
    move("dismiss", "never_adopted", reason="By design.")
    move("acknowledge", "missed_target")
    team.settle()
    before = as_they_stand()
    pinned(team, PIN - timedelta(days=days))
    pinned(team, PIN)
    assert as_they_stand() == before


def test_as_of_a_day_before_it_opened_a_flag_is_not_there(team: Team) -> None:
    pinned(team, PIN - timedelta(days=50))
    assert list(Flag.objects.values_list("reason", flat=True)) == ["never_adopted"]
    assert not FlagAction.objects.exclude(action="open").exists()
    pinned(team, PIN - timedelta(days=400))
    assert not Flag.objects.exists()
    assert Flag.every.count() == 2


def test_a_pin_to_a_day_before_it_was_resolved_brings_a_flag_back_for_as_long(team: Team) -> None:
    told(team, 300, PIN + timedelta(days=1), PIN + timedelta(days=30))
    observed(team, [PIN + timedelta(days=3)], 20)
    pinned(team, PIN + timedelta(days=30))
    before = as_they_stand()
    assert {row["state"] for row in before} == {"resolved"}
    pinned(team, PIN)
    assert {row["state"] for row in as_they_stand()} == {"open"}
    pinned(team, PIN + timedelta(days=30))
    assert as_they_stand() == before


def test_a_flag_of_an_earlier_time_stands_while_that_time_is_looked_at(team: Team) -> None:
    told(team, 300, PIN + timedelta(days=1), PIN + timedelta(days=20))
    pinned(team, PIN + timedelta(days=20))
    told(team, 0, PIN + timedelta(days=21), PIN + timedelta(days=100))
    observed(team, [PIN + timedelta(days=99)], 12)
    pinned(team, PIN + timedelta(days=100))
    assert set(Flag.objects.standing().values_list("reason", flat=True)) == {"missed_target", "abandoned"}
    before = as_they_stand()
    pinned(team, PIN)
    assert set(Flag.objects.standing().values_list("reason", flat=True)) == {"missed_target", "never_adopted"}
    pinned(team, PIN + timedelta(days=100))
    assert as_they_stand() == before


def test_a_target_that_is_missed_on_another_day_is_another_flag(team: Team) -> None:
    move("dismiss", "missed_target")
    Outcome.objects.update(due_on=PIN + timedelta(days=5))
    edited(team, title="Carts that are saved")
    observed(team, [PIN + timedelta(days=1)], 12)
    pinned(team, PIN + timedelta(days=6))
    missed = Flag.objects.filter(reason="missed_target").order_by("id")
    assert list(missed.values_list("state", flat=True)) == ["dismissed", "open"]


def test_a_flag_opens_anew_in_another_episode(team: Team) -> None:
    move("acknowledge", "never_adopted")
    told(team, 300, PIN + timedelta(days=1), PIN + timedelta(days=20))
    told(team, 0, PIN + timedelta(days=21), PIN + timedelta(days=100))
    for days in (20, 100):
        pinned(team, PIN + timedelta(days=days))
    use = Flag.objects.exclude(reason="missed_target").order_by("id")
    assert list(use.values_list("reason", "state")) == [("never_adopted", "resolved"), ("abandoned", "open")]


def test_a_source_is_silent_since_the_day_its_report_was_overdue_however_often_it_is_looked_at(
    team: Team,
) -> None:
    for days in (3, 4, 9):
        pinned(team, PIN + timedelta(days=days))
    flag = Flag.objects.get(reason="stale_source")
    assert (flag.holding_since, flag.opened_on) == (PIN, PIN + timedelta(days=3))
    assert flag.evidence["days_since"] == 9


def test_no_flag_is_resolved_before_it_opened(team: Team) -> None:
    with pytest.raises(IntegrityError, match="a_flag_resolves_after_it_opened"), transaction.atomic():
        Flag.objects.update(state="resolved", resolved_on=F("opened_on") - timedelta(days=1))


@pytest.mark.parametrize(("looks", "expected"), [([60], "replaced"), ([28, 40, 60], "replaced")])
def test_a_feature_that_got_worse_did_not_come_back(looks: list[int], expected: str) -> None:
    team = Team(pin=PIN)
    team.item()
    first = PIN - timedelta(days=120)
    told(team, 600, first, PIN - timedelta(days=20))
    told(team, 100, PIN - timedelta(days=19), PIN + timedelta(days=20))
    pinned(team, PIN + timedelta(days=20))
    assert list(Flag.objects.standing().values_list("reason", flat=True)) == ["declining"]
    told(team, 0, PIN + timedelta(days=21), PIN + timedelta(days=80))
    for days in looks:
        pinned(team, PIN + timedelta(days=days))
    assert Flag.objects.get(reason="declining").resolved_cause == expected
    assert Flag.objects.standing().get().reason == "abandoned"


def test_what_a_worker_does_to_flags_and_candidates_says_whom_it_is_by(team: Team) -> None:
    move("acknowledge", "never_adopted")
    told(team, 300, PIN - timedelta(days=200), PIN)
    team.state({"observations": [{"metric": "unheard-of", "at": f"{PIN}T09:00:00Z", "value": 1}]})
    team.settle()
    changes = Change.objects.filter(type__in=["flag", "candidate"]).order_by("id")
    assert list(changes.values_list("type", "action", "by", "via")) == [
        ("flag", "created", "productops", "clock"),
        ("flag", "created", "productops", "clock"),
        # Moved by the service alone, with no door that would say who is behind it.
        ("flag", "edited", "", ""),
        ("flag", "edited", "productops", "clock"),
        ("candidate", "created", team.source.name, "webhook"),
    ]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("never_adopted state", {"state": "resolved", "resolved_on": PIN}),
        ("never_adopted opened_on", {"opened_on": PIN}),
        ("never_adopted is_ahead", {"is_ahead": True}),
        ("never_adopted recommendation", {"recommendation": "keep"}),
    ],
)
def test_a_flag_that_is_not_as_the_days_say_is_drift_and_mended(
    team: Team, name: str, damage: dict[str, Any]
) -> None:
    before = as_they_stand()
    assert drift_of(team) == []
    Flag.objects.filter(reason="never_adopted").update(**damage)
    assert drift_of(team) == [("flag", name)]
    team.settle()
    assert as_they_stand() == before
    assert drift_of(team) == []


def drift_of(team: Team) -> list[tuple[str, str]]:
    run = reconcile(team.workspace, max_seconds=60)
    assert run is not None
    return [(one["kind"], one["name"]) for one in run.drift]
