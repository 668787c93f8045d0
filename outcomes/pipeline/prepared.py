"""Statements that are run thousands of times a minute: planned once a connection, values sent beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


def execute_prepared(query: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """Run a statement on Django's connection and return its rows; errors are Django's.

    Django's own cursor writes values into the text, which PostgreSQL then parses and plans every time. For tables
    whose changes nobody records: whoever is behind the write is not told to the database.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(query, values, prepare=True)
        return cursor.fetchall()
