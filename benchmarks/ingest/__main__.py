"""`python -m benchmarks.ingest [NAME ...]`: measure, and print each figure beside its floor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.ingest import door, freshness, history, races, replay, rows
from benchmarks.ingest.system import DEFAULT_VAR, System, running


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("names", nargs="*", help="which to run; all but history by default")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="where the servers keep their data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="of one round at the door")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--batches", type=int, default=40, help="of 1,000 rows, of one round of rows")
    parser.add_argument("--seconds", type=float, default=30, help="of each run of freshness")
    parser.add_argument("--per-second", type=int, default=300, help="deliveries during freshness")
    parser.add_argument("--replayed", type=int, default=1_000_000, help="rows of the replay")
    parser.add_argument("--stored", type=int, default=10_000_000, help="observations of the history")
    parser.add_argument("--deliveries", type=int, default=10_000, help="of the races, each sent eight ways")
    options = parser.parse_args()
    measures: dict[str, Callable[[System], object]] = {
        "door": partial(
            door.measure, rounds=options.rounds, requests=options.requests, connections=options.connections
        ),
        "rows": partial(rows.measure, rounds=options.rounds, batches=options.batches),
        "freshness": partial(freshness.measure, per_second=options.per_second, seconds=options.seconds),
        "replay": partial(replay.measure, rows=options.replayed),
        "history": partial(
            history.compare,
            var=options.var.with_name(f"{options.var.name}-history"),
            stored=options.stored,
            rounds=options.rounds,
            batches=options.batches,
            requests=options.requests,
            connections=options.connections,
        ),
        "races": partial(races.measure, deliveries=options.deliveries, connections=options.connections),
    }
    if unknown := set(options.names) - set(measures):
        sys.exit(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(measures)}")
    with running(options.var) as system:
        for name in options.names or [name for name in measures if name != "history"]:
            measures[name](system)


if __name__ == "__main__":
    main()
