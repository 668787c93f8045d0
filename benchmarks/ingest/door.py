"""One signed observation a request, durable, against a bare view that INSERTs the body."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from statistics import median

from benchmarks.ingest.load import Answers, Target, post_all
from benchmarks.ingest.system import System, bare_view, tell

FLOOR = 0.70


def bodies(count: int, metric: str) -> list[bytes]:
    at = datetime.now(UTC).isoformat()
    return [
        json.dumps(
            {"observations": [{"metric": metric, "at": at, "value": n / 7, "series": f"s{n % 50}"}]}
        ).encode()
        for n in range(count)
    ]


def measure(system: System, *, rounds: int, requests: int, connections: int) -> float:
    """Interleaved rounds of both; returns the ratio of their median throughputs."""
    team = system.team("door")
    team.make("metrics/", {"key": "m", "name": "M"})
    rates: dict[str, list[float]] = {"door": [], "bare": []}
    with bare_view(system) as bare:
        for number in range(rounds + 1):
            for name, target in (("bare", bare), ("door", system.target(team))):
                answers = _round(target, requests if number else 500, connections)
                assert set(answers.statuses) == {202}, answers.statuses
                if number:
                    rates[name].append(answers.per_second)
                system.settle()
    door, floor = median(rates["door"]), median(rates["bare"])
    tell(
        "door",
        per_second=door,
        bare_per_second=floor,
        ratio=door / floor,
        floor=FLOOR,
        rounds={name: [round(rate) for rate in each] for name, each in rates.items()},
    )
    return door / floor


def _round(target: Target, count: int, connections: int) -> Answers:
    run = uuid.uuid4().hex
    requests = [target.request(f"{run}-{n}", body) for n, body in enumerate(bodies(count, "m"))]
    return post_all(target.address, requests, connections)
