"""How often `/effects/` says that something happened where nothing did: asked as a stranger would, over the API alone.

    .venv/bin/python -m benchmarks.effects_api [--series 60] [--seed 1] [--url URL --key KEY]

Makes metrics, released items and outcomes by `bulk`, posts their days through `POST /api/v1/observations/`, waits until
each outcome has a decided effect, and counts the verdicts. Without `--url` it starts the system on a `var/` of its own;
with it, it asks the workspace that KEY opens. Prints a row a kind of series beside the nominal rate of 5%; exits 1 when
a kind that a bar is told of has more than 7% false verdicts, widened by three standard errors of so few series.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.effects import MOST_FALSE, doubt
from benchmarks.simulated import Cell, controls_of, series_of
from tests.journeys.calling import request

NOMINAL = 0.05
BEFORE, AFTER = 56, 28
ROWS_AT_ONCE = 10_000
BULK_AT_ONCE = 500
Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of series without any effect; `bar` is the share of verdicts that is promised, None where none is."""

    name: str
    make: Callable[[int, int], Series]
    bar: float | None = MOST_FALSE
    has_control: bool = False


def walks(count: int, seed: int) -> Series:
    """Random walks: what came yesterday stays, for good."""
    chance = np.random.default_rng([seed, 7])
    return 500.0 + np.cumsum(chance.normal(0.0, 3.0, (count, BEFORE + AFTER)), axis=1)


def _seasonal(phi: float, growth: float = 0.0, walk: float = 0.0) -> Callable[[int, int], Series]:
    return lambda count, seed: series_of(Cell(BEFORE, AFTER, phi, growth, walk=walk), count, seed)


KINDS = (
    Kind("week, white noise", _seasonal(0.0)),
    Kind("week, AR(1) 0.5, growth 1%", _seasonal(0.5, 0.01)),
    Kind("week, AR(1) 0.8, growth 2%", _seasonal(0.8, 0.02)),
    Kind("AR(1) 0.8 beside a control", _seasonal(0.8), has_control=True),
    Kind("noise and walk by a control", _seasonal(0.0, walk=1.0), has_control=True),
    Kind("random walk", walks, bar=None),
)


@dataclass(frozen=True, slots=True)
class Api:
    """The address of an API and a key to one workspace of it."""

    url: str
    key: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        where = path if path.startswith("http") else f"{self.url.rstrip('/')}/api/v1/{path}"
        answer = request(method, where, sent, headers, seconds=300)
        if answer.status not in (200, 201, 202):
            sys.exit(f"{method} {where}: {answer.status} {answer.body}")
        return answer.body

    def make_all(self, resource: str, rows: Sequence[Mapping[str, Any]]) -> None:
        for first in range(0, len(rows), BULK_AT_ONCE):
            self.ask("POST", f"{resource}/bulk/", {"rows": rows[first : first + BULK_AT_ONCE]})

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """The rows of all pages of a list."""
        where: str | None = path
        while where:
            page = self.ask("GET", where)
            yield from page["results"]
            where = page["next"]


def measure(api: Api, *, count: int, seed: int, wait: float) -> int:
    """Ask about `count` series of every kind; print and return how many kinds miss their bar."""
    zone_day = date.fromisoformat(api.ask("GET", "workspace/")["today"])
    released = zone_day - timedelta(days=AFTER + 1)
    mark = f"{seed}-{time.time_ns():x}"
    named = {kind.name: [f"quiet-{mark}-{n}-{i}" for i in range(count)] for n, kind in enumerate(KINDS)}
    for kind in KINDS:
        _set_up(api, kind, named[kind.name], released, count, seed)
    verdicts = _verdicts(api, mark, len(KINDS) * count, wait)
    return _tell(named, verdicts, count, seed)


