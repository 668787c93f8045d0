"""The roadmap side of the story as CSV files, for the same importer that anybody's files go through."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from outcomes.demo.customers import customers
from outcomes.demo.problems import PROBLEMS
from outcomes.demo.story import ITEMS
from outcomes.demo.voices import evidence, surveys

Cell = str | int | float | date | None


def roadmap_tables(loaded_on: date) -> Iterator[tuple[str, bytes]]:
    """Kind and content of each file, in the order in which they refer to each other."""
    yield "customers", _customers()
    yield "problems", _problems()
    yield "items", _items(loaded_on)
    yield "links", _links()
    yield "evidence", _evidence(loaded_on)
    yield "surveys", _surveys(loaded_on)


def _customers() -> bytes:
    header = ("key", "name", "segment", "mrr")
    rows: list[list[Cell]] = [
        [customer.key, customer.name, customer.segment, customer.mrr] for customer in customers()
    ]
    return _file(header, rows)


def _problems() -> bytes:
    header = ("key", "title", "description", "parent")
    return _file(header, [[getattr(problem, name) for name in header] for problem in PROBLEMS])


def _items(loaded_on: date) -> bytes:
    plain = (
        "key", "title", "summary", "product", "status", "horizon", "kind", "owner", "hypothesis",
        "reach", "impact", "confidence", "effort",
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for item in ITEMS:
        released_on = None if item.released is None else loaded_on + timedelta(days=item.released)
        policy = f"{item.usage_policy}:{item.exemption_reason}".rstrip(":")
        rows.append([*(getattr(item, name) for name in plain), released_on, policy])
    return _file((*plain, "released_on", "usage_policy"), rows)


def _links() -> bytes:
    rows: list[list[Cell]] = [[item.key, problem, weight] for item in ITEMS for problem, weight in item.links]
    return _file(("item", "problem", "weight"), rows)


def _evidence(loaded_on: date) -> bytes:
    header = (
        "external_id", "problem", "customer", "kind", "quote", "source_url", "importance", "observed_on",
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            piece.id, piece.problem, piece.customer, piece.kind, piece.quote, piece.source_url,
            piece.importance, loaded_on + timedelta(days=piece.on),
        ]
        for piece in evidence(customers())
    ]  # fmt: skip
    return _file(header, rows)


def _surveys(loaded_on: date) -> bytes:
    header = ("problem", "segment", "respondents", "importance_top2", "satisfaction_top2")
    rows: list[list[Cell]] = [
        [*(getattr(survey, name) for name in header), loaded_on + timedelta(days=survey.on)]
        for survey in surveys()
    ]
    return _file((*header, "on"), rows)


def _file(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
