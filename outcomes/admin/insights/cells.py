"""Rows of an insight as the cells of its page: words as people read them, and links to what they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from outcomes.models import Flag, Metric, Source
from productops.workspaces.admin.owned import page_url
from productops.workspaces.models import Workspace
from roadmap.admin.numbers import UNKNOWN, percent, short, words
from roadmap.models import Customer, Item, Problem

# What a link leads to: a kind, and the key or the id of what is meant.
Place = tuple[str, str | int]

_MODELS: Mapping[str, type[Model]] = {
    "item": Item,
    "problem": Problem,
    "customer": Customer,
    "metric": Metric,
    "source": Source,
    "flag": Flag,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, what it shows of a row, and what that leads to, if it does."""

    title: str
    show: Callable[[Any], str]
    leads: Callable[[Any], Place] | None = None
    is_number: bool = False
    is_badge: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """How an insight reads as a page: the question it answers, the figures of its summary, and its columns."""

    title: str
    question: str
    figures: Sequence[tuple[str, Callable[[Any], str]]]
    columns: Sequence[Column]
    empty: str = "Nothing to tell. Good."


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    url: str
    is_number: bool
    is_badge: bool


def number(name: str, digits: int = 1) -> Callable[[Any], str]:
    return lambda row: short(getattr(row, name), digits)


def share(name: str) -> Callable[[Any], str]:
    return lambda row: percent(getattr(row, name))


def text(name: str) -> Callable[[Any], str]:
    """As it stands: a title, a key, a day."""
    return lambda row: UNKNOWN if getattr(row, name) in (None, "") else str(getattr(row, name))


def word(name: str) -> Callable[[Any], str]:
    return lambda row: words(getattr(row, name))


def moment(name: str) -> Callable[[Any], str]:
    def shown(row: Any) -> str:
        at = getattr(row, name)
        return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M} UTC"

    return shown


def to(kind: str, name: str) -> Callable[[Any], Place]:
    """Leads to what the field names by its key or id."""
    return lambda row: (kind, getattr(row, name))


def cells_of(workspace: Workspace, sheet: Sheet, rows: Sequence[Any]) -> list[list[Cell]]:
    """The table of a page; one query for each kind of thing that is named by its key."""
    wanted = [
        column.leads(row) for row in rows for column in sheet.columns if column.leads and column.show(row)
    ]
    urls = _urls_of(workspace, wanted)
    return [[_cell(column, row, urls) for column in sheet.columns] for row in rows]


def _cell(column: Column, row: Any, urls: Mapping[Place, str]) -> Cell:
    url = urls.get(column.leads(row), "") if column.leads else ""
    return Cell(column.show(row), url, column.is_number, column.is_badge)


def _urls_of(workspace: Workspace, places: Sequence[Place]) -> dict[Place, str]:
    urls: dict[Place, str] = {}
    keys: dict[str, set[str]] = defaultdict(set)
    for kind, ref in places:
        if isinstance(ref, int):
            urls[kind, ref] = page_url(_MODELS[kind], ref)
        elif ref:
            keys[kind].add(ref)
    for kind, named in keys.items():
        model: Any = _MODELS[kind]
        found = model.objects.in_workspace(workspace.pk).filter(key__in=sorted(named))
        urls.update({(kind, key): page_url(model, pk) for key, pk in found.values_list("key", "pk")})
    return urls
