"""What runs on top of the servers: the web server, the worker, the clock, and single commands."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from productops.local.errors import CannotStart, Stopped, full_disk_line
from productops.local.places import CHECKOUT, Places, write_whole
from productops.local.processes import MARK, start_process
from productops.local.supervisor import Service, Supervisor

_COMMAND_SECONDS = 1800.0


def child_environ(
    environ: Mapping[str, str], places: Places, urls: Mapping[str, str], public_url: str
) -> dict[str, str]:
    """What every program of ours gets: where the servers are, the key, and no DEBUG."""
    own = {
        **urls,
        "SECRET_KEY": environ.get("SECRET_KEY") or places.secret_key(),
        "PRODUCTOPS_URL": public_url,
        "PRODUCTOPS_VAR": str(places.var),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # many threads, little memory
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        MARK: str(places.var),
    }
    kept = {name: value for name, value in environ.items() if name not in _NOT_PASSED_ON}
    return {**kept, **own}


# What is set for the person's own commands. Without the bytecode each program would compile all of ours at its start.
_NOT_PASSED_ON = ("DEBUG", "PRODUCTOPS_ROLE", "PYTHONDONTWRITEBYTECODE")


def programs(
    places: Places, environ: Mapping[str, str], port: int, web_answers: Callable[[], bool]
) -> list[Service]:
    """Web server, worker, sender of notices and clock."""
    schedule = places.run / "beat-schedule"
    celery = ("-m", "celery", "-A", "productops")
    commands = {
        "web": (*GRANIAN, "--port", str(port), "productops.wsgi:application"),
        "worker": (*celery, "worker", "-c", "2", "-Q", "celery,files", *_QUIETLY, "--hostname=worker@%h"),
        # Waits for strangers' servers, in threads of its own: apart, so that what comes in never waits for them.
        "sender": (*celery, "worker", "-P", "solo", "-Q", "notices", *_QUIETLY, "--hostname=sender@%h"),
        "beat": (*celery, "beat", *_QUIETLY, f"--schedule={schedule}", "--pidfile="),
    }
    return [
        Service(
            name=name,
            command=(sys.executable, *command),
            environ=environ,
            cwd=CHECKOUT,
            log=places.log / f"{name}.log",
            # A worker asked with TERM finishes its task first; orphaned, it should not take that long.
            when_orphaned=signal.SIGQUIT if name in ("worker", "sender") else signal.SIGTERM,
            is_ready=web_answers if name == "web" else None,
        )
        for name, command in commands.items()
    ]


_QUIETLY = ("--loglevel=warning",)

# A body that drips in holds one blocking thread until it is whole, so there are many of them; they are
# started as needed and cost little. A worker that hangs is not waited for longer than an end may take.
GRANIAN = (
    "-m",
    "granian",
    "--interface=wsgi",
    "--host=127.0.0.1",
    "--http=1",
    "--no-ws",
    "--workers=2",
    "--blocking-threads=128",
    "--backpressure=128",
    "--backlog=1024",
    "--http1-header-read-timeout=15000",
    "--respawn-failed-workers",
    "--respawn-interval=0.5",
    "--workers-kill-timeout=3",
    "--log-level=warning",
)


def run_manage(
    supervisor: Supervisor,
    environ: Mapping[str, str],
    *arguments: str,
    log: Path | None = None,
    take: Callable[[bytes], None] | None = None,
) -> int:
    """Runs `manage.py` beside the services, its output to `log` or to `take`; answers its exit code."""
    process = start_process(
        [sys.executable, CHECKOUT / "manage.py", *arguments],
        environ=environ,
        cwd=CHECKOUT,
        log=log,
        stdout=subprocess.PIPE if take else None,
    )
    code = supervisor.run_beside(process, _COMMAND_SECONDS, take)
    if process.stdout:
        process.stdout.close()
    if supervisor.stop.asked:
        raise Stopped
    return code if code is not None else 1


def must_manage(supervisor: Supervisor, places: Places, environ: Mapping[str, str], *arguments: str) -> None:
    """As `run_manage`, its output to `setup.log`; whatever goes wrong ends the start with one line."""
    log = places.log / "setup.log"
    log.unlink(missing_ok=True)
    if run_manage(supervisor, environ, *arguments, log=log) != 0:
        said = log.read_text(errors="replace").strip().splitlines() or ["no output"]
        if any("No space left" in line for line in said):
            raise CannotStart(full_disk_line(places.var))
        raise CannotStart(f"manage.py {arguments[0]} failed: {said[-1].strip()} (all of it in {log})")


def collect_static(supervisor: Supervisor, places: Places, environ: Mapping[str, str]) -> bool:
    """Collects static files when any of ours or the installed packages changed; answers whether it did.

    Into `var/static` of the checkout, whichever `var/` the servers use: settings know one place.
    """
    stamp_file = CHECKOUT / "var" / "static" / ".collected"
    stamp = _static_stamp()
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return False
    # As the web role: only that one fingerprints the files.
    web = {**environ, "PRODUCTOPS_ROLE": "web"}
    must_manage(supervisor, places, web, "collectstatic", "--noinput", "--clear", "--verbosity=0")
    write_whole(stamp_file, stamp)
    return True


def _static_stamp() -> str:
    digest = hashlib.sha256((CHECKOUT / "requirements.txt").read_bytes())
    for path in sorted(_static_files()):
        digest.update(f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _static_files() -> Iterator[Path]:
    for app in ("productops", "roadmap", "outcomes"):
        for folder in (CHECKOUT / app).glob("**/static"):
            yield from (path for path in folder.rglob("*") if path.is_file())
