"""Statements that are run thousands of times a minute: planned once a connection, values sent beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection

_ONLY_WHEN_ASKED = 2**31


def execute_prepared(query: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """Run a statement on Django's connection and return its rows; errors are Django's.

    Django's own cursor writes values into the text, which PostgreSQL then parses and plans every time. Whoever
    is behind the write is not told to the database: of a table whose changes are recorded the caller tells it.
    """
    connection.ensure_connection()
    if connection.connection.prepare_threshold is None:
        # Django's way to say never, whatever a statement asks for. Nobody's statement runs this often by itself.
        connection.connection.prepare_threshold = _ONLY_WHEN_ASKED
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(query, values, prepare=True)
        return cursor.fetchall()
