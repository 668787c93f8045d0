"""`script/test`: the checks and the tests on servers of their own, which end with them whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from productops.local.errors import CannotStart, Stopped, complain, in_one_line
from productops.local.places import CHECKOUT, Places
from productops.local.processes import Stop, start_process
from productops.local.programs import child_environ
from productops.local.serve import check_disk, end_leftovers, only_one
from productops.local.servers import Servers
from productops.local.supervisor import Supervisor
from productops.local.telling import Telling, tell

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRE_BROWSER = "PRODUCTOPS_REQUIRE_BROWSER"
REQUIRE_NODE = "PRODUCTOPS_REQUIRE_NODE"
_SECONDS = 3600.0
_PYTEST = (sys.executable, "-m", "pytest")
_JOURNEYS = "tests/journeys"
_HOW_TO_GET_ONE = "no Chromium found; get one with: apt-get install chromium"

_HOW_TO_GET_NODE = "no node and npm found; get them with: apt-get install nodejs npm"


def main(environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Runs the checks and all tests, or pytest with `arguments` alone; answers the worst exit code."""
    stop = Stop()
    stop.listen()
    where = Places(CHECKOUT / "var" / "test")
    try:
        with in_one_line(where.var):
            where.make()
            check_disk(where.var)
            with only_one(where, "the tests' own servers"):
                return run_tests(where, environ, arguments, stop)
    except Stopped:
        return 130
    except CannotStart as reason:
        complain(str(reason))
        return 1


def run_tests(where: Places, environ: Mapping[str, str], arguments: Sequence[str], stop: Stop) -> int:
    chosen = [] if arguments else what_can_run(environ)
    say = Telling(where.log / "server.log")
    end_leftovers(where)
    (CHECKOUT / "var" / "static").mkdir(exist_ok=True)  # nothing is collected, but settings name it
    supervisor = Supervisor(stop, where.run, say)
    try:
        urls = Servers(where, supervisor, say, durable=False).start(environ)
        inherited = child_environ(environ, where, urls, "http://127.0.0.1:8000")
        if arguments:
            return run_here(supervisor, inherited, [*_PYTEST, *arguments])
        return run_everything(supervisor, where.log, inherited, chosen)
    finally:
        supervisor.stop_all()
        end_leftovers(where)


def run_everything(
    supervisor: Supervisor, logs: Path, environ: Mapping[str, str], chosen: Sequence[str]
) -> int:
    """The checks, the journeys and all other tests beside each other; answers the first exit code that is not 0.

    A journey mostly waits for the servers that it walks across, so there is a processor for the others meanwhile.
    These give way to it: they only take longer, where a journey may be told that something is too busy.
    """
    beside = [
        Beside.begin([CHECKOUT / "script" / "check"], environ, logs / "check.log"),
        Beside.begin([*_PYTEST, _JOURNEYS, *chosen], environ, logs / "journeys.log"),
    ]
    gently = ["nice", "-n", "5"] if shutil.which("nice") else []
    others = ["-n", "2", "-p", "tests.scheduling", f"--ignore={_JOURNEYS}"]
    code = run_here(supervisor, environ, [*gently, *_PYTEST, *others, *chosen])
    codes = [code, *(one.result(supervisor) for one in beside)]
    return next((code for code in codes if code), 0)


@dataclass(frozen=True)
class Beside:
    """A command that runs beside others; what it prints is shown once it has ended."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def begin(cls, command: Sequence[str | Path], environ: Mapping[str, str], log: Path) -> Beside:
        log.unlink(missing_ok=True)
        return cls(start_process(command, environ=environ, cwd=CHECKOUT, log=log), log)

    def result(self, supervisor: Supervisor) -> int:
        """Its exit code."""
        code = finished(supervisor, self.process)
        tell(self.log.read_text(errors="replace"))
        return code


def what_can_run(environ: Mapping[str, str]) -> list[str]:
    """pytest's choice of tests: without a browser or node, all but what needs them."""
    left_out = []
    if find_browser() is None:
        left_out.append("not browser")
        _skip_or_stop(environ, REQUIRE_BROWSER, "the browser tests", _HOW_TO_GET_ONE)
    if not (shutil.which("node") and shutil.which("npm")):
        left_out.append("not node")
        _skip_or_stop(environ, REQUIRE_NODE, "the TypeScript client's test", _HOW_TO_GET_NODE)
    return ["-m", " and ".join(left_out)] if left_out else []


def _skip_or_stop(environ: Mapping[str, str], required: str, what: str, how_to_get_it: str) -> None:
    if environ.get(required):
        raise CannotStart(f"{how_to_get_it} ({what} must run here)")
    complain(f"{what} will not run: {how_to_get_it}")


def find_browser() -> str | None:
    """The path of a Chromium that the system has."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def run_here(supervisor: Supervisor, environ: Mapping[str, str], command: Sequence[str | Path]) -> int:
    return finished(supervisor, start_process(command, environ=environ, cwd=CHECKOUT))


def finished(supervisor: Supervisor, process: subprocess.Popen[bytes]) -> int:
    code = supervisor.run_beside(process, _SECONDS)
    if supervisor.stop.asked:
        raise Stopped
    return code if code is not None else 1


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.argv[1:]))
