"""What counts as new, under-used and adopted: said for the workspace and for one item, and judged by at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.callers import Caller, pointers
from tests.factories import a_customer, a_metric, a_problem, a_workspace, an_item
from tests.outcomes.pipeline.stating import Team, days_before

pytestmark = pytest.mark.django_db

PIN = date(2026, 5, 1)


@pytest.fixture
def team() -> Team:
    return Team(pin=PIN)


@pytest.fixture
def paula(team: Team) -> Caller:
    return Caller(team.workspace)


def used_by_a_tenth(team: Team) -> None:
    """An item that 100 of 1,000 used every day for two months."""
    team.item()
    snapshots = [
        {"item": "saved-carts", "on": day.isoformat(), "active": 100, "eligible": 1000, "days": 28}
        for day in days_before(PIN, 60)
    ]
    team.state({"snapshots": snapshots})
    team.settle()
    assert team.usage().verdict == "healthy"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({"under_used_below": 0.5}, "under_used"),
        ({"grace_days": 3000}, "too_new"),
        ({"window_days": 600}, "too_new"),
        ({"natural_period_days": 300}, "too_new"),
        ({"usage_policy": "mandatory"}, "exempt"),
        ({"usage_policy": "exempt", "exemption_reason": "security"}, "exempt"),
        ({"status": "sunset"}, "exempt"),
    ],
)
def test_an_item_is_judged_by_its_own_thresholds_at_once(
    team: Team, paula: Caller, said: dict[str, Any], verdict: str
) -> None:
    used_by_a_tenth(team)
    assert paula.patch("items/saved-carts/", said).status_code == 200
    team.settle()
    assert paula.get("items/saved-carts/").json()["usage"]["verdict"] == verdict


def test_an_item_without_thresholds_follows_the_workspace_again(team: Team, paula: Caller) -> None:
    used_by_a_tenth(team)
    paula.patch("items/saved-carts/", {"under_used_below": 0.5})
    team.settle()
    assert team.usage().verdict == "under_used"
    card = paula.patch("items/saved-carts/", {"under_used_below": None}).json()
    assert card["under_used_below"] is None
    team.settle()
    assert team.usage().verdict == "healthy"


def test_an_item_s_own_target_of_adoption_changes_its_value(team: Team, paula: Caller) -> None:
    used_by_a_tenth(team)
    assert team.value().adoption == pytest.approx(0.1 / 0.3)
    paula.patch("items/saved-carts/", {"target_adoption": 0.1})
    team.settle()
    assert team.value().adoption == pytest.approx(1.0)


def test_the_workspace_s_thresholds_judge_everything_anew(team: Team, paula: Caller) -> None:
    used_by_a_tenth(team)
    answer = paula.patch("workspace/", {"under_used_below": 0.5})
    assert (answer.status_code, answer.json()["under_used_below"]) == (200, 0.5)
    team.settle()
    assert team.usage().verdict == "under_used"


def test_a_pin_that_moves_judges_as_of_its_day(team: Team, paula: Caller) -> None:
    used_by_a_tenth(team)
    answer = paula.patch("workspace/", {"pinned_on": "2025-01-20"})
    assert answer.json()["today"] == "2025-01-20"
    team.settle()
    usage = paula.get("items/saved-carts/").json()["usage"]
    assert (usage["verdict"], usage["as_of"]) == ("too_new", "2025-01-20")


def test_the_zone_stays_once_facts_are_there(team: Team, paula: Caller) -> None:
    assert paula.patch("workspace/", {"time_zone": "Asia/Tokyo"}).status_code == 200
    used_by_a_tenth(team)
    refused = paula.patch("workspace/", {"time_zone": "Europe/Berlin"})
    assert (refused.status_code, pointers(refused)) == (400, {"/time_zone"})


@pytest.mark.parametrize(
    "said", [{"under_used_below": 1.5}, {"window_days": 0}, {"target_adoption": 0}, {"grace_days": -1}]
)
def test_thresholds_out_of_range_are_refused_by_name(team: Team, paula: Caller, said: dict[str, Any]) -> None:
    an_item(team.workspace, key="carts")
    for path in ("items/carts/", "workspace/"):
        answer = paula.patch(path, said)
        assert (answer.status_code, pointers(answer)) == (400, {f"/{name}" for name in said})


# --- Archived and back -----------------------------------------------------------------------------------

MAKERS = {"items": an_item, "problems": a_problem, "customers": a_customer, "metrics": a_metric}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_was_archived_is_listed_apart_and_comes_back(kind: str) -> None:
    workspace = a_workspace()
    paula, row = Caller(workspace), MAKERS[kind](workspace)
    type(row).objects.filter(pk=row.pk).update(archived_at="2026-01-01T00:00:00Z")
    listed = {state: paula.get(f"{kind}/?archived={state}").json()["results"] for state in ("true", "false")}
    assert [len(listed[state]) for state in ("true", "false")] == [1, 0]
    assert paula.get(f"{kind}/").json()["results"] == []
    stale = paula.post(f"{kind}/{row.pk}/restore/", **{"If-Match": '"77"'})
    assert stale.status_code == 412
    assert paula.post(f"{kind}/{row.pk}/restore/", {"force": True}).status_code == 400
    back = paula.post(f"{kind}/{row.pk}/restore/", **{"If-Match": paula.get(f"{kind}/{row.pk}/")["ETag"]})
    assert (back.status_code, back.json()["archived_at"]) == (200, None)
    assert [one["id"] for one in paula.get(f"{kind}/").json()["results"]] == [row.pk]


def test_a_release_can_be_based_on_what_was_read(team: Team, paula: Caller) -> None:
    item = an_item(team.workspace, status="delivery")
    etag = paula.get(f"items/{item.pk}/")["ETag"]
    assert paula.patch(f"items/{item.pk}/", {"title": "Renamed"}).status_code == 200
    assert paula.post(f"items/{item.pk}/release/", {}, **{"If-Match": etag}).status_code == 412
    assert paula.post(f"items/{item.pk}/release/", {}).status_code == 200
