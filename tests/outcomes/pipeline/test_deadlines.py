"""However much there is to judge and however slow the machine, a task writes what it computed before its time is up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from outcomes.models import ItemUsage, Mark, VerdictSpan
from outcomes.pipeline import drift, settle
from outcomes.pipeline.marks import Claimed, claim
from outcomes.pipeline.reconcile import reconcile
from productops.workspaces.models import Workspace
from roadmap.signals import items_created
from tests.outcomes.pipeline.stating import Team, days_before, people, used

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
KEYS = ("a", "b", "c")


@pytest.fixture
def team() -> Team:
    team = Team(pin=PIN)
    for key in KEYS:
        team.item(key)
        team.state({"usage": used(key, people(8, key), days_before(PIN, 200)[::7])})
    team.settle()
    return team


def mark_all_days(team: Team) -> tuple[str, list[Claimed]]:
    ids = [usage.item_id for usage in ItemUsage.objects.order_by("item_id")]
    items_created.send(None, workspace_id=team.workspace.pk, ids=ids, cause={"kind": "edit"})
    return claim("item", 300)


def test_items_that_there_is_no_time_to_judge_wait_and_those_that_were_judged_stand(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = set(VerdictSpan.objects.values_list("item_id", "from_on", "verdict"))
    VerdictSpan.objects.all().delete()
    monkeypatch.setattr(settle, "ITEMS_SECONDS", -1.0)
    token, claimed = mark_all_days(team)
    settle._settle_items(team.workspace, token, claimed)
    assert VerdictSpan.objects.values("item_id").distinct().count() == 1
    waiting = Mark.objects.filter(kind="item", claimed_by="", claimed_until=None)
    assert waiting.count() == 2
    assert not waiting.filter(subject_id__in=VerdictSpan.objects.values("item_id")).exists()
    # However slow the machine, every turn writes one.
    team.settle()
    assert set(VerdictSpan.objects.values_list("item_id", "from_on", "verdict")) == spans


def test_what_is_tried_alone_after_a_failure_and_finds_no_time_is_given_back(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, claimed = mark_all_days(team)
    oldest = min(claimed, key=lambda mark: (mark.marked_at, mark.id))
    tried = list[list[int]]()

    def fails(_: Workspace, __: str, marks: Sequence[Claimed]) -> None:
        tried.append([mark.id for mark in marks])
        raise ValueError("this cannot be settled")

    monkeypatch.setattr(settle, "APART_SECONDS", -1.0)
    settle._settle_batch(token, claimed, fails)
    assert tried == [[mark.id for mark in claimed], [oldest.id]]
    # The one that failed keeps its claim, so the others are settled without it.
    assert Mark.objects.get(claimed_by=token).pk == oldest.id
    assert Mark.objects.filter(claimed_by="", claimed_until=None).count() == 2


def test_a_night_s_pass_looks_at_every_item_however_few_there_is_time_for_at_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, check = list[int](), drift.check_items

    def counted(workspace: Workspace, after: int, cause: drift.Cause) -> drift.Checked:
        found = check(workspace, after, cause)
        batches.append(found.checked)
        return found

    monkeypatch.setitem(reconcile.__globals__["BATCHES"], "items", counted)
    monkeypatch.setattr(drift, "ITEMS_SECONDS", -1.0)
    run = reconcile(team.workspace, max_seconds=30)
    assert run is not None
    assert (run.stage, run.checked, run.waiting, run.drifted) == ("done", 3, 0, 0)
    assert batches == [1, 1, 1]
