"""The two embedded servers, or the ones that exist: whichever, their URLs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from productops.local.errors import CannotStart, Stopped
from productops.local.places import Places, write_whole
from productops.local.postgres import Postgres, database_url, find_postgres, port_of
from productops.local.processes import free_port
from productops.local.supervisor import Service, Supervisor
from productops.local.valkey import find_valkey, redis_url

DATABASE_URL = "DATABASE_URL"
REDIS_URL = "REDIS_URL"
_ATTEMPTS = 3  # another program may take a free port between our look and the server's start
_READY_WITHIN = 60.0  # recovery after kill -9 replays the write-ahead log


@dataclass
class Servers:
    """Starts PostgreSQL and Redis under a supervisor, unless the environment names servers that exist.

    `durable=False` is for test data: made faster, and lost when the machine loses power.
    """

    places: Places
    supervisor: Supervisor
    say: Callable[[str], None]
    durable: bool = True
    # Passwords of the embedded servers and their last URLs, by `postgres`, `redis` and the URLs' names.
    _known: dict[str, str] = field(default_factory=dict)

    def start(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Answers `DATABASE_URL` and `REDIS_URL`."""
        self._known = self._read()
        urls = {name: environ[name] for name in (DATABASE_URL, REDIS_URL) if self._is_foreign(name, environ)}
        if DATABASE_URL not in urls:
            urls[DATABASE_URL] = self._start_postgres()
        if REDIS_URL not in urls:
            urls[REDIS_URL] = self._start_redis()
        return urls

    def _is_foreign(self, name: str, environ: Mapping[str, str]) -> bool:
        """A server that exists, not our own: whoever sourced `var/local.env` has our own URLs set."""
        url = environ.get(name, "")
        ours = self._known.get("postgres" if name == DATABASE_URL else "redis")
        return bool(url) and not (ours and f":{ours}@" in url)

    def _start_postgres(self) -> str:
        server = find_postgres(self.places)
        server.end_leftovers()
        if not self.durable:
            server.remove()  # every run begins with nothing
        self._prepare(server)
        log = self.places.log / "postgres.log"
        port = self._start_on_free_port(
            lambda port: server.service(port, log, durable=self.durable), port_of(self._known, DATABASE_URL)
        )
        return self._remember(DATABASE_URL, database_url(port, self._known["postgres"]))

    def _prepare(self, server: Postgres) -> None:
        if not server.is_made():
            self.say("Making the PostgreSQL database")
            server.make(self._new_password("postgres"), durable=self.durable)
        elif "postgres" not in self._known:
            server.set_password(self._new_password("postgres"))

    def _start_redis(self) -> str:
        server = find_valkey(self.places)
        password = self._known.get("redis") or self._new_password("redis")
        port = self._start_on_free_port(
            lambda port: server.service(port, password), port_of(self._known, REDIS_URL)
        )
        return self._remember(REDIS_URL, redis_url(port, password))

    def _start_on_free_port(self, service: Callable[[int], Service], preferred: int | None) -> int:
        for _ in range(_ATTEMPTS):
            port = free_port(preferred)
            chosen = service(port)
            self.supervisor.start(chosen)
            if self.supervisor.wait_ready(chosen.name, _READY_WITHIN):
                return port
            if self.supervisor.stop.asked:
                raise Stopped
            self.supervisor.drop(chosen.name)
            preferred = None
        raise CannotStart(f"{chosen.name} does not start: see {chosen.log}")

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.places.credentials_file.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _new_password(self, name: str) -> str:
        """Written down before it is used, so that a crash in between cannot lock us out."""
        return self._remember(name, secrets.token_hex(24))

    def _remember(self, name: str, value: str) -> str:
        if self._known.get(name) != value:
            self._known[name] = value
            write_whole(self.places.credentials_file, json.dumps(self._known, indent=1) + "\n")
        return value
