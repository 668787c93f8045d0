"""Starting a process so that it never outlives us, and ending one without ever ending a stranger."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

# Every process we start carries this in its environment, with the `var/` folder it serves. It is how
# a start after kill -9 tells what was ours from everything else on the machine.
MARK = "PRODUCTOPS_STARTED_FROM"

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """The user a process runs as, when that is not the one who started us."""

    name: str
    uid: int
    gid: int


class Stop:
    """Hears INT, TERM and HUP, even when the shell that started us left INT ignored.

    `wait` sleeps until a signal comes or a child ends, so that nobody has to poll.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def listen(self) -> None:
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._heard)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to be left alone
            signal.signal(signal.SIGHUP, self._heard)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake `wait`

    def _heard(self, number: int, _frame: object) -> None:
        self.signal = self.signal or number

    @property
    def asked(self) -> bool:
        return self.signal is not None

    def wait(self, seconds: float, *readable: int) -> bool:
        """Sleeps up to `seconds`, less when a signal, a dead child or input on `readable` wakes it."""
        if not self.asked:
            ready, _, _ = select.select([self._reader, *readable], [], [], max(seconds, 0))
            if self._reader in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._reader, 4096)
        return self.asked


def start_process(
    command: Sequence[str | Path],
    *,
    environ: Mapping[str, str],
    cwd: Path,
    log: Path | None = None,
    account: Account | None = None,
    when_orphaned: signal.Signals = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `command` in a session of its own; it gets `when_orphaned` should we die without a word.

    A session of its own, so that Ctrl-C in a terminal reaches us alone and the order of ending is ours.
    Output goes to the end of `log`, else to our own.
    """
    us = os.getpid()
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(log.open("ab")) if log else None
        return subprocess.Popen(  # noqa: S603  the commands are ours, never a request's
            [str(part) for part in command],
            env={**environ},
            cwd=cwd,
            stdin=stdin,
            stdout=stdout if stdout is not None else sink,
            stderr=sink,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_tie_to_parent(us, when_orphaned),
        )


def _tie_to_parent(parent: int, number: signal.Signals) -> Callable[[], None] | None:
    """Asks the kernel to signal the child when its parent dies. Linux only; elsewhere leftovers are swept."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork: after it only system calls are safe

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return tie


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process is gone, without reaping it: its id stays ours until `end_group` is through."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signals a process and all it forked. Only ever called before the process is reaped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def end_group(process: subprocess.Popen[bytes]) -> int:
    """Kills what is left of a process's group and reaps it; answers its exit code."""
    signal_group(process, signal.SIGKILL)
    return process.wait()


@dataclass
class Waiter:
    """Waits for a condition in small naps, up to a deadline."""

    seconds: float
    nap: float = 0.05
    _deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.seconds

    def until(self, condition: Callable[[], bool], stop: Stop | None = None) -> bool:
        while not condition():
            if time.monotonic() >= self._deadline or (stop and stop.asked):
                return condition()
            if stop:
                stop.wait(self.nap)
            else:
                time.sleep(self.nap)
        return True


# --- What an earlier run left behind --------------------------------------------------------------------


def _process_ids() -> list[int]:
    proc = Path("/proc")
    return (
        sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()) if proc.is_dir() else []
    )


def started_from(var: Path) -> Iterator[int]:
    """Ids of live processes that a run over this `var/` folder started, ours included, this one not."""
    mark = f"{MARK}={var}".encode()
    for pid in _process_ids():
        with contextlib.suppress(OSError):
            if pid != os.getpid() and mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                yield pid


def working_in(folder: Path, program: str) -> Iterator[int]:
    """Ids of live processes of `program` whose working folder is `folder`.

    PostgreSQL overwrites its environment with its title, but always works inside its data folder.
    """
    for pid in _process_ids():
        with contextlib.suppress(OSError):
            at_home = Path(f"/proc/{pid}/cwd").readlink() == folder
            if at_home and Path(f"/proc/{pid}/comm").read_text().strip() == program:
                yield pid


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def end_all(find: Callable[[], Iterator[int]], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Sends each signal in turn to whatever `find` finds, waiting up to the step's seconds after it.

    `find` is asked again before every signal, so an id that was given to a stranger meanwhile is spared.
    """
    for number, seconds in steps:
        pids = list(find())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        Waiter(seconds, 0.1).until(partial(_all_gone, pids))


def _all_gone(pids: Sequence[int]) -> bool:
    return not any(map(is_alive, pids))


# --- Ports ----------------------------------------------------------------------------------------------


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, host: str = "127.0.0.1") -> int:
    """The preferred port when nobody has it, else any free one."""
    if preferred and is_port_free(preferred, host):
        return preferred
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
