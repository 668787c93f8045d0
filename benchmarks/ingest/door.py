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


class Door:
    """The door of a workspace of a system, to knock at round by round."""

    def __init__(self, system: System, *, requests: int, connections: int) -> None:
        self._system, self._requests, self._connections = system, requests, connections
        team = system.team("door")
        team.make("metrics/", {"key": "m", "name": "M"})
        self._target = system.target(team)

    def through(self, number: int) -> float:
        """Requests a second that were answered 202; what they state is read and settled after."""
        return self.at(self._target, number)

    def at(self, target: Target, number: int) -> float:
        """The same at another address. The first round is a short one."""
        answers = _round(target, self._requests if number else 500, self._connections)
        assert set(answers.statuses) == {202}, answers.statuses
        self._system.settle()
        return answers.per_second


def measure(system: System, *, rounds: int, requests: int, connections: int) -> float:
    """Interleaved rounds of both; returns the ratio of their median throughputs."""
    door = Door(system, requests=requests, connections=connections)
    rates: dict[str, list[float]] = {"door": [], "bare": []}
    with bare_view(system) as bare:
        for number in range(rounds + 1):
            rates["bare"].append(door.at(bare, number))
            rates["door"].append(door.through(number))
    # The first round warms both up.
    taken, floor = median(rates["door"][1:]), median(rates["bare"][1:])
    tell(
        "door",
        per_second=taken,
        bare_per_second=floor,
        ratio=taken / floor,
        floor=FLOOR,
        rounds={name: [round(rate) for rate in each] for name, each in rates.items()},
    )
    return taken / floor


def _round(target: Target, count: int, connections: int) -> Answers:
    run = uuid.uuid4().hex
    requests = [target.request(f"{run}-{n}", body) for n, body in enumerate(bodies(count, "m"))]
    return post_all(target.address, requests, connections)
