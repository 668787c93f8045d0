"""The virtual environment: made once, filled from a lock file with hashes, refilled when that changes.

`python3 -m productops.local.install LOCK MODULE [ARGUMENT ...]` runs on the system's Python and its
standard library alone; when everything is there it becomes `.venv/bin/python -m MODULE ARGUMENT ...`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from productops.local.errors import CannotStart, Stopped, complain, full_disk_line, in_one_line
from productops.local.places import CHECKOUT, Places, write_whole
from productops.local.processes import Stop, Waiter, end_group, has_ended, signal_group, start_process
from productops.local.telling import tell

VENV = CHECKOUT / ".venv"
_NEEDED_BYTES = 1024 * 1024 * 1024
_INSTALL_SECONDS = 1800.0
_SAY_EVERY = 20.0
# pip compiles on one processor, and the packages' own tests as well. What cannot be compiled is nobody's loss.
_COMPILE = (VENV / "bin" / "python", "-m", "compileall", "-q", "-j", "0", "-x", "/tests/", ".venv/lib")
# They would send the packages, or Python itself, somewhere else than into our environment.
_MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")


def main(arguments: list[str]) -> int:
    lock_name, module, *rest = arguments
    where = Places(CHECKOUT / "var")
    stop = Stop()
    stop.listen()
    try:
        with in_one_line(CHECKOUT):
            where.make()
            ensure_installed(CHECKOUT / lock_name, where, stop)
    except Stopped:
        return 128 + (stop.signal or signal.SIGTERM)
    except CannotStart as reason:
        complain(str(reason))
        return 1
    if stop.asked:
        return 128 + (stop.signal or signal.SIGTERM)
    python = VENV / "bin" / "python"
    os.execve(python, [str(python), "-m", module, *rest], clean_environ())  # noqa: S606


def clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING}


def ensure_installed(lock: Path, where: Places, stop: Stop) -> None:
    """Makes `.venv` what `lock` says, or raises `CannotStart`. Does nothing when it already is."""
    stamp = VENV / f"installed-{lock.name}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest() + "\n"
    with _alone(where, stop):
        usable = is_usable(VENV)
        if usable and stamp.exists() and stamp.read_text() == wanted:
            return
        if shutil.disk_usage(CHECKOUT).free < _NEEDED_BYTES:
            raise CannotStart(full_disk_line(CHECKOUT))
        log = where.log / "install.log"
        log.unlink(missing_ok=True)
        if not usable:
            _make_venv(log, stop)
        tell(f"Installing the packages of {lock.name} (the first time takes a minute or two)")
        pip = ("install", "--require-hashes", "--no-input", "--disable-pip-version-check", "--no-compile")
        _run([VENV / "bin" / "python", "-m", "pip", *pip, "-r", str(lock)], log, stop)
        _run(_COMPILE, log, stop, may_fail=True)
        write_whole(stamp, wanted, mode=0o644)


def is_usable(venv: Path) -> bool:
    """Whether its Python runs and has pip: false after the system's Python moved on to another version."""
    probe = [
        str(venv / "bin" / "python"),
        "-I",
        "-c",
        "import pip, sys; sys.exit(sys.version_info < (3, 11))",
    ]
    try:
        return subprocess.run(probe, capture_output=True, timeout=60, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def _make_venv(log: Path, stop: Stop) -> None:
    if find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CannotStart(f"Python's venv module is missing: apt-get install python3-venv (for {version})")
    if VENV.exists():
        shutil.rmtree(VENV)
    tell("Making the virtual environment .venv")
    _run([sys.executable, "-m", "venv", VENV], log, stop)


def _run(command: Sequence[str | Path], log: Path, stop: Stop, *, may_fail: bool = False) -> None:
    began = said = time.monotonic()
    process = start_process(
        command, environ={**clean_environ(), "PIP_PROGRESS_BAR": "off"}, cwd=CHECKOUT, log=log
    )
    while not has_ended(process):
        now = time.monotonic()
        if stop.wait(1.0) or now - began > _INSTALL_SECONDS:
            signal_group(process, signal.SIGTERM)
            Waiter(3.0).until(lambda: has_ended(process))
            end_group(process)
            raise Stopped if stop.asked else CannotStart(f"installing took too long: see {log}")
        if now - said >= _SAY_EVERY:
            said = now
            tell(f"  still installing, {now - began:.0f} s")
    if end_group(process) != 0 and not may_fail:
        raise CannotStart(why_failed(log.read_text(errors="replace"), log))


def why_failed(printed: str, log: Path) -> str:
    """The line that says most among what pip printed."""
    if "No space left on device" in printed or "Disk quota exceeded" in printed:
        return full_disk_line(CHECKOUT)
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    reason = (errors or lines or ["no output"])[-1]
    return f"installing failed: {reason} (all of it in {log})"


@contextmanager
def _alone(where: Places, stop: Stop) -> Iterator[None]:
    """Two commands that are started together install one after the other."""
    with (where.run / "install.lock").open("w") as lock:
        said = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    tell("Waiting for another start to finish installing")
                said = True
                if stop.wait(0.5):
                    raise Stopped from None
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
