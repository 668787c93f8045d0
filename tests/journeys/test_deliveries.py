"""Deliveries walk the whole system: real web server, worker, beat, PostgreSQL and Redis."""

from __future__ import annotations

import csv
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.journeys.calling import Team, eventually, request
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def team(server: RunningServer) -> Team:
    return Team.on(server, "walkers")


@pytest.mark.parametrize("aggregation", ["mean", "last"])
def test_one_signed_observation_moves_the_outcome_and_the_value_within_seconds(
    team: Team, aggregation: str
) -> None:
    released_on = (datetime.now(UTC).date() - timedelta(days=40)).isoformat()
    item, metric = f"saved-carts-{aggregation}", f"checkout.{aggregation}"
    team.make("metrics/", {"key": metric, "name": metric, "aggregation": aggregation})
    team.make(
        "items/", {"key": item, "title": "Saved carts", "status": "released", "released_on": released_on}
    )
    team.make("outcomes/", {"item": item, "metric": metric, "baseline": 10, "target": 20})
    row = {"metric": metric, "at": datetime.now(UTC).isoformat(), "value": 15}

    answer = team.deliver({"observations": [row]}, f"msg_{aggregation}")

    assert (answer.status, answer.body["status"]) == (202, "accepted")
    card = eventually(lambda: team.card(item), lambda card: card["outcomes"][0]["current"] == 15, 60)
    assert card["outcomes"][0]["attainment"] == 0.5
    card = eventually(lambda: team.card(item), lambda card: card["value"]["proven"] is not None, 60)
    assert card["value"]["realised"] == pytest.approx(50)
    assert card["value"]["proven"] == pytest.approx(10)  # one observed outcome carries 0.5 x 0.4


def test_the_same_delivery_twice_is_one_and_other_bytes_under_its_id_are_refused(team: Team) -> None:
    first = team.deliver({"covers": ["2026-05-01"]}, "msg_twice")
    again = team.deliver({"covers": ["2026-05-01"]}, "msg_twice")
    other = team.deliver({"covers": ["2026-05-02"]}, "msg_twice")

    assert (again.status, again.body) == (202, {"id": first.body["id"], "status": "duplicate"})
    assert other.status == 409
    assert other.headers["content-type"] == "application/problem+json"


def test_a_stranger_learns_nothing_from_the_door(team: Team) -> None:
    unsigned = request("POST", team.source_url, b"{}")
    stale = team.deliver({}, "msg_stale", at=1_600_000_000)
    nowhere = request("POST", f"{team.server.url}/in/nobody", b"{}")

    assert [answer.status for answer in (unsigned, stale, nowhere)] == [401, 401, 401]
    told = [
        {name: value for name, value in answer.body.items() if name not in ("request_id", "instance")}
        for answer in (unsigned, stale, nowhere)
    ]
    assert told[0] == told[1] == told[2]


def test_a_bad_row_is_named_and_the_good_ones_are_taken(team: Team) -> None:
    team.make("metrics/", {"key": "good.metric", "name": "Good"})
    at = datetime.now(UTC).isoformat()
    body = (
        f'{{"observations": [{{"metric": "good.metric", "at": "{at}", "value": 1}},'
        f'{{"metric": "good.metric", "at": "{at}", "value": NaN}},'
        f'{{"metric": "nobody.knows", "at": "{at}", "value": 1}}]}}'
    )

    delivery_id = team.deliver(body.encode(), "msg_mixed").body["id"]

    team.settled()
    told = team.api("GET", f"deliveries/{delivery_id}/").body
    assert (told["state"], told["taken"], told["refused"]) == ("partial", 1, 2)
    refused = {row["row"]: row["code"] for row in told["outcome"]["refused"]}
    assert refused == {"/observations/1": "not_finite", "/observations/2": "unknown_metric"}