def _set_up(api: Api, kind: Kind, keys: Sequence[str], released: date, count: int, seed: int) -> None:
    values = kind.make(count, seed)
    held = dict(zip(keys, values, strict=True))
    if kind.has_control:
        controls = controls_of(Cell(BEFORE, AFTER, 0.8), count, seed)
        held = dict(zip(keys, values + controls, strict=True))
        held |= dict(zip((f"{key}-control" for key in keys), controls, strict=True))
    api.make_all("metrics", [{"key": key, "aggregation": "mean", "cadence": "daily"} for key in held])
    api.make_all(
        "items",
        [
            {"key": key, "title": key, "status": "released", "released_on": released.isoformat()}
            for key in keys
        ],
    )
    rows = list(_observations(held, released - timedelta(days=BEFORE)))
    for first in range(0, len(rows), ROWS_AT_ONCE):
        api.ask("POST", "observations/", {"observations": rows[first : first + ROWS_AT_ONCE]})
    api.make_all(
        "outcomes",
        [
            {"item": key, "metric": key, "controls": [f"{key}-control"] if kind.has_control else []}
            for key in keys
        ],
    )


def _observations(held: Mapping[str, Series], first: date) -> Iterator[dict[str, Any]]:
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
    instants = [(noon + timedelta(days=day)).isoformat() for day in range(BEFORE + AFTER)]
    for key, values in held.items():
        for at, value in zip(instants, values, strict=True):
            yield {"metric": key, "at": at, "value": round(float(value), 6)}


def _verdicts(api: Api, mark: str, wanted: int, wait: float) -> dict[str, tuple[str, str]]:
    """The design and verdict of each item's decided effect, once every one has one."""
    until = time.monotonic() + wait
    found: dict[str, tuple[str, str]] = {}
    while time.monotonic() < until:
        found = {
            effect["item"]: (effect["design"], effect["verdict"])
            for effect in api.every("effects/?page_size=200")
            if f"-{mark}-" in effect["item"] and effect["decided_on"]
        }
        if len(found) == wanted:
            return found
        time.sleep(3)
    sys.exit(f"{len(found)} of {wanted} effects were decided within {wait:.0f} s")


def _tell(
    named: Mapping[str, Sequence[str]], verdicts: Mapping[str, tuple[str, str]], count: int, seed: int
) -> int:
    missed = 0
    print(f"{count} series a kind, {BEFORE} + {AFTER} days, seed {seed}; nominal {NOMINAL:.0%}")
    print(f"{'kind':30} {'design':14} better worse   false    promised")
    for kind in KINDS:
        told = [verdicts[key] for key in named[kind.name]]
        counted = Counter(verdict for _, verdict in told)
        share = (counted["better"] + counted["worse"]) / count
        is_missed = kind.bar is not None and share > kind.bar + doubt(kind.bar, count)
        missed += is_missed
        promised = "none" if kind.bar is None else f"at most {kind.bar:.0%}"
        print(
            f"{kind.name:30} {'/'.join(sorted({design for design, _ in told})):14} {counted['better']:6}"
            f" {counted['worse']:5} {share:7.1%}    {promised}{'  MISSED' if is_missed else ''}",
            flush=True,
        )
    promised = [key for kind in KINDS if kind.bar is not None for key in named[kind.name]]
    false = sum(verdicts[key][1] != "inconclusive" for key in promised)
    print(f"{'all that a bar is told of':45} {false:12} {false / len(promised):7.1%}")
    return missed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=60, help="of each of the six kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wait", type=float, default=900, help="seconds until all effects are decided")
    parser.add_argument("--url", help="of a running server")
    parser.add_argument("--key", help="an API key of a workspace there")
    said = parser.parse_args(arguments)
    if said.url and said.key:
        return 1 if measure(Api(said.url, said.key), count=said.series, seed=said.seed, wait=said.wait) else 0
    from benchmarks.ingest.system import running
    from productops.local.places import CHECKOUT

    with running(Path(CHECKOUT) / "var" / "bench-effects") as system:
        team = system.team("quiet")
        api = Api(system.server.url, team.key)
        return 1 if measure(api, count=said.series, seed=said.seed, wait=said.wait) else 0


if __name__ == "__main__":
    sys.exit(main())
