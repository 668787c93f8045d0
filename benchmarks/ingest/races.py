"""The same delivery eight ways at once, again and again: one row and one effect each, and no error."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

from benchmarks.ingest.load import post_all
from benchmarks.ingest.system import System, tell

WAYS = 8


def measure(system: System, *, deliveries: int, connections: int) -> None:
    """Send every delivery WAYS times in a row over as many connections; fail on anything but one effect each."""
    team = system.team("races")
    metric = team.make("metrics/", {"key": "m", "name": "M"})
    target = system.target(team)
    run, start = uuid.uuid4().hex, datetime.now(UTC) - timedelta(days=1)
    requests = []
    for number in range(deliveries):
        at = (start + timedelta(seconds=number)).isoformat()
        body = json.dumps({"observations": [{"metric": "m", "at": at, "value": number}]}).encode()
        requests += [target.request(f"{run}-{number}", body)] * WAYS
    answers = post_all(target.address, requests, connections)
    system.settle()
    rows = system.ask("SELECT count(*) FROM outcomes_delivery WHERE external_id LIKE %s", f"{run}-%")
    effects = system.ask("SELECT count(*) FROM outcomes_observation WHERE metric_id = %s", metric["id"])
    taken = system.ask("SELECT sum(taken) FROM outcomes_delivery WHERE external_id LIKE %s", f"{run}-%")
    tell(
        "races",
        requests=len(requests),
        statuses=dict(answers.statuses),
        per_second=answers.per_second,
        rows=rows,
        effects=effects,
        taken=int(taken),
    )
    assert set(answers.statuses) == {202}, answers.statuses
    assert rows == effects == taken == deliveries
