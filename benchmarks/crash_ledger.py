"""The crash ledger at full size: senders note what is acknowledged, everything is killed and frozen, then an audit.

    python -m benchmarks.crash_ledger [--kills 200] [--senders 8] [--seed 1] [--var FOLDER]

Kills (-9) and freezes the web server, the worker, the clock, Redis (whose data is lost) and PostgreSQL, in an
order drawn from the seed. Ends with 1 when anything was lost, applied twice, or answered other than 202 or 503.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from benchmarks.ingest.system import DEFAULT_VAR, System, running
from productops.local.processes import Waiter, is_alive
from tests.journeys.ledger import METRIC, Senders, audit, wait_until_settled

VICTIMS = ("web", "worker", "worker", "beat", "redis", "postgres")
_HARMLESS = {"202", "503", "no answer"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--between", type=float, default=1.0, help="seconds of peace after each kill")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR)
    options = parser.parse_args()
    with running(options.var) as system:
        sys.exit(0 if _run(system, options) else 1)


def _run(system: System, options: argparse.Namespace) -> bool:
    team = system.team("ledger")
    team.make("metrics/", {"key": METRIC, "name": "Ledger", "aggregation": "sum"})
    folder = options.var / "ledgers"
    shutil.rmtree(folder, ignore_errors=True)
    senders = Senders(team, folder, options.senders)
    senders.start()
    done = _harm(system, senders, options)
    senders.stop()
    assert Waiter(120, 0.2).until(lambda: system.server.status("/readyz") == 200), "it did not come back"
    started = time.monotonic()
    wait_until_settled(team, system.server.env["DATABASE_URL"], 1800)
    found = audit(senders, system.server.env["DATABASE_URL"])
    is_good = found.is_clean and {name.removeprefix("again ") for name in senders.answers} <= _HARMLESS
    print(
        json.dumps(
            {
                "acknowledged": found.acknowledged,
                "lost": len(found.lost),
                "applied_twice": found.applied_twice,
                "harm": dict(done),
                "answers": dict(senders.answers),
                "settled_after_seconds": round(time.monotonic() - started, 1),
                "passed": is_good,
            }
        )
    )
    return is_good


def _harm(system: System, senders: Senders, options: argparse.Namespace) -> Counter[str]:
    chance = random.Random(options.seed)
    done: Counter[str] = Counter()
    for _ in range(options.kills):
        victim = chance.choice(VICTIMS)
        before, taken = system.server.pid(victim), senders.acknowledged_count()
        if chance.random() < 0.2:
            os.killpg(before, signal.SIGSTOP)
            time.sleep(chance.uniform(0.5, 3))
            os.killpg(before, signal.SIGCONT)
            done[f"{victim} frozen"] += 1
        else:
            os.killpg(before, signal.SIGKILL)
            _wait_for_another(system, victim, before)
            done[f"{victim} killed"] += 1
        goes_on = partial(lambda taken: senders.acknowledged_count() > taken, taken)
        assert Waiter(120, 0.05).until(goes_on), f"nothing was taken after {victim}"
        time.sleep(chance.uniform(0, options.between))
    return done


def _wait_for_another(system: System, victim: str, before: int) -> None:
    def came() -> bool:
        now = system.server.pid(victim)
        return now != before and is_alive(now)

    assert Waiter(60, 0.1).until(came), f"no new {victim}"


if __name__ == "__main__":
    main()
