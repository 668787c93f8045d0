"""A mark has a generation: what changes while a worker computes is computed again, by a fixed interleaving."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from outcomes.models import Mark
from outcomes.pipeline import marks
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db(transaction=True)

SUBJECT = 7


@pytest.fixture
def team() -> Team:
    return Team()


def change(team: Team) -> None:
    marks.mark("problem", team.workspace.pk, [SUBJECT])


def finish(token: str, claimed: list[marks.Claimed]) -> int:
    with transaction.atomic():
        held = marks.hold(token, claimed)
        marks.settle(token, held)
        return len(held)


def test_a_change_while_a_worker_computes_keeps_its_mark(team: Team) -> None:
    change(team)
    token, claimed = marks.claim("problem", 10)
    change(team)
    finish(token, claimed)
    assert Mark.objects.filter(kind="problem").count() == 1
    again, claimed = marks.claim("problem", 10)
    finish(again, claimed)
    assert not Mark.objects.filter(kind="problem").exists()


def test_without_a_change_in_between_the_mark_is_gone(team: Team) -> None:
    change(team)
    finish(*marks.claim("problem", 10))
    assert not Mark.objects.filter(kind="problem").exists()


def test_a_claimed_mark_is_nobody_else_s_until_the_lease_runs_out(team: Team) -> None:
    change(team)
    slow, slow_claim = marks.claim("problem", 10)
    assert marks.claim("problem", 10)[1] == []
    Mark.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    quick, quick_claim = marks.claim("problem", 10)
    assert len(quick_claim) == 1
    # The slow one comes to write after all: it holds nothing any more.
    assert finish(slow, slow_claim) == 0
    assert finish(quick, quick_claim) == 1


def test_a_flood_in_one_workspace_leaves_every_other_its_turn(team: Team) -> None:
    others = [Team(), Team()]
    marks.mark("problem", team.workspace.pk, range(1, 9))
    for number, other in enumerate(others):
        marks.mark("problem", other.workspace.pk, [100 + number])
    turns = [{one.workspace_id for one in marks.claim("problem", 2)[1]} for _ in range(6)]
    assert set().union(*turns[:3]) == {team.workspace.pk, *(other.workspace.pk for other in others)}
    assert turns[3:] == [{team.workspace.pk}] * 3