def test_a_huge_body_and_a_deep_one_are_answered_and_nothing_of_them_is_kept_half(team: Team) -> None:
    assert team.deliver(b'{"covers": []}' + b" " * (1024 * 1024), "msg_huge").status == 413
    deep = team.deliver(b'{"usage": ' + b"[" * 2000 + b"]" * 2000 + b"}", "msg_deep")
    assert deep.status == 202
    team.settled()
    told = team.api("GET", f"deliveries/{deep.body['id']}/").body
    assert (told["state"], told["taken"]) == ("failed", 0)
    assert "nested" in told["outcome"]["error"]


def test_killing_the_worker_in_the_middle_of_a_load_changes_nothing(
    server: RunningServer, tmp_path: Path
) -> None:
    history = _history(tmp_path / "snapshots.csv")
    calm, shaken = (_loading_team(server, slug) for slug in ("calm", "shaken"))

    _backfill(calm, history)
    _backfill(shaken, history)
    for _ in range(2):
        before = server.worker_pid
        server.kill_worker()
        server.wait_for_another("worker", before)
    eventually(lambda: server.status("/readyz"), lambda status: status == 200, 60)

    told = {team.slug: _told(team) for team in (calm, shaken)}
    assert told["shaken"] == told["calm"]
    assert {row["state"] for row in shaken.deliveries()} == {"done"}
    assert {card["usage"]["verdict"] for card in told["shaken"]} >= {"healthy", "under_used", "abandoned"}


def test_without_redis_deliveries_are_taken_and_computed_once_it_is_back(server: RunningServer) -> None:
    team = Team.on(server, "no-redis")
    team.make("metrics/", {"key": "m", "name": "M"})
    server.kill("redis")
    at = datetime.now(UTC).isoformat()

    answers = [
        team.deliver({"observations": [{"metric": "m", "at": at, "series": str(n), "value": n}]}, f"msg_{n}")
        for n in range(20)
    ]

    assert {answer.status for answer in answers} == {202}
    assert {row["state"] for row in team.settled(seconds=180)} == {"done"}


def _history(path: Path) -> Path:
    """Sixty days of daily counts for forty items: some used by many, some by few, some no longer."""
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "on", "active", "eligible"])
        for day in range(60):
            on = date(2026, 6, 1) + timedelta(days=day)
            for item in range(40):
                active = chance.randint(150, 250) if item % 3 == 0 else chance.randint(0, 1)
                if item % 3 == 2:
                    active = 40 if day < 20 else 0
                rows.writerow([f"item-{item}", on.isoformat(), active, 1000])
    return path


def _loading_team(server: RunningServer, slug: str) -> Team:
    team = Team.on(server, slug, "--pin", "2026-07-30")
    for item in range(40):
        team.make(
            "items/",
            {
                "key": f"item-{item}",
                "title": f"Item {item}",
                "status": "released",
                "released_on": "2026-01-05",
            },
        )
    return team


def _backfill(team: Team, history: Path) -> None:
    team.server.manage(
        "backfill", str(history), "--url", team.source_url, "--secret", team.secret, "--batch", "100"
    )


def _told(team: Team) -> list[Any]:
    """What the cards say once nothing moves any more, without ids and times of writing."""
    team.settled(seconds=300)

    def cards() -> list[Any]:
        rows = team.api("GET", "items/?page_size=200&ordering=key").body["results"]
        return [
            {
                "key": row["key"],
                "usage": row["usage"],
                "value": {name: told for name, told in row["value"].items() if name != "as_of"},
                "flags": sorted(flag["reason"] for flag in row["flags"]),
            }
            for row in rows
        ]

    def is_still(seen: list[Any]) -> bool:
        is_judged = all(card["usage"]["verdict"] not in (None, "not_instrumented") for card in seen)
        return is_judged and not _marks(team) and cards() == seen

    return list(eventually(cards, is_still, 300))


def _marks(team: Team) -> int:
    """How much of the team's workspace has still to be computed."""
    marks = "SELECT count(*) FROM outcomes_mark JOIN workspaces_workspace AS w ON w.id = workspace_id WHERE w.key = %s"
    with psycopg.connect(team.server.env["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute(marks, [team.slug]).fetchone()
    return int(row[0]) if row else 0
