"""What the rooms of insights share: how they are asked, how they answer, and how they read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from django.db import connection, transaction

from productops.workspaces.models import Workspace

Summary = TypeVar("Summary")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Question:
    """Whose workspace it is about, how many rows are wanted (0: the summary alone), of which product or problem
    (None: of all), and who asks (None: a key, or nobody who owns anything)."""

    workspace: Workspace
    limit: int
    product_id: int | None = None
    user_id: int | None = None
    problem_id: int | None = None

    @property
    def today(self) -> date:
        return self.workspace.today()

    def days_ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    @property
    def parameters(self) -> dict[str, Any]:
        """What every query is given."""
        return {
            "workspace": self.workspace.pk,
            "product": self.product_id,
            "problem": self.problem_id,
            "today": self.today,
            "window": self.workspace.window_days,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Told(Generic[Summary, Row]):
    """An answer: what it comes to, and the rows that weigh most."""

    summary: Summary
    rows: list[Row]


# The items of the question, as a condition on roadmap_item `item`.
ITEMS = (
    "item.workspace_id = %(workspace)s AND item.archived_at IS NULL"
    " AND (%(product)s::bigint IS NULL OR item.product_id = %(product)s)"
)


@contextmanager
def joined_whole() -> Iterator[None]:
    """Have the database join each part of a query as a whole, never by asking one again for every row of another.

    What a recursive part comes to nobody can tell beforehand. Planned for a row or two, ten thousand are a hundred
    million comparisons.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def read(sql: str, question: Question, **more: Any) -> list[dict[str, Any]]:
    """Run a query with the question's parameters; returns its rows as dicts."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {**question.parameters, **more})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_list(sql: str, question: Question, **more: Any) -> list[dict[str, Any]]:
    """Run the query of an answer's rows; whoever wants none does not pay for it."""
    return read(sql, question, **more) if question.limit else []
