"""Any order and any duplication of the same deliveries end in the same state."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from outcomes.models import Mark, Outcome
from outcomes.pipeline.clock import judge_anew
from outcomes.pipeline.interpret import interpret_pending
from roadmap.signals import problems_changed
from tests.factories import a_link, a_metric, a_problem, a_product, an_experiment
from tests.outcomes.pipeline.stating import Team, days_before, dump, people, used

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)
START = datetime(2026, 5, 1, 6, tzinfo=UTC)


def a_team() -> Team:
    team = Team(pin=PIN)
    product = a_product(team.workspace, key="shop")
    problem = a_problem(team.workspace, key="lost-baskets")
    metric = a_metric(team.workspace, key="m", aggregation="mean")
    for key in ("carts", "wishlist", "gifts"):
        item = team.item(key, product=product, reach=None, impact=2.0, confidence=0.8, effort=1.0)
        a_link(item, problem)
        Outcome.objects.create(workspace=team.workspace, item=item, metric=metric, baseline=1, target=9)
        an_experiment(
            item, key=f"{key}-ab", metric=metric, state="running", started_on=PIN - timedelta(days=30),
            ended_on=PIN - timedelta(days=3) if key == "carts" else None,
        )  # fmt: skip
    problems_changed.send(None, workspace_id=team.workspace.pk, ids=[problem.pk], cause={"kind": "edit"})
    team.settle()
    return team


def deliveries(seed: int) -> list[dict[str, Any]]:
    """Statements, corrections and retractions of everything, some about the same facts."""
    chance = random.Random(seed)
    days = days_before(PIN, 70)
    bodies: list[dict[str, Any]] = []
    for _ in range(chance.randint(5, 9)):
        span = chance.sample(days, chance.randint(1, 20))
        crowd = chance.sample(people(25), chance.randint(1, 20))
        item = chance.choice(["carts", "wishlist", "gifts"])
        on = chance.choice(days).isoformat()
        at = f"{on}T{chance.randint(0, 23):02}:00:00Z"
        counted = totals(chance, f"{item}-ab")
        bodies.append(
            chance.choice(
                [
                    {"usage": used(item, crowd, span, customer=chance.choice([None, "acme", "beta"]))},
                    {"snapshots": [{"item": item, "on": on, "active": chance.randint(0, 9), "eligible": 50}]},
                    {"observations": [{"metric": "m", "at": at, "value": chance.randint(0, 9)}], "covers": [on]},
                    {"experiments": counted},
                    {"experiments": counted[:1], "retract": [{"kind": "experiment", **_named(counted[-1])}]},
                    {"evidence": [{"problem": "lost-baskets", "kind": "ticket", "id": chance.choice("abc"),
                                   "customer": "acme", "importance": chance.randint(0, 3), "observed_on": on}]},
                    {"retract": [{"kind": "snapshot", "item": item, "on": on},
                                 {"kind": "usage", "item": item, "actor": "u1", "at": f"{on}T12:00:00Z"},
                                 {"kind": "evidence", "problem": "lost-baskets", "id": "a"}]},
                    {"customers": [{"key": "acme", "name": "Acme", "mrr": chance.randint(1, 900)}]},
                ]
            )
        )  # fmt: skip
    return bodies


def totals(chance: random.Random, key: str) -> list[dict[str, Any]]:
    """What both variants had come to by one of a few instants: often said again, and otherwise."""
    at = f"2026-04-{chance.choice([20, 28, 30])}T12:00:00Z"
    return [
        {"key": key, "variant": variant, "metric": "m", "at": at, "n": chance.choice([900, 1_000]),
         "sum": (summed := chance.randint(100, 300)), "sum_squares": summed}
        for variant in ("control", "treatment")
    ]  # fmt: skip


def _named(total: dict[str, Any]) -> dict[str, Any]:
    return {name: total[name] for name in ("key", "variant", "metric", "at")}


class _Undone(Exception):
    pass


def ends_in(team: Team, told: list[tuple[int, dict[str, Any]]], *, all_at_once: bool) -> dict[str, list[Any]]:
    """The state that these deliveries end in when they arrive in this order; taken back afterwards."""
    found: dict[str, list[Any]] = {}
    try:
        with transaction.atomic():
            for number, body in told:
                team.state(body, message_id=f"msg_{number}", signed_at=START + timedelta(minutes=number))
                if not all_at_once:
                    team.settle()
            team.settle()
            found = dump(team.workspace)
            raise _Undone
    except _Undone:
        return found


# Each example loads a workspace: finding one that fails is enough, shrinking it would take minutes.
_AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(
    max_examples=20,
    phases=_AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000), shuffle=st.integers(0, 10_000), all_at_once=st.booleans())
def test_permuted_and_repeated_deliveries_end_in_the_same_facts_values_verdicts_and_flags(
    seed: int, shuffle: int, all_at_once: bool
) -> None:
    team = a_team()
    told = list(enumerate(deliveries(seed)))
    chance = random.Random(shuffle)
    mixed = [*told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(mixed)

    in_order = ends_in(team, told, all_at_once=True)
    shuffled = ends_in(team, mixed, all_at_once=all_at_once)

    assert shuffled.keys() == in_order.keys()
    for table, rows in in_order.items():
        assert shuffled[table] == rows, table


@settings(
    max_examples=10,
    phases=_AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000))
def test_recomputing_everything_from_facts_changes_no_row(seed: int) -> None:
    team = a_team()
    for number, body in enumerate(deliveries(seed)):
        team.state(body, message_id=f"msg_{seed}_{number}", signed_at=START + timedelta(minutes=number))
        interpret_pending(max_seconds=60)
        team.settle()
    before = dump(team.workspace)

    judge_anew(team.workspace, {"kind": "edit"})
    assert Mark.objects.exists()
    team.settle()

    assert dump(team.workspace) == before
