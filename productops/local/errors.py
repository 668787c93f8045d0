"""What stops a start, in words for the person who typed the command."""

from __future__ import annotations

import errno


class CannotStart(Exception):
    """One line that says what is wrong and what to do."""


def full_disk_line(where: object) -> str:
    return f"no space left on the disk that holds {where}: free about 1 GB and start again"


def is_full_disk(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
