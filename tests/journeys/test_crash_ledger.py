"""What was acknowledged is kept, once, whatever is killed meanwhile."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from tests.journeys.calling import Team, eventually
from tests.journeys.ledger import METRIC, Senders, audit, wait_until_settled
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey

KILLS = 12
VICTIMS = ("worker", "redis", "web", "beat")


def _team(server: RunningServer, slug: str) -> Team:
    team = Team.on(server, slug)
    team.make("metrics/", {"key": METRIC, "name": "Ledger", "aggregation": "sum"})
    return team


def test_nothing_acknowledged_is_lost_or_applied_twice_by_a_dozen_kills(
    server: RunningServer, tmp_path: Path
) -> None:
    senders = Senders(_team(server, "ledger"), tmp_path / "ledgers")
    senders.start()
    for victim in itertools.islice(itertools.cycle(VICTIMS), KILLS):
        before, taken = server.pid(victim), senders.acknowledged_count()
        server.kill(victim)
        server.wait_for_another(victim, before, 120)
        # Each kill hits a system that takes deliveries.
        eventually(senders.acknowledged_count, lambda count, taken=taken: count > taken, 120)
    senders.stop()
    eventually(lambda: server.status("/readyz"), lambda status: status == 200, 60)
    wait_until_settled(senders.team, server.env["DATABASE_URL"], 300)

    found = audit(senders, server.env["DATABASE_URL"])

    assert found.is_clean, found
    assert found.acknowledged > 200
    assert set(senders.answers) <= {"202", "again 202", "503", "again 503", "no answer", "again no answer"}


def test_with_redis_killed_again_and_again_no_delivery_fails(server: RunningServer, tmp_path: Path) -> None:
    senders = Senders(_team(server, "ledger-redis"), tmp_path / "ledgers")
    senders.start()
    for _ in range(3):
        before = server.pid("redis")
        server.kill("redis")
        time.sleep(0.5)
        server.wait_for_another("redis", before, 120)
    senders.stop()
    assert set(senders.answers) == {"202", "again 202"}
    wait_until_settled(senders.team, server.env["DATABASE_URL"], 300)
    assert audit(senders, server.env["DATABASE_URL"]).is_clean
