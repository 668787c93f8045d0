"""A PostgreSQL of a benchmark's own, which ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def own_servers(name: str, *, is_kept: bool = False, is_fillable: bool = False) -> Iterator[None]:
    """Django, set up on a migrated database in var/NAME; it is removed at the end unless it `is_kept`.

    In one that `is_fillable` the role of the application may leave out what keys and triggers check.
    """
    sys.path.insert(0, str(ROOT))
    from productops.local.places import Places
    from productops.local.processes import Stop
    from productops.local.programs import child_environ
    from productops.local.servers import Servers
    from productops.local.supervisor import Supervisor
    from productops.local.telling import Telling

    where = Places(ROOT / "var" / name)
    where.make()
    (ROOT / "var" / "static").mkdir(exist_ok=True)  # nothing is collected, but settings name it
    stop = Stop()
    # As Ctrl-C does: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    say = Telling(where.log / "server.log")
    supervisor = Supervisor(stop, where.run, say)
    outer = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    try:
        servers = _fillable() if is_fillable else Servers
        urls = servers(where, supervisor, say).start(outer)
        os.environ.update(child_environ(outer, where, urls, "http://127.0.0.1:8000"))
        _set_up()
        yield
    finally:
        supervisor.stop_all()
        if not is_kept:
            shutil.rmtree(where.var, ignore_errors=True)


def _fillable() -> Any:
    from productops.local.postgres import ROLE, Postgres
    from productops.local.servers import Servers

    class FillableServers(Servers):
        def _prepare(self, server: Postgres) -> None:
            super()._prepare(server)
            server._statements(server.data, f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}")

    return FillableServers


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
