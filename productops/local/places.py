"""Where things lie on this machine, and the small files that say so."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Places:
    """Every path under one `var/` folder. Two servers never share one."""

    var: Path

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def redis(self) -> Path:
        return self.var / "redis"

    @property
    def counts(self) -> Path:
        """Where the processes keep what they count for /metrics."""
        return self.run / "counts"

    @property
    def lock(self) -> Path:
        return self.run / "server.lock"

    @property
    def servers_file(self) -> Path:
        return self.run / "servers.json"

    @property
    def credentials_file(self) -> Path:
        return self.run / "credentials.json"

    @property
    def secret_key_file(self) -> Path:
        return self.var / "secret_key"

    @property
    def env_file(self) -> Path:
        return self.var / "local.env"

    @property
    def demo_unfinished_file(self) -> Path:
        return self.run / "demo-unfinished"

    def make(self) -> None:
        """Creates the folders; those that hold passwords are closed to other people."""
        self.var.mkdir(parents=True, exist_ok=True)
        for folder in (self.run, self.log, self.redis):
            folder.mkdir(mode=0o700, exist_ok=True)

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def secret_key(self) -> str:
        """The key that signs sessions and cursors: made once, then kept."""
        if not self.secret_key_file.exists():
            write_whole(self.secret_key_file, secrets.token_urlsafe(50) + "\n")
        return self.secret_key_file.read_text().strip()


def places(environ: Mapping[str, str] = os.environ) -> Places:
    """`var/` of this checkout, or where `PRODUCTOPS_VAR` points (the tests' servers live elsewhere)."""
    chosen = environ.get("PRODUCTOPS_VAR")
    return Places(Path(chosen).resolve() if chosen else CHECKOUT / "var")


def server_urls() -> dict[str, str]:
    """What the running servers are reached by: `DATABASE_URL`, `REDIS_URL`, `PRODUCTOPS_URL`, `SECRET_KEY`.

    Empty values are left out; without servers and without a key the answer is `{}`. Settings take these
    as defaults, so the environment always wins. Reads two small files and starts nothing.
    """
    where = places()
    urls: dict[str, str] = {"SECRET_KEY": _text(where.secret_key_file).strip()}
    urls.update(json.loads(_text(where.servers_file) or "{}"))
    return {name: value for name, value in urls.items() if value}


def _text(path: Path) -> str:
    """What the file says; empty when there is none or it belongs to someone else."""
    try:
        return path.read_text()
    except (FileNotFoundError, PermissionError):
        return ""


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes `text` so that a reader sees the old file or the new one, never half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(path)
