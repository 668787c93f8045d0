"""Lists as CSV: the same filters and order as the JSON, every row, streamed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django_filters import FilterSet
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from productops.api.numbers import shown
from productops.api.problems import BadParameter
from roadmap.imports.cells import guard

CSV = "text/csv"
# How the OpenAPI document describes a CSV answer.
CSV_RESPONSE = {(200, CSV): OpenApiTypes.STR}
_ROWS_AT_ONCE = 500


class _Echo:
    """A file for csv.writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True, slots=True)
class Export:
    """A list as a file: its name, and its columns by name with what each shows of a row."""

    name: str
    columns: Mapping[str, Callable[[Any], Any]]

    @staticmethod
    def parameters(filterset: type[FilterSet]) -> Iterable[str]:
        """What can be asked of an export: the list's filters and order, and which columns."""
        return (*filterset.base_filters, "ordering", "fields")

    def answer(self, request: Request, rows: QuerySet[Any]) -> StreamingHttpResponse:
        """Stream the rows, with the columns that ?fields= names or all of them; raises BadParameter."""
        names = self._chosen(request)
        chosen = [self.columns[name] for name in names]
        lines = ([show(row) for show in chosen] for row in _a_few_at_a_time(rows))
        return csv_response(self.name, names, lines)

    def _chosen(self, request: Request) -> list[str]:
        said = [name.strip() for name in request.query_params.get("fields", "").split(",") if name.strip()]
        unknown = [name for name in said if name not in self.columns]
        if unknown:
            told = ", ".join(self.columns)
            raise BadParameter("fields", f"{unknown[0][:100]!r} is not one of {told}.")
        return said or list(self.columns)


def _a_few_at_a_time(rows: QuerySet[Any]) -> Iterator[Any]:
    """Every row of a list in its order, a few hundred in memory at a time.

    The server's cursor holds nothing but ids: sorting them is quick however long the list, while what a row
    shows is asked for batch by batch. A row that has gone or changed in between is not repeated.
    """
    ids = rows.prefetch_related(None).values_list("pk", flat=True).iterator(chunk_size=_ROWS_AT_ONCE)
    while batch := list(islice(ids, _ROWS_AT_ONCE)):
        found = {row.pk: row for row in rows.order_by().filter(pk__in=batch)}
        yield from (found[pk] for pk in batch if pk in found)


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Stream rows under a header as a file called `name`; no cell can be taken for a formula."""
    response = StreamingHttpResponse(_lines(columns, rows), content_type=f"{CSV}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(shown(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    # Only text can be a formula: a number that begins with a minus must stay a number.
    return guard(str(value))
