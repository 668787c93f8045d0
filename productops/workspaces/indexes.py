"""Indexes that lists in an order are read along."""

from __future__ import annotations

from django.db.models import F, Index


def in_order_of(name: str, column: str, last: str = "id") -> Index:
    """Rows of a workspace in the order of a column that is never unknown; the reverse order sorts equal rows.

    `last` is the column that says which row of the list it is, where the rows are kept beside the listed ones.
    """
    return Index(F("workspace"), F(column), F(last), name=name)


def in_known_order_of(name: str, column: str, last: str = "id") -> Index:
    """The same for a value that a row of the list can be without: from the highest down, unknown last."""
    return Index(F("workspace"), F(column).desc(nulls_last=True), F(last), name=name)
