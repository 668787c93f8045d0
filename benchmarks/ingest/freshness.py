"""From 202 to the new value readable, at a steady rate of deliveries, with the doorbell and without."""

from __future__ import annotations

import json
import threading
import time
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime

from benchmarks.ingest.load import Target, post_all
from benchmarks.ingest.system import System, tell, without_doorbell
from tests.journeys.calling import Team

WITH_BELL_S, WITHOUT_BELL_S = 2.0, 10.0
# One probe a moment: an observation whose value is told by the item's outcome once it was scored.
_PROBE_EVERY_S = 0.5


def measure(system: System, *, per_second: int, seconds: float) -> dict[str, float]:
    """p95 of both, in seconds."""
    found = {}
    for name, limit in (("with the doorbell", WITH_BELL_S), ("doorbell broken", WITHOUT_BELL_S)):
        team = _team(system)
        target = system.target(team)
        deaf = without_doorbell(system, target) if name == "doorbell broken" else nullcontext(target)
        with deaf as door:
            started = time.monotonic()
            waits, sent = _run(team, door, per_second, seconds)
            lasted = time.monotonic() - started
        ordered = sorted(waits)
        found[name] = ordered[int(0.95 * (len(ordered) - 1))]
        tell(
            f"freshness, {name}",
            p95_seconds=found[name],
            median_seconds=ordered[len(ordered) // 2],
            limit_seconds=limit,
            probes=len(ordered),
            deliveries_per_second=sent / lasted,
        )
        system.settle()
    return found


def _team(system: System) -> Team:
    team = system.team("fresh")
    for key in ("probe", "load"):
        team.make("metrics/", {"key": key, "name": key, "aggregation": "last"})
    team.make("items/", {"key": "it", "title": "It", "status": "released", "released_on": "2026-01-05"})
    team.make("outcomes/", {"item": "it", "metric": "probe", "baseline": 0, "target": 1e9})
    return team


def _run(team: Team, door: Target, per_second: int, seconds: float) -> tuple[list[float], int]:
    stop = threading.Event()
    sent = [0]
    load = threading.Thread(target=_load, args=(door, per_second, stop, sent))
    load.start()
    waits = []
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            waits.append(_probe(team, door, len(waits) + 1))
            time.sleep(_PROBE_EVERY_S)
    finally:
        stop.set()
        load.join()
    return waits, sent[0]


def _load(target: Target, per_second: int, stop: threading.Event, sent: list[int]) -> None:
    """Post in bursts of a tenth of a second, as many as the rate asks for."""
    burst = max(1, per_second // 10)
    due = time.monotonic()
    while not stop.is_set():
        requests = [
            target.request(uuid.uuid4().hex, _observed("load", n, f"s{n % 20}")) for n in range(burst)
        ]
        answers = post_all(target.address, requests, 8)
        assert set(answers.statuses) <= {202, 503}, answers.statuses
        sent[0] += answers.statuses[202]
        due += 0.1
        time.sleep(max(0.0, due - time.monotonic()))


def _probe(team: Team, target: Target, number: int) -> float:
    answers = post_all(target.address, [target.request(uuid.uuid4().hex, _observed("probe", number, ""))], 1)
    assert set(answers.statuses) == {202}
    started = time.monotonic()
    while time.monotonic() < started + 120:
        if team.card("it")["outcomes"][0]["current"] == number:
            return time.monotonic() - started
        time.sleep(0.05)
    raise TimeoutError("a value was not readable within two minutes")


def _observed(metric: str, value: float, series: str) -> bytes:
    at = datetime.now(UTC).isoformat()
    return json.dumps(
        {"observations": [{"metric": metric, "at": at, "value": value, "series": series}]}
    ).encode()
