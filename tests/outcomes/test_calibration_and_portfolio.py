"""How well people foretold, and what all items together moved."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from outcomes.models import Flag
from outcomes.pipeline import marks, settle
from productops.workspaces.models import Member, Workspace
from roadmap.models import Item
from tests.callers import Caller, SignedIn
from tests.factories import (
    a_member,
    a_metric,
    a_product,
    a_value,
    a_verdict,
    a_workspace,
    an_effect,
    an_item,
    an_outcome,
)
from tests.outcomes.pipeline.stating import Team

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=TODAY)


def a_bet(workspace: Workspace, actual: float, attainment: float | None, **fields: Any) -> Item:
    """A released item whose reach was to be 100."""
    said = {"reach": 100, "impact": 1, "confidence": 0.8, "effort": 1}
    whole = {"status": "released", "released_on": date(2025, 12, 1), "inputs_at_release": said, **fields}
    item = an_item(workspace, **whole)
    a_verdict(item, "healthy", active=actual)
    outcome = an_outcome(item, due_on=date(2026, 4, 1), role="primary")
    reading = {"id": outcome.pk, "attainment": attainment, "effect": None}
    a_value(item, explanation={"outcomes": [reading]})
    return item


def told(caller: Caller, name: str) -> list[dict[str, Any]]:
    answer = caller.get(f"insights/{name}/?limit=200")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def one(rows: list[dict[str, Any]], **which: Any) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[name] == value for name, value in which.items())]
    return found


def signed_in(member: Member) -> Caller:
    return SignedIn(member.user, **{"Productops-Workspace": member.workspace.key})


def test_a_product_s_reach_and_hits_are_told_with_their_doubt(workspace: Workspace) -> None:
    shop = a_product(workspace, key="shop")
    for number in range(8):
        a_bet(workspace, 50, 1.0 if number < 6 else 0.2, product=shop)
    rows = told(Caller(workspace), "calibration")
    reach = one(rows, product="shop", measure="reach_ratio")
    assert (reach["items"], reach["value"], reach["low"], reach["high"]) == (8, 0.5, 0.5, 0.5)
    hits = one(rows, product="shop", measure="hit_rate", confidence="0.5 to 0.8")
    assert (hits["items"], hits["value"], hits["interval"]) == (8, 0.75, "Wilson 95%")
    assert (hits["low"], hits["high"]) == (pytest.approx(0.4093, abs=1e-4), pytest.approx(0.9285, abs=1e-4))


def test_seven_bets_of_a_product_say_nothing(workspace: Workspace) -> None:
    shop = a_product(workspace, key="shop")
    for _ in range(7):
        a_bet(workspace, 50, 1.0, product=shop)
    rows = told(Caller(workspace), "calibration")
    assert {row["value"] for row in rows if row["product"] == "shop"} == {None}


def test_how_well_an_owner_foretells_is_shown_to_them_alone(workspace: Workspace) -> None:
    paula, victor = a_member(workspace), a_member(workspace, "admin")
    for _ in range(8):
        a_bet(workspace, 25, 1.0, owner=paula)
    own = one(told(signed_in(paula), "calibration"), scope="owner", measure="reach_ratio")
    assert (own["items"], own["value"]) == (8, 0.25)
    theirs = one(told(signed_in(victor), "calibration"), scope="owner", measure="reach_ratio")
    assert (theirs["items"], theirs["value"]) == (0, None)
    assert not [row for row in told(Caller(workspace), "calibration") if row["scope"] == "owner"]


def test_bets_whose_time_is_not_up_and_gaps_in_data_do_not_count(workspace: Workspace) -> None:
    early = a_bet(workspace, 50, 0.1)
    early.outcomes.update(due_on=TODAY + timedelta(days=9))
    gap = a_bet(workspace, 0, None)
    a_verdict(gap, "data_gap", active=0)
    rows = told(Caller(workspace), "calibration")
    assert one(rows, measure="hit_rate", confidence="all")["items"] == 0
    assert one(rows, measure="reach_ratio")["items"] == 1


def effects_on(workspace: Workspace, estimates: list[float], apart: int = 60) -> None:
    metric = a_metric(workspace, key="m")
    for number, estimate in enumerate(estimates):
        released_on = date(2024, 1, 1) + timedelta(days=apart * number)
        item = an_item(workspace, key=f"i{number}", status="released", released_on=released_on)
        half = 0.03 * 1.959963984540054
        an_effect(
            an_outcome(item, metric),
            estimate=estimate,
            low=estimate - half,
            high=estimate + half,
            decided_on=released_on + timedelta(days=28),
            from_on=released_on - timedelta(days=56),
            to_on=released_on + timedelta(days=27),
        )


def test_effects_on_one_metric_are_added_up_and_shrunk(workspace: Workspace) -> None:
    effects_on(workspace, [0.05, 0.02, -0.01, 0.08, 0.03, 0.0])
    (row,) = told(Caller(workspace), "portfolio")
    assert (row["metric"], row["effects"], row["movements"]) == ("m", 6, 6)
    assert row["sum_raw"] == pytest.approx(0.17)
    assert (row["factor"], row["sum_shrunk"]) == (
        pytest.approx(0.650485, abs=1e-6),
        pytest.approx(0.110583, abs=1e-6),
    )


def test_one_movement_that_two_items_claim_is_counted_once(workspace: Workspace) -> None:
    effects_on(workspace, [0.05, 0.06], apart=10)
    (row,) = told(Caller(workspace), "portfolio")
    assert (row["effects"], row["movements"], row["sum_raw"]) == (2, 1, pytest.approx(0.05))
    (movement,) = row["items"]
    assert [other["key"] for other in movement["shared_with"]] == ["i1"]
    assert (row["factor"], row["sum_shrunk"]) == (None, None)


def test_both_are_files_too(workspace: Workspace) -> None:
    effects_on(workspace, [0.05])
    for name in ("calibration", "portfolio"):
        answer = Caller(workspace).get(f"insights/{name}.csv")
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert len(list(csv.reader(io.StringIO(text)))) >= 2, name


def test_a_decided_effect_that_is_worse_is_flagged_at_once_and_named_on_the_card() -> None:
    team = Team(pin=TODAY)
    item = team.item(released_on=date(2026, 3, 2))
    outcome = an_outcome(item, a_metric(team.workspace, key="m"))
    overlap = {"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}
    far = {"code": "overlap", "item": "old-search", "on": "2025-10-05"}
    effect = an_effect(outcome, verdict="worse", caveats=[overlap, far])
    marks.mark("item", team.workspace.pk, [item.pk])
    settle.settle_marks(max_seconds=60)
    flag = Flag.objects.get()
    assert (flag.reason, flag.state, flag.opened_on) == ("regression", "open", effect.decided_on)
    assert flag.evidence["effect"]["estimate"] == effect.estimate
    card = Caller(team.workspace).get(f"items/{item.key}/").json()
    assert card["outcomes"][0]["shared_with"] == ["guest-checkout"]
