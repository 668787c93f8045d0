"""Whatever is done to a workspace and taken back again, its flags end as if it had never been done."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from outcomes.models import Flag, Outcome
from outcomes.pipeline.reconcile import reconcile
from outcomes.querysets import OPEN_STATES
from outcomes.services import flags
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.services import edit_workspace
from roadmap.models import Item
from roadmap.services import edit_item
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team, days_before
from tests.outcomes.pipeline.test_verdicts_from_facts import counted

pytestmark = pytest.mark.django_db

HOME = date(2026, 5, 1)
PAULA = Actor(name="Paula", user_id=None, via="api")
CARTS = "saved-carts"


class Walk:
    """A workspace in which facts come in and Paula answers flags, with or without detours in between."""

    def __init__(self, *, takes_detours: bool) -> None:
        self.team = Team(pin=HOME)
        self.takes_detours = takes_detours
        item = self.team.item(usage_policy="normal")
        metric = a_metric(self.team.workspace, key="m", aggregation="last")
        due_on = HOME - timedelta(days=40)
        Outcome.objects.create(
            workspace=self.team.workspace, item=item, metric=metric, baseline=10, target=20, due_on=due_on
        )
        self.team.state(counted(CARTS, days_before(HOME, 150), 300))
        self.team.settle()
        self._open: dict[str, Callable[[], None]] = {}

    def used(self, first: int, days: int, active: int) -> None:
        last = HOME - timedelta(days=first)
        self.team.state(counted(CARTS, days_before(last, days), active))
        self.team.settle()

    def observed(self, days_ago: int, value: int) -> None:
        at = f"{HOME - timedelta(days=days_ago)}T09:00:00Z"
        self.team.state({"observations": [{"metric": "m", "at": at, "value": value}]})
        self.team.settle()

    def answer(self, which: int, move: str) -> None:
        """Answer a standing flag, at home alone: elsewhere there are others."""
        may_be = Flag.objects.standing().exclude(state="acknowledged" if move == "acknowledge" else "snoozed")
        standing = list(may_be.order_by("reason"))
        if standing:
            self._move(move, standing[which % len(standing)].pk)

    def leave(self, detour: str, number: int) -> None:
        if self.takes_detours and detour not in self._open:
            back = getattr(self, f"_{detour}")(number)
            if back is not None:
                self._open[detour] = back
            self.team.settle()

    def come_home(self) -> None:
        """By the same ways; a flag can be answered once it is in sight again, so the pin goes first."""
        for detour in sorted(self._open, key=lambda name: name != "pinned"):
            self._open.pop(detour)()
            self.team.settle()

    def _pinned(self, number: int) -> Callable[[], None]:
        self._configure(pinned_on=HOME - timedelta(days=number))
        return lambda: self._configure(pinned_on=HOME)

    def _mandatory(self, number: int) -> Callable[[], None]:
        self._edit(usage_policy="mandatory")
        return lambda: self._edit(usage_policy="normal")

    def _threshold(self, number: int) -> Callable[[], None]:
        name, there, back = [
            ("under_used_below", 0.9, 0.05),
            ("flag_open_days", 60, 2),
            ("flag_resolve_days", 40, 7),
        ][number % 3]
        self._configure(**{name: there})
        return lambda: self._configure(**{name: back})

    def _accepted(self, number: int) -> Callable[[], None] | None:
        standing = list(Flag.objects.standing().filter(item__status="released").order_by("id"))
        if not standing or self._open:
            return None
        flag = standing[number % len(standing)]
        self._move("accept", flag.pk)
        return lambda: self._move("undo", flag.pk)

    def _move(self, move: str, flag_id: int) -> None:
        getattr(flags, f"{move}_flag")(workspace=self.team.workspace, by=PAULA, flag_id=flag_id)
        self.team.settle()

    def _configure(self, **changes: Any) -> None:
        edit_workspace(workspace=self.team.workspace, by=PAULA, version=None, changes=changes)
        self.team.workspace = Workspace.objects.get(pk=self.team.workspace.pk)

    def _edit(self, **changes: Any) -> None:
        item = Item.objects.get(workspace=self.team.workspace)
        edit_item(workspace=self.team.workspace, by=PAULA, item_id=item.pk, version=None, changes=changes)

    def ends(self) -> list[dict[str, Any]]:
        """What stands and what was answered, and that everything is as the facts say."""
        run = reconcile(self.team.workspace, max_seconds=60)
        assert run is not None
        assert (run.stage, run.drift) == ("done", [])
        shown = Flag.objects.filter(workspace=self.team.workspace, state__in=[*OPEN_STATES, "dismissed"])
        said = ("reason", "state", "opened_on", "holding_since", "recommendation", "evidence")
        rows = list(shown.order_by("reason", "opened_on", "id").values(*said))
        # Each walk has an outcome of its own.
        return [{**row, "evidence": {**row["evidence"], "id": None}} for row in rows]


DETOURS = ("pinned", "mandatory", "threshold", "accepted")


def steps(seed: int) -> list[tuple[str, tuple[Any, ...]]]:
    """Facts, and between them detours that last over some of these; answers where there is none."""
    chance = random.Random(seed)
    told: list[tuple[str, tuple[Any, ...]]] = [("used", (0, chance.choice([50, 90, 150]), 0))]
    for _ in range(chance.randint(2, 4)):
        told.append(("answer", (chance.randint(0, 3), chance.choice(["acknowledge", "dismiss"]))))
        for _ in range(chance.randint(1, 3)):
            told.append(("leave", (chance.choice(DETOURS), chance.randint(1, 120))))
            if chance.random() < 0.6:
                first, number = chance.choice([0, 5, 20, 60]), chance.choice([3, 20, 50])
                used = ("used", (first, number, chance.choice([0, 20, 300])))
                observed = ("observed", (chance.randint(0, 20), chance.choice([12, 19])))
                told.append(chance.choice([used, observed]))
        told.append(("come_home", ()))
    return told


class _Undone(Exception):
    pass


def walked(told: list[tuple[str, tuple[Any, ...]]], *, takes_detours: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        with transaction.atomic():
            walk = Walk(takes_detours=takes_detours)
            for name, said in told:
                getattr(walk, name)(*said)
            found = walk.ends()
            raise _Undone
    except _Undone:
        return found


@settings(
    max_examples=8,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 100_000))
def test_detours_that_are_taken_back_leave_the_same_flags_with_the_same_answers(seed: int) -> None:
    told = steps(seed)
    straight = walked(told, takes_detours=False)
    assert walked(told, takes_detours=True) == straight, told
