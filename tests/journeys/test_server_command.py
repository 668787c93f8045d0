"""`script/server` from the first start to the last signal, on a `var/` of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from productops.local.places import CHECKOUT
from productops.local.processes import Waiter, free_port, is_alive, started_from, working_in
from tests.journeys.calling import Team
from tests.journeys.running import RunningServer

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def own() -> Iterator[RunningServer]:
    """A server with its own PostgreSQL. Under the checkout: root's temporary folders are closed to it."""
    running = RunningServer(CHECKOUT / "var" / f"journey-{os.getpid()}", free_port())
    running.start()
    yield running
    running.stop()
    postgres = running.places.postgres
    if postgres.is_symlink():  # the checkout is closed to PostgreSQL's user
        shutil.rmtree(postgres.resolve().parent)
    shutil.rmtree(running.var)


def processes(running: RunningServer) -> list[int]:
    """Everything alive that the run over this `var/` started, PostgreSQL included."""
    data = (running.places.postgres / "data").resolve()
    return [*started_from(running.var), *working_in(data, "postgres")]


def is_ready(running: RunningServer) -> bool:
    """Within a minute: on a busy machine one of its two servers may once be too slow to be called ready."""
    return Waiter(60, 0.2).until(lambda: running.status("/readyz") == 200)


def test_the_server_answers_and_is_ready(own: RunningServer) -> None:
    assert own.status("/healthz") == 200
    assert is_ready(own)


def test_commands_find_its_servers_by_themselves(own: RunningServer) -> None:
    assert own.manage("migrate", "--check").returncode == 0


def test_passwords_are_closed_to_other_people(own: RunningServer) -> None:
    secret = [own.places.servers_file, own.places.credentials_file, own.places.secret_key_file]
    assert [path.stat().st_mode & 0o077 for path in secret] == [0, 0, 0]


def test_no_acknowledged_row_may_be_lost_for_speed(own: RunningServer) -> None:
    with psycopg.connect(own.env["DATABASE_URL"]) as connection:
        for setting in ("synchronous_commit", "fsync", "full_page_writes"):
            shown = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
            assert shown == ("on",)


def test_a_second_start_says_in_one_line_that_one_runs(own: RunningServer) -> None:
    second = start_in_foreground(own.var, free_port())
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.count("\n") == 1
    assert f"already running at {own.url}" in second.stderr


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        refused = start_in_foreground(tmp_path / "var", holder.getsockname()[1])
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "is taken by another program" in refused.stderr


def test_every_process_that_is_killed_comes_back(own: RunningServer) -> None:
    names = ("worker", "web", "beat", "redis", "postgres")
    before = {name: own.pid(name) for name in names}
    for name in names:
        own.kill(name)
    for name in names:
        own.wait_for_another(name, before[name])
    assert is_ready(own)


def test_without_postgresql_the_api_is_503_with_retry_after_and_serves_again_when_it_is_back(
    own: RunningServer,
) -> None:
    team = Team.on(own, "away")
    assert team.api("GET", "items/").status == 200
    before = own.pid("postgres")
    with nobody_restarts_anything(own):
        own.kill("postgres")
        # Many at once and for a while, for every web process to have noticed, and to be tired of trying.
        with ThreadPoolExecutor(8) as frontends:
            asked = [frontends.submit(team.api, "GET", "items/") for _ in range(15)]
            asked.append(frontends.submit(team.api, "POST", "items/", {"title": "Saved carts"}))
            answers = [answer.result() for answer in asked]
        assert own.status("/healthz") == 200
        assert own.status("/readyz") == 503
    assert {answer.status for answer in answers} == {503}
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    own.wait_for_another("postgres", before)
    assert Waiter(60, 0.2).until(lambda: answers_sql(own.env["DATABASE_URL"]))
    again = [team.api("GET", "items/") for _ in range(20)]
    assert [answer.status for answer in again] == [200] * 20, "a web process had not come back"
    assert again[0].body["results"] == []


def answers_sql(database_url: str) -> bool:
    try:
        with psycopg.connect(database_url, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@contextmanager
def nobody_restarts_anything(running: RunningServer) -> Iterator[None]:
    """The supervisor stands still."""
    running.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        running.process.send_signal(signal.SIGCONT)


def test_a_start_after_everything_was_killed_keeps_the_data(own: RunningServer) -> None:
    own.manage("shell", "--no-imports", "-c", mark_statement("CREATE TABLE kept AS SELECT 42 AS answer"))
    left = processes(own)
    own.process.kill()
    for pid in left:
        kill_if_alive(pid)
    own.process.wait()
    assert Waiter(60).until(lambda: not any(map(is_alive, left)))
    own.start()
    own.manage("shell", "--no-imports", "-c", mark_statement("DROP TABLE kept"))


def test_a_start_after_the_supervisor_alone_was_killed_works(own: RunningServer) -> None:
    left = processes(own)
    own.process.kill()
    own.process.wait()
    own.start()
    assert not set(left) & set(processes(own))
    assert is_ready(own)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_every_process_within_ten_seconds(own: RunningServer, number: signal.Signals) -> None:
    if own.process.returncode is not None:
        own.start()
    left = processes(own)
    assert len(left) > 8
    assert own.stop(number, seconds=10.0)
    assert own.process.returncode == 0
    assert [pid for pid in left if is_alive(pid)] == []
    assert processes(own) == []


def start_in_foreground(var: Path, port: int) -> subprocess.CompletedProcess[str]:
    """A start that is expected to give up."""
    outside = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "-m", "productops.local", "--without-demo"],
        env={**outside, "PRODUCTOPS_VAR": str(var), "PORT": str(port)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def mark_statement(statement: str) -> str:
    return f"from django.db import connection; connection.cursor().execute('{statement}')"


def kill_if_alive(pid: int) -> None:
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)
