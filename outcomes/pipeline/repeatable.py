"""Transactions whose work is found and done again if the machine dies: their commit need not wait for the disk.

What they do follows from rows that are durable: a delivery that was acknowledged, a mark that was left with an
edit. Losing the last moments of it leaves those rows as they were, pending. Commits reach the disk in order, so
whatever anybody does durably on top of such work makes it durable, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def repeatable() -> Iterator[None]:
    """A transaction of the worker's own; within somebody else's it is a savepoint, as durable as that one."""
    is_own = not connection.in_atomic_block
    with transaction.atomic():
        if is_own:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
        yield
