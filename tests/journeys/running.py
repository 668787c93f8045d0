"""The whole system as real processes, for tests that walk across it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from productops.local.places import CHECKOUT, Places
from productops.local.processes import MARK, Waiter, end_group, has_ended, is_alive, start_process

# Ours to decide: what the tests' own servers, or whoever runs the tests, set for themselves.
_DECIDED_HERE = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PRODUCTOPS_URL", "PRODUCTOPS_VAR", "PORT", MARK}


@dataclass
class RunningServer:
    """`python -m productops.local` over a `var/` of its own: what `script/server` runs.

    Without `database_url` it starts its own PostgreSQL; its Redis is always its own.
    """

    var: Path
    port: int
    database_url: str | None = None
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def places(self) -> Places:
        return Places(self.var)

    @property
    def env(self) -> dict[str, str]:
        """The environment that reaches these servers, for commands and clients."""
        return {**self._outside(), **json.loads(self.places.servers_file.read_text())}

    def start(self, seconds: float = 240.0) -> None:
        """Starts everything and waits until it says that it runs; shows its output when it does not."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.printed.unlink(missing_ok=True)
        environ = {**self._outside(), "PORT": str(self.port), "PRODUCTOPS_VAR": str(self.var)}
        # The tests' receivers of webhooks are on this machine.
        environ["WEBHOOK_PRIVATE_NETWORKS"] = "127.0.0.1/32"
        if self.database_url:
            environ["DATABASE_URL"] = self.database_url
        command = (sys.executable, "-m", "productops.local", "--without-demo")
        self.process = start_process(command, environ=environ, cwd=CHECKOUT, log=self.printed)
        Waiter(seconds, 0.1).until(lambda: has_ended(self.process) or "Running at" in self.output)
        if "Running at" not in self.output:
            self.stop()
            raise AssertionError(f"the server did not start:\n{self.output}")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> bool:
        """Whether it ended by itself in time after one signal; if not it is killed."""
        if self.process.returncode is not None:
            return True
        self.process.send_signal(number)
        in_time = Waiter(seconds).until(lambda: has_ended(self.process))
        end_group(self.process)
        return in_time

    @property
    def printed(self) -> Path:
        return self.var / "printed.log"

    @property
    def output(self) -> str:
        return self.printed.read_text() if self.printed.exists() else ""

    def manage(self, *arguments: str, seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Runs a `manage.py` command that finds the servers by itself; fails the test when it fails."""
        done = subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
            env={**self._outside(), "PRODUCTOPS_VAR": str(self.var)},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done

    def status(self, path: str) -> int | None:
        """The status that a GET is answered with; None when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def pid(self, name: str) -> int:
        """The id of `web`, `worker`, `beat`, `redis` or `postgres`, as the supervisor last started it."""
        return int(self.places.pid_file(name).read_text())

    @property
    def worker_pid(self) -> int:
        return self.pid("worker")

    def kill_worker(self) -> None:
        """kill -9 of the worker and its children; the supervisor brings up another after half a second."""
        self.kill("worker")

    def kill(self, name: str) -> None:
        """kill -9 of one service and of what it forked."""
        os.killpg(self.pid(name), signal.SIGKILL)

    def restart_worker(self, seconds: float = 60.0) -> None:
        """Asks the worker to end and waits for the next one. Tasks are at most a few seconds long."""
        before = self.worker_pid
        if is_alive(before):
            os.kill(before, signal.SIGTERM)
        self.wait_for_another("worker", before, seconds)

    def wait_for_another(self, name: str, before: int, seconds: float = 60.0) -> None:
        """Waits until the supervisor has put a live process in the place of `before`."""

        def came() -> bool:
            now = self.pid(name)
            return now != before and is_alive(now)

        assert Waiter(seconds, 0.1).until(came), f"no new {name} within {seconds:g} s:\n{self.output}"

    @staticmethod
    def _outside() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in _DECIDED_HERE}
