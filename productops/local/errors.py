"""What stops a start, in words for the person who typed the command."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path


class CannotStart(Exception):
    """One line that says what is wrong and what to do."""


class Stopped(Exception):
    """INT or TERM came while we were starting."""


def complain(text: str) -> None:
    print(f"productops: {text}", file=sys.stderr, flush=True)


def full_disk_line(where: Path) -> str:
    return f"no space left on the disk that holds {where}: free about 1 GB and start again"


@contextlib.contextmanager
def in_one_line(where: Path) -> Iterator[None]:
    """Turns a full disk or a closed folder, wherever it is met, into the line a person can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CannotStart(full_disk_line(where)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            told = f"{error.filename or where}: {error.strerror}: whose files are these?"
            raise CannotStart(told) from error
        raise
