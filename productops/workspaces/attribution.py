"""Who is behind a write: told to the database, whose triggers write it down with the change.

A door says it once (`acting`, or `say_who` within a request); every statement that writes carries it along in
a setting of its transaction, so that bulk writes, raw SQL and cascades are attributed like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from productops.workspaces.actors import Actor

_WRITES = ("INSERT", "UPDATE", "DELETE", "WITH", "MERGE")
SETTING = "productops.actor"
_HAS_TOLD = "productops_has_told"


@dataclass(slots=True)
class Behind:
    """What is known so far about who is behind the writes of this request or task."""

    actor: Actor | None = None
    request_id: str = ""

    def as_text(self) -> str:
        said: dict[str, Any] = {"request": self.request_id}
        if self.actor is not None:
            said |= {"by": self.actor.name, "user": self.actor.user_id, "via": self.actor.via}
        return json.dumps(said)


_behind: ContextVar[Behind | None] = ContextVar("productops_behind", default=None)


@contextmanager
def acting(actor: Actor | None, request_id: str = "") -> Iterator[None]:
    """Attribute the writes of this block to `actor`; within a request the request's id stays."""
    outer = _behind.get()
    token = _behind.set(Behind(actor, request_id or (outer.request_id if outer else "")))
    try:
        yield
    finally:
        _behind.reset(token)


def say_who(actor: Actor) -> None:
    """Attribute what the running request writes from here on; outside a request it says nothing."""
    behind = _behind.get()
    if behind is not None:
        behind.actor = actor


def known_or(actor: Actor) -> Actor:
    """Who is known to be behind the writes at hand; `actor` if nobody is."""
    behind = _behind.get()
    return behind.actor if behind is not None and behind.actor is not None else actor


def tell(connection: BaseDatabaseWrapper) -> None:
    """Tell the transaction at hand who is behind it, before a statement that goes around Django's cursor."""
    _tell(connection, _behind.get())


def current_request_id() -> str:
    """The id of the running request; empty outside one."""
    behind = _behind.get()
    return behind.request_id if behind else ""


def attribute(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Django's hook around every statement: before one that writes, tell the transaction who is behind it.

    It is told each time: a setting goes with the savepoint it was made in, and nobody tells us which stand.
    """
    behind = _behind.get()
    connection: BaseDatabaseWrapper = context["connection"]
    if behind is None and not getattr(connection, _HAS_TOLD, False):
        # A worker's connection, which never had anybody to tell of: there is nothing to take back.
        return execute(sql, params, many, context)
    if not isinstance(sql, str) or not sql.lstrip()[:6].upper().startswith(_WRITES):
        return execute(sql, params, many, context)
    if connection.in_atomic_block:
        _tell(connection, behind)
        if behind is None and not connection.savepoint_ids:
            # Taken back for the whole transaction, and no savepoint is open that could bring it again.
            setattr(connection, _HAS_TOLD, False)
        return execute(sql, params, many, context)
    if behind is None:
        return execute(sql, params, many, context)
    with transaction.atomic(using=connection.alias):
        _tell(connection, behind)
        return execute(sql, params, many, context)


def _tell(connection: BaseDatabaseWrapper, behind: Behind | None) -> None:
    setattr(connection, _HAS_TOLD, True)
    text = behind.as_text() if behind else ""
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(f"SELECT set_config('{SETTING}', %s, true)", [text])


def listen_to(sender: Any, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Put the hook on a new connection, once: the wrapper outlives the connection within it."""
    if attribute not in connection.execute_wrappers:
        connection.execute_wrappers.append(attribute)
