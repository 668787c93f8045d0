"""Columns that several pages of insights share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outcomes.admin.insights.cells import Column, text, to
from roadmap.admin.numbers import UNKNOWN, percent


def numbers(*columns: tuple[str, Callable[[Any], str]]) -> list[Column]:
    return [Column(title, show, is_number=True) for title, show in columns]


def interval(show: Callable[[float | None], str] = percent) -> Callable[[Any], str]:
    def shown(row: Any) -> str:
        return UNKNOWN if row.low is None else f"{show(row.low)} to {show(row.high)}"

    return shown


ITEM_BY_ID = Column("Feature", text("title"), to("item", "id"))
ITEM_BY_KEY = Column("Feature", text("title"), to("item", "item"))
ITEM_BY_ITEM_ID = Column("Feature", text("title"), to("item", "item_id"))
