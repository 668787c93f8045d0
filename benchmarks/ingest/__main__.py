"""`python -m benchmarks.ingest [NAME ...]`: measure, and print each figure beside its floor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.ingest import door
from benchmarks.ingest.system import DEFAULT_VAR, System, running


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("names", nargs="*", help="which to run; all of them by default")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="where the servers keep their data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="of one round at the door")
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    measures: dict[str, Callable[[System], object]] = {
        "door": partial(
            door.measure, rounds=options.rounds, requests=options.requests, connections=options.connections
        ),
    }
    if unknown := set(options.names) - set(measures):
        sys.exit(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(measures)}")
    with running(options.var) as system:
        for name in options.names or measures:
            measures[name](system)


if __name__ == "__main__":
    main()
