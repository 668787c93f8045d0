"""Keeps a handful of processes running and ends them in order."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from productops.local.places import write_whole
from productops.local.processes import (
    Account,
    Stop,
    Waiter,
    end_group,
    has_ended,
    signal_group,
    start_process,
)

LOG_BYTES = 5 * 1024 * 1024
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 10.0  # seconds of life after which an end counts as the first of a new series
_HOUSEKEEPING = 5.0

# Together below the ten seconds that one INT or TERM may take.
_APPS_GET = 3.5
_SERVERS_GET = 2.5
_SECOND_ASKING_GETS = 0.7


@dataclass(frozen=True)
class Service:
    """One process that is to run all the time: how it starts, how it is asked to end."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    cwd: Path
    log: Path
    account: Account | None = None
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    when_orphaned: signal.Signals = signal.SIGTERM
    is_ready: Callable[[], bool] | None = None
    is_server: bool = False  # the others depend on it, so it starts first and ends last


@dataclass
class Post:
    """A service's place in the supervisor: the process that holds it now, and how often it has fallen."""

    service: Service
    pid_file: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    falls: int = 0
    next_start_at: float = 0.0

    def start(self) -> None:
        service = self.service
        self.started_at = time.monotonic()
        self.process = start_process(
            service.command,
            environ=service.environ,
            cwd=service.cwd,
            log=service.log,
            account=service.account,
            when_orphaned=service.when_orphaned,
        )
        write_whole(self.pid_file, f"{self.process.pid}\n", 0o644)

    def fell(self) -> tuple[int, float]:
        """Takes note of an end nobody asked for; answers exit code and pause before the next start."""
        assert self.process is not None
        code = end_group(self.process)
        self.process = None
        lived = time.monotonic() - self.started_at
        self.falls = 1 if lived >= _STEADY_AFTER else self.falls + 1
        pause = pause_after(self.falls)
        self.next_start_at = time.monotonic() + pause
        return code, pause


def pause_after(falls: int) -> float:
    """Seconds to wait before the next start: 0.5, 1, 2, ... up to 30."""
    return min(_FIRST_PAUSE * 2.0 ** min(falls - 1, 16), _LONGEST_PAUSE)


@dataclass
class Supervisor:
    """One thread, one loop. `tend` brings back what fell; `stop_all` ends everything within ten seconds."""

    stop: Stop
    run: Path
    say: Callable[[str], None]
    posts: dict[str, Post] = field(default_factory=dict)
    _next_housekeeping: float = 0.0

    def start(self, service: Service) -> None:
        post = Post(service, self.run / f"{service.name}.pid")
        self.posts[service.name] = post
        post.start()

    def wait_ready(self, name: str, seconds: float) -> bool:
        """False when the service is not ready in time, ended meanwhile, or we were asked to stop."""
        post = self.posts[name]
        assert post.service.is_ready is not None
        ready = post.service.is_ready

        # Asked once more it may be too busy to say the same: what it said once is enough.
        was_ready = False

        def settled() -> bool:
            nonlocal was_ready
            was_ready = was_ready or (self.is_up(name) and ready())
            return was_ready or not self.is_up(name)

        Waiter(seconds).until(settled, self.stop)
        return was_ready and self.is_up(name)

    def is_up(self, name: str) -> bool:
        """Whether the process of a service runs, whatever it says of itself."""
        process = self.posts[name].process
        return process is not None and not has_ended(process)

    def drop(self, name: str) -> None:
        """Ends one service at once and forgets it."""
        post = self.posts.pop(name)
        if post.process is not None:
            end_group(post.process)
        post.pid_file.unlink(missing_ok=True)

    def tend(self) -> None:
        """Restarts what fell, after its pause, and keeps the logs small."""
        now = time.monotonic()
        for post in self.posts.values():
            if post.process is not None and has_ended(post.process):
                code, pause = post.fell()
                self.say(
                    f"{post.service.name} ended ({describe_exit(code)}); starting it again in {pause:g} s"
                )
            elif post.process is None and now >= post.next_start_at:
                post.start()
        if now >= self._next_housekeeping:
            self._next_housekeeping = now + _HOUSEKEEPING
            for post in self.posts.values():
                bound_log(post.service.log)

    def run_until_stopped(self) -> None:
        while not self.stop.asked:
            self.tend()
            self.stop.wait(self._nap())

    def run_beside(
        self,
        process: subprocess.Popen[bytes],
        seconds: float,
        take: Callable[[bytes], None] | None = None,
    ) -> int | None:
        """Tends the services until `process` ends and answers its exit code.

        None when we were asked to stop or the time was over: then the process has been ended. What it
        writes to a piped standard output goes to `take` as it comes.
        """
        deadline = time.monotonic() + seconds
        output = process.stdout.fileno() if process.stdout and take else None
        while not has_ended(process):
            self.tend()
            watched = [output] if output is not None else []
            if self.stop.wait(min(self._nap(), 1.0), *watched) or time.monotonic() > deadline:
                signal_group(process, signal.SIGTERM)
                Waiter(1.0).until(lambda: has_ended(process))
                end_group(process)
                return None
            if output is not None and take and not _pass_on(output, take):
                output = None  # closed: watching it on would wake us for ever
        while output is not None and take and _is_readable(output) and _pass_on(output, take):
            pass
        return end_group(process)

    def stop_all(self) -> None:
        """Those that use the servers first, then the servers; whoever does not go is killed by its id."""
        everybody = [post for post in self.posts.values() if post.process is not None]
        self._end([post for post in everybody if not post.service.is_server], _APPS_GET)
        self._end([post for post in everybody if post.service.is_server], _SERVERS_GET)
        self.posts.clear()

    def _end(self, posts: list[Post], seconds: float) -> None:
        for turn, patience in enumerate((seconds, _SECOND_ASKING_GETS)):
            asked = [post for post in posts if post.process and turn < len(post.service.stop_signals)]
            for post in asked:
                _ask(post, turn)
            if asked:
                Waiter(patience).until(partial(_are_over, asked))
        for post in posts:
            if post.process is not None:
                end_group(post.process)
            post.process = None
            post.pid_file.unlink(missing_ok=True)

    def _nap(self) -> float:
        """Until the next thing that has to be done by the clock; signals and dead children wake us sooner."""
        pending = [post.next_start_at for post in self.posts.values() if post.process is None]
        return max(min([*pending, self._next_housekeeping]) - time.monotonic(), 0.05)


def _is_readable(output: int) -> bool:
    return bool(select.select([output], [], [], 0)[0])


def _pass_on(output: int, take: Callable[[bytes], None]) -> bool:
    """Hands on what can be read without waiting; False at the end of the stream."""
    if not _is_readable(output):
        return True
    part = os.read(output, 65536)
    if part:
        take(part)
    return bool(part)


def _ask(post: Post, turn: int) -> None:
    """Only the process itself: what it forked is its own to end."""
    if post.process is not None and not has_ended(post.process):
        with contextlib.suppress(ProcessLookupError):
            post.process.send_signal(post.service.stop_signals[turn])


def _are_over(posts: list[Post]) -> bool:
    return all(post.process is None or has_ended(post.process) for post in posts)


def describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def bound_log(log: Path, limit: int = LOG_BYTES) -> None:
    """Keeps a log and one older part of it below `limit` bytes each.

    Copied and emptied in place: the process that writes holds it open at its end and notices nothing.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            with log.open("rb") as whole, log.with_name(f"{log.name}.1").open("wb") as older:
                whole.seek(-limit, 2)
                shutil.copyfileobj(whole, older)
            with log.open("r+b") as file:
                file.truncate(0)
