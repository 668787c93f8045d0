"""An experiment from one call to a score that rests on it: real web server, worker, PostgreSQL and Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.calling import Team, eventually
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def team(server: RunningServer) -> Team:
    return Team.on(server, "triers")


def test_an_experiment_is_set_up_measured_decided_and_the_value_rests_on_it(team: Team) -> None:
    released_on = (datetime.now(UTC).date() - timedelta(days=60)).isoformat()
    team.make("metrics/", {"key": "checkout.conversion", "unit": "%"})
    team.make(
        "items/", {"key": "carts", "title": "Saved carts", "status": "released", "released_on": released_on}
    )
    team.make("outcomes/", {"item": "carts", "metric": "checkout.conversion", "baseline": 10, "target": 12})
    observed = {"metric": "checkout.conversion", "at": datetime.now(UTC).isoformat(), "value": 10.2}
    team.deliver({"observations": [observed]}, "msg_observed")
    before = eventually(lambda: team.card("carts"), lambda card: card["value"]["proven"] is not None, 60)
    assert before["outcomes"][0]["grade"] == "observed"

    key = team.make("items/carts/experiments/", {})["key"]
    assert team.api("POST", f"experiments/{key}/start/", {"on": released_on}).status == 200
    totals = {"metric": "checkout.conversion", "at": datetime.now(UTC).isoformat(), "key": key, "n": 20_000}
    rows = [
        {**totals, "variant": variant, "sum": bought, "sum_squares": bought}
        for variant, bought in (("control", 2_000), ("treatment", 2_300))
    ]
    assert team.deliver({"experiments": rows}, "msg_totals").status == 202

    read = eventually(lambda: results(team, key), lambda told: told["verdict"] != "no_data", 60)
    assert (read["verdict"], read["is_reading"]) == ("better", True)
    assert read["differences"][0]["estimate"] == pytest.approx(1.5)
    assert team.card("carts")["outcomes"][0]["grade"] == "observed"

    decided = team.api("POST", f"experiments/{key}/decide/", {"decision": "ship", "note": "Clear."})
    assert (decided.status, decided.body["state"]) == (200, "decided")
    after = eventually(
        lambda: team.card("carts"),
        lambda card: (
            card["outcomes"][0]["grade"] == "experiment"
            and card["value"]["proven"] > before["value"]["proven"]
        ),
        60,
    )
    assert after["outcomes"][0]["attainment"] == pytest.approx(0.75)
    effect = team.api("GET", "effects/?item=carts").body["results"][0]
    assert (effect["design"], effect["verdict"]) == ("experiment", "better")


def results(team: Team, key: str) -> Any:
    return team.api("GET", f"experiments/{key}/results/").body
