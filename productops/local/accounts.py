"""Running PostgreSQL when we are root: it refuses to be root, so it gets a user and a place of its own.

An ordinary user keeps everything under `var/`. For root the binaries and the data stay where they are as
long as the user can reach them; a checkout in a folder closed to others (such as /root) has them in
`/var/lib/productops-<hash of the folder>`, and `var/postgres` is then a link to the data there.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from productops.local.errors import CannotStart
from productops.local.processes import Account

ACCOUNT_NAME = "productops"
_FALLBACK_NAME = "nobody"
_ROOMS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  closed to others by the mode we give it


def server_account() -> Account | None:
    """The user that PostgreSQL runs as; None when that is simply us."""
    if os.geteuid() != 0:
        return None
    return _account(ACCOUNT_NAME) or _created_account() or _fallback_account()


def _account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry.pw_uid != 0 else None


def _created_account() -> Account | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    return _account(ACCOUNT_NAME)


def _fallback_account() -> Account:
    found = _account(_FALLBACK_NAME)
    if found is None:
        raise CannotStart("PostgreSQL cannot run as root and there is no other user: useradd productops")
    return found


def succeeds_as(account: Account, command: Sequence[str | Path]) -> bool:
    """Whether the user can run the command at all and it exits 0."""
    try:
        done = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            cwd="/",
            timeout=30,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def can_enter(account: Account, folder: Path) -> bool:
    return succeeds_as(account, ["/bin/sh", "-c", 'cd "$1"', "sh", folder])


def open_room(var: Path) -> Path:
    """A folder outside the checkout that any user can pass through; the same one for the same `var/`."""
    name = f"productops-{hashlib.sha256(str(var).encode()).hexdigest()[:12]}"
    for parent in _ROOMS:
        room = parent / name
        try:
            room.mkdir(mode=0o711, exist_ok=True)
            room.chmod(0o711)
        except OSError:
            continue
        if room.stat().st_uid == os.geteuid():
            return room
    raise CannotStart(f"no place for PostgreSQL's files outside {var}: /var/lib and /var/tmp refuse them")


def copy_readable(source: Path, target: Path) -> None:
    """Copies a tree so that every user can read it, whole or not at all."""
    if target.exists():
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copytree(source, draft, ignore=shutil.ignore_patterns("include", "*.a"), symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    draft.rename(target)
