"""The whole system on a `var/` of its own, and the floors beside it; all of it ends with the benchmark."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.ingest.load import Target
from productops.local.places import CHECKOUT, Places
from productops.local.processes import end_group, free_port, start_process
from productops.local.programs import GRANIAN
from tests.journeys.calling import Team
from tests.journeys.running import RunningServer

DEFAULT_VAR = CHECKOUT / "var" / "benchmark"


@dataclass
class System:
    """A running server and a way to look into its database."""

    server: RunningServer

    def team(self, name: str, *options: str) -> Team:
        """A workspace of its own, so that runs do not meet each other's facts."""
        return Team.on(self.server, f"{name}-{time.time_ns():x}", *options)

    def target(self, team: Team) -> Target:
        return Target(team.source_url, team.secret)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.env["DATABASE_URL"], autocommit=True)

    def ask(self, query: str, *values: Any) -> Any:
        """The first value of the first row."""
        with self.connect() as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def wait_until(self, query: str, wanted: Any, seconds: float, *values: Any) -> float:
        """Seconds until the query answers what is wanted."""
        started = time.monotonic()
        with self.connect() as connection:
            while time.monotonic() < started + seconds:
                row = connection.execute(query, values).fetchone()
                if row and row[0] == wanted:
                    return time.monotonic() - started
                time.sleep(0.02)
        raise TimeoutError(f"{query} did not answer {wanted} within {seconds} s, but {row}")

    def settle(self, seconds: float = 600) -> None:
        """Wait until nothing is pending, so that one run does not pay for another."""
        left = (
            "SELECT (SELECT count(*) FROM outcomes_delivery WHERE state = 'pending')"
            " + (SELECT count(*) FROM outcomes_mark)"
        )
        self.wait_until(left, 0, seconds)


@contextmanager
def running(var: Path = DEFAULT_VAR) -> Iterator[System]:
    """The system as `script/server` runs it, without the demo."""
    if Places(var).servers_file.exists():
        # Somebody keeps it running, to measure again and again.
        url = json.loads(Places(var).servers_file.read_text())["PRODUCTOPS_URL"]
        yield System(RunningServer(var, int(url.rpartition(":")[2])))
        return
    server = RunningServer(var, free_port())
    server.start(600)
    try:
        yield System(server)
    finally:
        server.stop()


@contextmanager
def bare_view(system: System) -> Iterator[Target]:
    """The floor's web server, with the settings of the real one."""
    with system.connect() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, body bytea NOT NULL)"
        )
    with _web(system, "benchmarks.ingest.bare:application", {}) as port:
        yield Target(f"http://127.0.0.1:{port}/keep")


@contextmanager
def without_doorbell(system: System, target: Target) -> Iterator[Target]:
    """The same address at a web server that cannot reach Redis: it accepts, and no hint of it gets through."""
    with _web(system, "productops.wsgi:application", {"REDIS_URL": "redis://127.0.0.1:1/0"}) as port:
        yield Target(f"http://127.0.0.1:{port}{urlsplit(target.url).path}", target.secret)


@contextmanager
def _web(system: System, application: str, environ: dict[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, *GRANIAN, "--port", str(port), application]
    whole = {
        **os.environ,
        **system.server.env,
        "MALLOC_ARENA_MAX": "2",
        "PRODUCTOPS_ROLE": "web",
        **environ,
    }
    process = start_process(command, environ=whole, cwd=CHECKOUT, log=system.server.var / "web-beside.log")
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        end_group(process)


def _wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the bare view does not answer")


def tell(name: str, **figures: Any) -> None:
    """One line for people and one for programs."""
    words = ", ".join(
        f"{key} {value:,.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in figures.items()
    )
    print(f"{name}: {words}", flush=True)
    print(json.dumps({"benchmark": name, **figures}), flush=True)
