"""Columns of lists that show a number as people read it; they sort by the number, what is not known last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import F

from roadmap.admin.numbers import percent, short

Column = Callable[[Any], str]


def numbers(*names: str, digits: int = 1, **headings: str) -> tuple[Column, ...]:
    """Columns of fields that hold a number; `headings` name them otherwise than their fields do."""
    return tuple(_column(name, lambda value: short(value, digits), headings.get(name)) for name in names)


def shares(*names: str, **headings: str) -> tuple[Column, ...]:
    """Columns of fields that hold a share of 0..1."""
    return tuple(_column(name, percent, headings.get(name)) for name in names)


def _column(name: str, show: Callable[[float | None], str], heading: str | None) -> Column:
    @admin.display(description=heading or name.replace("_", " "), ordering=F(name).desc(nulls_last=True))
    def shown(row: Any) -> str:
        return show(getattr(row, name))

    # The style sheet knows a column by the name of its field.
    shown.__name__ = name
    return shown
