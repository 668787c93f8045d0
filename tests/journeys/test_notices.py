"""A signed webhook in, a flag, a signed webhook out: real web server, worker, sender, PostgreSQL and Redis."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tests.journeys.calling import Team, eventually
from tests.journeys.running import RunningServer
from tests.outcomes.channels.receiving import receiving

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def team(server: RunningServer) -> Team:
    return Team.on(server, "hearers")


def test_a_number_that_comes_in_becomes_a_flag_that_goes_out(team: Team) -> None:
    today = datetime.now(UTC).date()
    team.make("metrics/", {"key": "checkout.conversion", "aggregation": "last"})
    released_on = (today - timedelta(days=60)).isoformat()
    team.make("items/", {"key": "carts", "title": "Carts", "status": "released", "released_on": released_on})
    due_on = (today - timedelta(days=1)).isoformat()
    outcome = {"item": "carts", "metric": "checkout.conversion", "baseline": 0, "target": 100}
    team.make("outcomes/", {**outcome, "due_on": due_on})

    def busy_at_first(number: int) -> tuple[int, dict[str, str], bytes]:
        came = [one.headers["webhook-id"] for one in receiver.received[:number]]
        return 503 if came.count(came[-1]) == 1 else 204, {}, b""

    with receiving(busy_at_first) as receiver:
        hook = {"name": "Ours", "url": receiver.url, "events": ["flag.opened", "outcome.missed"]}
        endpoint = team.make("endpoints/", hook)
        observed = {"metric": "checkout.conversion", "at": datetime.now(UTC).isoformat(), "value": 50}
        assert team.deliver({"observations": [observed]}, "msg_in").status == 202
        # Not what has come: a worker writes down what became of it only after that.
        eventually(
            lambda: [one["state"] for one in team.api("GET", "notices/").body["results"]],
            lambda held: held == ["delivered", "delivered"],
            90,
        )

    told = [Webhook(endpoint["secret"]).verify(one.body, one.headers) for one in receiver.received]
    assert sorted({one["type"] for one in told}) == ["flag.opened", "outcome.missed"]
    flag = next(one["data"]["flag"] for one in told if one["type"] == "flag.opened")
    assert (flag["reason"], flag["item"]["key"]) == ("missed_target", "carts")
    assert flag["id"] == team.api("GET", "flags/?item=carts").body["results"][0]["id"]
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert sorted(Counter(ids).values()) == [2, 2]

    attempts = team.api("GET", f"endpoints/{endpoint['id']}/attempts/").body["results"]
    assert sorted(one["status"] for one in attempts) == [204, 204, 503, 503]


def test_the_test_button_works_and_tells_what_became_of_it(team: Team) -> None:
    with receiving() as receiver:
        endpoint = team.make("endpoints/", {"name": "Tried", "url": receiver.url})
        asked = team.api("POST", f"endpoints/{endpoint['id']}/test/")
        assert asked.status == 202
        notice = eventually(
            lambda: team.api("GET", f"notices/{asked.body['id']}/").body,
            lambda held: held["state"] != "pending",
            60,
        )
    assert notice["state"] == "delivered"
    assert [one.headers["webhook-id"] for one in receiver.received] == [notice["message_id"]]
