"""The crash ledger at full size: senders note what is acknowledged, everything is killed and frozen, then an audit.

    python -m benchmarks.crash_ledger [--kills 200] [--senders 8] [--seed 1] [--minutes 60] [--var FOLDER]
    python -m benchmarks.crash_ledger --controls      # one guarantee broken at a time: the audit has to notice

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.ingest.system import DEFAULT_VAR, System, running
from productops.local.processes import Waiter, is_alive
from tests.journeys.ledger import METRIC, Audit, Senders, audit, wait_until_settled

VICTIMS = ("web", "worker", "worker", "beat", "redis", "postgres")
_HARMLESS = {"202", "503", "no answer"}
_BROKEN_VAR = DEFAULT_VAR.with_name("benchmark-broken")


@dataclass(frozen=True)
class Control:
    """A guarantee that is broken on purpose (`benchmarks/broken`), what is killed, and what the audit must find."""

    broken: str
    victims: tuple[str, ...]
    must_find: str
    # What would be in the way of its being found, taken away once there is a workspace to send to.
    prepare: str = "SELECT 1"


# A new workspace is due for the night's comparison with the facts, which comes round twice a minute: whenever it came
# round after the damage it mended it, and the audit found nothing.
_COMPARED_TONIGHT = """
    INSERT INTO outcomes_reconciliation (workspace_id, started_at, finished_at, stage, after, checked, waiting, drifted,
                                         drift)
    SELECT id, now(), now(), 'done', 0, 0, 0, 0, '[]' FROM workspaces_workspace
"""
CONTROLS = (
    Control("answer-before-commit", ("web",), "lost"),
    Control("commit-without-waiting", ("postgres",), "lost"),
    Control("settle-whatever-changed", ("web",), "applied_wrongly", _COMPARED_TONIGHT),
    Control(
        "store-repeats",
        ("beat",),
        "stored_twice",
        "ALTER TABLE outcomes_delivery DROP CONSTRAINT one_delivery_per_source_and_id",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--between", type=float, default=1.0, help="seconds of peace after each kill")
    parser.add_argument("--minutes", type=float, default=1e9, help="no further kill after this long")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR)
    parser.add_argument("--controls", action="store_true", help="break one guarantee after the other")
    options = parser.parse_args()
    if options.controls:
        # Anew, and the last one takes a constraint away.
        shutil.rmtree(_BROKEN_VAR, ignore_errors=True)
        noticed = [_control(one, options) for one in CONTROLS]
        sys.exit(0 if all(noticed) else 1)
    with running(options.var) as system:
        sys.exit(0 if _run(system, options, VICTIMS) else 1)


def _control(control: Control, options: argparse.Namespace) -> bool:
    """Whether the audit notices what is broken."""
    options.kills, options.var = 6, _BROKEN_VAR
    with _breaking(control.broken), running(options.var) as system:
        found, _, _ = _ledger(system, options, control.victims, control.prepare)
    figures = _figures(found)
    is_noticed = bool(figures[control.must_find])
    print(json.dumps({"control": control.broken, **figures, "noticed": is_noticed}), flush=True)
    return is_noticed


@contextmanager
def _breaking(name: str) -> Iterator[None]:
    """Have every process that is started meanwhile break what is named."""
    held = dict(os.environ)
    os.environ |= {"BROKEN": name, "PYTHONPATH": str(Path(__file__).parent / "broken")}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(held)


def _run(system: System, options: argparse.Namespace, victims: Sequence[str]) -> bool:
    started = time.monotonic()
    found, senders, done = _ledger(system, options, victims)
    answers = {name.removeprefix("again ") for name in senders.answers}
    is_good = found.is_clean and answers <= _HARMLESS
    told = {
        "harm": dict(done),
        "answers": dict(senders.answers),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps({**_figures(found), **told, "passed": is_good}))
    return is_good


def _figures(found: Audit) -> dict[str, int]:
    return {
        "acknowledged": found.acknowledged,
        "lost": len(found.lost),
        "stored_twice": found.stored_twice,
        "applied_wrongly": found.applied_wrongly,
    }


def _ledger(
    system: System, options: argparse.Namespace, victims: Sequence[str], prepare: str = "SELECT 1"
) -> tuple[Audit, Senders, Counter[str]]:
    """Send, harm, wait until all has settled, and audit."""
    team = system.team("ledger")
    team.make("metrics/", {"key": METRIC, "name": "Ledger", "aggregation": "sum"})
    with system.connect() as connection:
        connection.execute(prepare)
    folder = options.var / "ledgers"
    shutil.rmtree(folder, ignore_errors=True)
    senders = Senders(team, folder, options.senders)
    senders.start()
    done = _harm(system, senders, options, victims)
    senders.stop()
    assert Waiter(120, 0.2).until(lambda: system.server.status("/readyz") == 200), "it did not come back"
    wait_until_settled(team, system.server.env["DATABASE_URL"], 1800)
    return audit(senders, system.server.env["DATABASE_URL"]), senders, done


def _harm(
    system: System, senders: Senders, options: argparse.Namespace, victims: Sequence[str]
) -> Counter[str]:
    chance = random.Random(options.seed)
    done: Counter[str] = Counter()
    until = time.monotonic() + options.minutes * 60
    for _ in range(options.kills):
        if time.monotonic() > until:
            break
        victim = chance.choice(victims)
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
