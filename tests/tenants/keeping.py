"""What must not move, and what must not be told."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.http import HttpResponse

# Notes about the asking itself: when a key was used last.
_NOTED = ("workspaces_apikey",)


def written() -> dict[str, str]:
    """A digest of every table of the project, so that two of them say whether anything was written between."""
    tables = sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.managed and model._meta.app_label in ("workspaces", "roadmap", "outcomes")
    )
    parts = [
        f"SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg({_row(table)}, ' ' ORDER BY {_row(table)})), '')"
        f" FROM {table} AS t"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def _row(table: str) -> str:
    return (
        "(to_jsonb(t) - 'last_used_at' - 'last_login')::text"
        if table in (*_NOTED, "workspaces_user")
        else "t::text"
    )


def told(answer: HttpResponse) -> tuple[int, Any, dict[str, str]]:
    """What an answer says, but for what it repeats of the question and what differs from one to the next."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if not name.startswith("RateLimit") and name not in ("X-Request-ID", "Content-Length")
    }
    if not answer["Content-Type"].endswith("json"):
        return answer.status_code, b"".join(answer), headers  # type: ignore[arg-type]
    body = answer.json()
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in ("instance", "request_id")}
    return answer.status_code, body, headers


def words(answer: HttpResponse) -> set[str]:
    """Every text in an answer, JSON or CSV, names of members included."""
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    if answer["Content-Type"].startswith("text/csv"):
        return {cell for line in csv.reader(io.StringIO(raw.decode())) for cell in line}
    return set(_texts(json.loads(raw)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
