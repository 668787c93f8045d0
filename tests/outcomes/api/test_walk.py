"""From what is asked at the API to what a worker makes of it, and back on the card."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from outcomes.models import Flag, Metric
from outcomes.pipeline.settle import settle_all
from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_metric_day, a_workspace

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = date(2026, 5, 1)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(pinned_on=TODAY)


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    paula = Caller(workspace)
    paula.post("metrics/", {"key": "checkout.conversion", "direction": "increase", "aggregation": "mean"})
    outcome = {"metric": "checkout.conversion", "baseline": 2.0, "target": 3.0, "due_on": "2026-04-20"}
    item = {"title": "Saved carts", "status": "released", "released_on": "2026-01-05", "outcomes": [outcome]}
    response = paula.post("items/", item)
    assert response.status_code == 201, response.content
    metric = Metric.objects.get()
    for back in range(10):
        a_metric_day(metric, TODAY - timedelta(days=back), 2.5)
    settle_all(120)
    return paula


def test_a_card_tells_how_its_outcome_stands(paula: Caller) -> None:
    card = paula.get("items/saved-carts/").json()
    shown = card["outcomes"][0]
    assert (shown["baseline"], shown["current"], shown["attainment"]) == (2.0, 2.5, 0.5)
    assert (shown["grade"], shown["missing"]) == ("observed", [])
    assert card["value"]["proven"] > 0
    assert card["value"]["model_version"] == 1
    assert card["usage"]["verdict"] == "not_instrumented"
    assert [flag["reason"] for flag in card["flags"]] == ["missed_target"]


def test_a_new_target_moves_the_card_and_leaves_a_person_as_the_cause(paula: Caller) -> None:
    outcome = paula.get("items/saved-carts/").json()["outcomes"][0]
    before = paula.get("items/saved-carts/")["ETag"]
    assert paula.patch(f"outcomes/{outcome['id']}/", {"target": 2.5}).status_code == 200
    settle_all(120)
    response = paula.get("items/saved-carts/")
    assert response.json()["outcomes"][0]["attainment"] == 1.0
    assert response.json()["flags"] == []
    # The score is new, the person's version is not: an edit based on it is not stale.
    assert response["ETag"] != before
    assert response["ETag"].split(".")[0] == before.split(".")[0]
    newest = paula.get("items/saved-carts/value/history/").json()["results"][0]
    assert newest["cause"]["kind"] == "edit"


def test_a_dismissed_flag_stays_closed_while_its_condition_holds(paula: Caller) -> None:
    flag = Flag.objects.get()
    paula.post(f"flags/{flag.pk}/dismiss/", {"reason": "We moved on."})
    settle_all(120)
    assert [row["state"] for row in paula.get("flags/").json()["results"]] == ["dismissed"]
    paula.post(f"flags/{flag.pk}/undo/")
    settle_all(120)
    assert [row["state"] for row in paula.get("flags/").json()["results"]] == ["open"]


def test_an_accepted_flag_sunsets_its_item_and_is_closed_for_good(paula: Caller) -> None:
    flag = Flag.objects.get()
    paula.post(f"flags/{flag.pk}/accept/")
    settle_all(120)
    card = paula.get("items/saved-carts/").json()
    assert (card["status"], card["usage"]["verdict"]) == ("sunset", "exempt")
    assert [(told.pk, told.state) for told in Flag.objects.all()] == [(flag.pk, "accepted")]


def test_an_archived_metric_is_named_as_missing(paula: Caller) -> None:
    assert paula.delete("metrics/checkout.conversion/").status_code == 204
    settle_all(120)
    card = paula.get("items/saved-carts/").json()
    assert card["outcomes"][0]["missing"] == ["metric_archived"]
    assert card["value"]["proven"] is None
