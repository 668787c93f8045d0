"""`script/server`: everything up, the demo in, one block that says how to get in, everything down again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from productops.local.access import status_of, summary
from productops.local.demo import Demo
from productops.local.errors import CannotStart, Stopped, complain, full_disk_line, in_one_line
from productops.local.places import Places, places, write_whole
from productops.local.processes import Stop, end_all, is_port_free, started_from
from productops.local.programs import child_environ, collect_static, must_manage, programs
from productops.local.servers import Servers
from productops.local.supervisor import Supervisor
from productops.local.telling import Telling, tell

DEFAULT_PORT = 8000
_LEAST_FREE_BYTES = 500 * 1024 * 1024
# A machine that does much else at the time takes minutes; it is told after this long what is waited for.
_WEB_USUALLY_ANSWERS_WITHIN, _WEB_ANSWERS_WITHIN = 15.0, 300.0


def main(environ: Mapping[str, str], *, with_demo: bool) -> int:
    """Runs until INT or TERM; answers the exit code. What stops a start is one line on standard error."""
    stop = Stop()
    stop.listen()
    where = places(environ)
    try:
        with in_one_line(where.var):
            serve(where, environ, stop, with_demo=with_demo)
    except Stopped:
        return 0
    except CannotStart as reason:
        complain(str(reason))
        return 1
    return 0


def serve(where: Places, environ: Mapping[str, str], stop: Stop, *, with_demo: bool) -> None:
    port = chosen_port(environ)
    url = f"http://127.0.0.1:{port}"
    where.make()
    check_disk(where.var)
    with only_one(where, url):
        say = Telling(where.log / "server.log")
        end_leftovers(where)
        if not is_port_free(port):
            other = f"PORT={port + 1} script/server"
            raise CannotStart(f"port {port} is taken by another program; choose another: {other}")
        whole = Whole(where, Supervisor(stop, where.run, say), say, port, url)
        try:
            whole.bring_up(environ, with_demo=with_demo)
            whole.supervisor.run_until_stopped()
        finally:
            whole.bring_down()


@dataclass
class Whole:
    """Servers and programs of one run."""

    where: Places
    supervisor: Supervisor
    say: Telling
    port: int
    url: str

    def bring_up(self, environ: Mapping[str, str], *, with_demo: bool) -> None:
        self.say("Starting PostgreSQL and Redis")
        servers = Servers(self.where, self.supervisor, self.say).start(environ)
        inherited = child_environ(environ, self.where, servers, self.url)
        inherited["PROMETHEUS_MULTIPROC_DIR"] = self._start_counting()
        found_by_commands = {name: inherited[name] for name in (*servers, "PRODUCTOPS_URL", "SECRET_KEY")}
        write_whole(self.where.servers_file, json.dumps(found_by_commands) + "\n")
        self.say("Migrating the database")
        must_manage(self.supervisor, self.where, inherited, "migrate", "--noinput")
        if collect_static(self.supervisor, self.where, inherited):
            self.say("Collected the static files")
        self.say("Starting the web server, the worker and the clock")
        self._start_programs(inherited)
        if with_demo:
            demo = Demo(self.where, self.supervisor, inherited, self.say, self.port, self.url)
            access = demo.settle(servers)
            tell(summary(self.url, access))
            demo.top_up()
        else:
            self.say(f"Running at {self.url}")

    def _start_counting(self) -> str:
        """Counts begin with the start: those of processes that are gone would be added to for ever."""
        shutil.rmtree(self.where.counts, ignore_errors=True)
        self.where.counts.mkdir(mode=0o700)
        return str(self.where.counts)

    def _start_programs(self, inherited: Mapping[str, str]) -> None:
        def answers() -> bool:
            return status_of(self.port, "/readyz") == 200

        for service in programs(self.where, inherited, self.port, answers):
            self.supervisor.start(service)
        self._wait_for_web()

    def _wait_for_web(self) -> None:
        still = (
            f"Waiting for the web server to answer at {self.url}/readyz, {_WEB_ANSWERS_WITHIN:g} s at most"
        )
        for seconds, line in ((_WEB_USUALLY_ANSWERS_WITHIN, still), (_WEB_ANSWERS_WITHIN, "")):
            if self.supervisor.wait_ready("web", seconds):
                return
            if self.supervisor.stop.asked:
                raise Stopped
            if not self.supervisor.is_up("web"):
                raise CannotStart(f"the web server ended: see {self.where.log / 'web.log'}")
            if line:
                self.say(f"{line}; var/local.env follows once the demo has settled")
        raise CannotStart(
            f"the web server did not answer within {_WEB_ANSWERS_WITHIN:g} s: see {self.where.log / 'web.log'}"
        )

    def bring_down(self) -> None:
        self.say("Stopping")
        self.where.servers_file.unlink(missing_ok=True)
        self.supervisor.stop_all()
        end_all(lambda: started_from(self.where.var), [(signal.SIGKILL, 1.0)])
        self.say("Stopped")


def chosen_port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise CannotStart(f"PORT={text} is not a port: choose a number from 1 to 65535")
    return int(text)


def check_disk(folder: Path, least: int = _LEAST_FREE_BYTES) -> None:
    """Before anything is written: a database on a full disk fails in ways that are hard to read."""
    if shutil.disk_usage(folder).free < least:
        raise CannotStart(full_disk_line(folder))


def end_leftovers(where: Places) -> None:
    """What a run that was killed left behind. We hold the lock, so nothing marked with our `var/` is in use.

    PostgreSQL is looked after by its own module, which knows it by its data folder.
    """
    end_all(lambda: started_from(where.var), [(signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)])


@contextlib.contextmanager
def only_one(where: Places, url: str) -> Iterator[None]:
    """Holds the lock of this `var/`; the kernel lets it go when we die, however we die."""
    with where.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(_already_running(lock)) from None
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "url": url}))
        lock.flush()
        yield


def _already_running(lock: IO[str]) -> str:
    lock.seek(0)
    try:
        holder = json.loads(lock.read())
    except json.JSONDecodeError:  # it has the lock and has not written its name yet
        return "it is already running"
    return f"it is already running at {holder['url']} (process {holder['pid']})"
