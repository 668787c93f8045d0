"""Processes that come back when they fall, and go when they are asked; strangers are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from productops.local.processes import (
    MARK,
    Stop,
    Waiter,
    end_all,
    end_group,
    has_ended,
    is_alive,
    start_process,
    started_from,
    working_in,
)
from productops.local.supervisor import Service, Supervisor, bound_log, pause_after

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "pathlib.Path('deaf').touch(); time.sleep(600)",
)


def environ(var: Path) -> dict[str, str]:
    return {"PATH": os.defpath, MARK: str(var)}


def service(folder: Path, name: str, command: tuple[str, ...], *, is_server: bool = False) -> Service:
    return Service(name, command, environ(folder), folder, folder / f"{name}.log", is_server=is_server)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(Stop(), tmp_path, said.append)
    yield made
    made.stop_all()


def tend_until(supervisor: Supervisor, condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    def tended() -> bool:
        supervisor.tend()
        return condition()

    return Waiter(seconds).until(tended)


def pid_of(supervisor: Supervisor, name: str) -> int:
    process = supervisor.posts[name].process
    return process.pid if process else 0


def test_a_service_that_is_killed_comes_back_under_a_new_id(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(service(tmp_path, "worker", SLEEP))
    first = pid_of(supervisor, "worker")
    os.kill(first, signal.SIGKILL)
    assert tend_until(supervisor, lambda: pid_of(supervisor, "worker") not in (0, first))
    assert int((tmp_path / "worker.pid").read_text()) == pid_of(supervisor, "worker")


def test_what_a_fallen_service_forked_does_not_stay_behind(supervisor: Supervisor, tmp_path: Path) -> None:
    forking = f"import subprocess, time; subprocess.Popen({list(SLEEP)!r}); time.sleep(600)"
    supervisor.start(service(tmp_path, "worker", (sys.executable, "-c", forking)))
    assert Waiter(60).until(lambda: len(list(started_from(tmp_path))) == 2)
    first = pid_of(supervisor, "worker")
    (forked,) = set(started_from(tmp_path)) - {first}
    os.kill(first, signal.SIGKILL)
    assert tend_until(supervisor, lambda: not is_alive(forked))


def test_each_fall_is_told_with_its_reason(supervisor: Supervisor, tmp_path: Path, said: list[str]) -> None:
    supervisor.start(service(tmp_path, "beat", (sys.executable, "-c", "raise SystemExit(3)")))
    assert tend_until(supervisor, lambda: bool(said))
    assert said[0] == "beat ended (exit code 3); starting it again in 0.5 s"


def test_the_pause_before_a_new_start_doubles_up_to_half_a_minute() -> None:
    assert [pause_after(falls) for falls in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert pause_after(7) == pause_after(1000) == 30.0


def test_the_programs_end_before_the_servers_they_use(supervisor: Supervisor, tmp_path: Path) -> None:
    writing = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
    writing += "try: open('ready-' + sys.argv[1], 'w').close(); time.sleep(600)\n"
    writing += "finally: open('order', 'a').write(sys.argv[1] + ' ')"
    for name, is_server in (("postgres", True), ("web", False)):
        command = (sys.executable, "-c", writing, name)
        supervisor.start(service(tmp_path, name, command, is_server=is_server))
        assert Waiter(60).until((tmp_path / f"ready-{name}").exists)
    supervisor.stop_all()
    assert (tmp_path / "order").read_text().split() == ["web", "postgres"]


def test_a_service_that_does_not_listen_is_killed_within_the_time_an_end_may_take(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(service(tmp_path, "deaf", STUBBORN))
    assert Waiter(60).until((tmp_path / "deaf").exists)
    pid = pid_of(supervisor, "deaf")
    began = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - began < 10
    assert not is_alive(pid)


def test_a_command_runs_beside_the_services_and_its_output_arrives(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    parts: list[bytes] = []
    printing = (sys.executable, "-c", "print('x' * 100_000); print('end')")
    process = start_process(printing, environ=environ(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE)
    assert supervisor.run_beside(process, 120, parts.append) == 0
    assert b"".join(parts) == b"x" * 100_000 + b"\nend\n"


def test_a_command_that_takes_too_long_is_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    process = start_process(SLEEP, environ=environ(tmp_path), cwd=tmp_path)
    assert supervisor.run_beside(process, 0.3) is None
    assert process.returncode is not None


def test_a_process_does_not_outlive_the_one_that_started_it(tmp_path: Path) -> None:
    starting = (
        "import os, signal, sys; from pathlib import Path;"
        "from productops.local.processes import start_process;"
        f"child = start_process({list(SLEEP)!r}, environ=os.environ, cwd=Path('.'));"
        "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", starting], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert Waiter(60).until(lambda: not is_alive(int(done.stdout)))


def test_int_is_heard_even_where_a_shell_left_it_ignored() -> None:
    listening = (
        "from productops.local.processes import Stop; stop = Stop(); stop.listen();"
        "print('ready', flush=True); stop.wait(120); print(stop.signal, flush=True)"
    )
    shell = f"trap '' INT; exec {sys.executable} -c \"{listening}\""
    process = subprocess.Popen(["/bin/sh", "-c", shell], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == f"{int(signal.SIGINT)}\n"
    assert process.wait(60) == 0
    process.stdout.close()


def test_leftovers_are_known_by_their_mark_and_a_stranger_is_spared(tmp_path: Path) -> None:
    ours = start_process(SLEEP, environ=environ(tmp_path / "var"), cwd=tmp_path)
    stranger = start_process(SLEEP, environ=environ(tmp_path / "var-of-another"), cwd=tmp_path)
    try:
        assert Waiter(60).until(lambda: list(started_from(tmp_path / "var")) == [ours.pid])
        end_all(lambda: started_from(tmp_path / "var"), [(signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)])
        assert has_ended(ours)
        assert not has_ended(stranger)
    finally:
        end_group(ours)
        end_group(stranger)


def test_a_program_is_found_by_the_folder_it_works_in(tmp_path: Path) -> None:
    process = start_process(("/bin/sleep", "600"), environ={}, cwd=tmp_path)
    try:
        assert Waiter(60).until(lambda: list(working_in(tmp_path, "sleep")) == [process.pid])
        assert list(working_in(tmp_path, "postgres")) == []
    finally:
        end_group(process)


def test_a_log_that_grew_too_long_keeps_its_end_in_one_older_part(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.write(b"old " * 100 + b"newest")
        writer.flush()
        bound_log(log, limit=40)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "web.log.1").read_bytes().endswith(b"newest")
    assert (tmp_path / "web.log.1").stat().st_size == 40


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("short")
    bound_log(log, limit=40)
    bound_log(tmp_path / "missing.log", limit=40)
    assert log.read_text() == "short"
