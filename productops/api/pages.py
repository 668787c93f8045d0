"""Pages of a list by the keys of their last row, so that no insert or update shifts what comes next.

A cursor says after (or before) which row a page begins: the row's values in every ordering column and its
id. It is signed, and bound to workspace, filters and order: a cursor for another question is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.signing import BadSignature, Signer
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from productops.api.keyset import Column, Cursor, Keyset
from productops.api.problems import BadParameter

if TYPE_CHECKING:
    # REST framework's settings name this module, so it is read before the views are.
    from rest_framework.views import APIView

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
PARAMETERS = ("cursor", "page_size", "count", "ordering")

_signer = Signer(salt="productops.api.pages", sep=".")


class KeysetPages(BasePagination):
    """The paginator of every list.

    The view says `orderings`: public name to ORM path or expression, and `default_ordering`, a list of public
    names with or without a minus. Every ordering ends in the id, which goes the way that an index is read.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        assert view is not None
        self.request = request
        self.size = _page_size(request)
        terms = _terms(request, view)
        self.columns = _columns(terms, view, queryset.model)
        self.question = _question(request, terms, self.columns)
        self.cursor = _read_cursor(request, self.question, len(self.columns))
        keyset = Keyset(queryset, self.columns)
        is_counted = _is_count_wanted(request)
        rows = keyset.page(self.cursor, self.size + 1, is_counted=is_counted)
        self.total = self._total(queryset, rows) if is_counted else None
        self.has_more = len(rows) > self.size
        page = rows[: self.size]
        if self.cursor is not None and self.cursor.is_backward:
            page.reverse()
        self.page = page
        return page

    def _total(self, queryset: Any, rows: list[Any]) -> int:
        """Told by any row of the page; an empty list has none, and only beyond the last page is there more to ask."""
        if rows:
            return int(rows[0].keyset_total)
        return 0 if self.cursor is None else int(queryset.count())

    def get_paginated_response(self, data: Any) -> Response:
        body = {"results": data, "next": self._next(), "previous": self._previous()}
        if self.total is not None:
            body["count"] = self.total
        return Response(body)

    def _next(self) -> str | None:
        if self.cursor is not None and self.cursor.is_backward:
            if not self.page:
                return self._url(Cursor(self.cursor.values, is_inclusive=True))
            return self._url(Cursor(self._key(self.page[-1])))
        return self._url(Cursor(self._key(self.page[-1]))) if self.has_more else None

    def _previous(self) -> str | None:
        if self.cursor is None:
            return None
        if self.cursor.is_backward:
            return self._url(Cursor(self._key(self.page[0]), is_backward=True)) if self.has_more else None
        if not self.page:
            # Everything after the place has gone: the way back begins at the place itself.
            return self._url(Cursor(self.cursor.values, is_backward=True, is_inclusive=True))
        return self._url(Cursor(self._key(self.page[0]), is_backward=True))

    def _key(self, row: Model) -> tuple[Any, ...]:
        return tuple(getattr(row, f"keyset_{index}") for index in range(len(self.columns)))

    def _url(self, cursor: Cursor) -> str:
        text = _write_cursor(cursor, self.question)
        return replace_query_param(self.request.build_absolute_uri(), "cursor", text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            _parameter("cursor", {"type": "string"}, "Where the page begins, from `next` or `previous`."),
            _parameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": LARGEST_SIZE, "default": DEFAULT_SIZE},
                "How many rows a page holds.",
            ),
            _parameter("count", {"type": "boolean", "default": False}, "Count all rows of the list, too."),
            ordering_parameter(view),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": link,
                "previous": link,
                "count": {"type": "integer", "description": "With `?count=true`."},
            },
        }


def ordering_parameter(view: Any) -> dict[str, Any]:
    """How the OpenAPI document describes `ordering`: which names there are, and what is meant without it."""
    names = sorted(getattr(view, "orderings", {}))
    one = f"-?({'|'.join(map(re.escape, names))})"
    schema: dict[str, Any] = {"type": "string", "pattern": f"^{one}(,{one})*$"}
    if default := getattr(view, "default_ordering", ()):
        schema["default"] = ",".join(default)
    told = f"Comma-separated, a minus for descending, unknown always last. Of: {', '.join(names)}."
    return _parameter("ordering", schema, told)


def in_order(queryset: QuerySet[Any], request: Request, view: APIView) -> QuerySet[Any]:
    """The whole list in the order that was asked for, as an export streams it."""
    return Keyset(queryset, _columns(_terms(request, view), view, queryset.model)).whole()


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _page_size(request: Request) -> int:
    text = request.query_params.get("page_size")
    if text is None:
        return DEFAULT_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= LARGEST_SIZE):
        raise BadParameter("page_size", f"A whole number from 1 to {LARGEST_SIZE}.")
    return int(text)


def _is_count_wanted(request: Request) -> bool:
    text = request.query_params.get("count", "false")
    if text not in ("true", "false"):
        raise BadParameter("count", "true or false.")
    return text == "true"


def _terms(request: Request, view: APIView) -> list[str]:
    """The ordering asked for, `-proven` say, each name once and known."""
    text = request.query_params.get("ordering")
    if text is None:
        return list(getattr(view, "default_ordering", ()))
    terms = [term.strip() for term in text.split(",") if term.strip()]
    names = [term.removeprefix("-") for term in terms]
    known: Mapping[str, Any] = getattr(view, "orderings", {})
    for name in names:
        if name not in known:
            raise BadParameter("ordering", f"{name[:100]!r} is not one of {', '.join(sorted(known))}.")
        if names.count(name) > 1:
            raise BadParameter("ordering", f"{name!r} occurs twice.", "repeated")
    return terms


def _columns(terms: Sequence[str], view: APIView, model: type[Model]) -> list[Column]:
    """What the terms compare, and the id, which tells equal rows apart.

    The id goes the way in which an index is read that serves the last term both ways: `(status, id)` from either
    end, so along with it; `(proven DESC NULLS LAST, id)`, where unknown comes last, so against it. The other way
    round the database would sort all rows that are equal, and where most are, most of the list.
    """
    known: Mapping[str, str | Combinable] = getattr(view, "orderings", {})
    said = [Column(known[term.removeprefix("-")], is_descending=term.startswith("-")) for term in terms]
    if not said:
        return [Column("pk")]
    last = said[-1]
    return [*said, Column("pk", is_descending=last.is_descending != last.is_nullable(model))]


def _question(request: Request, terms: Sequence[str], columns: Sequence[Column]) -> str:
    """A digest of what the list is a list of: a cursor continues that question and no other."""
    filters = sorted(
        (name, value)
        for name, values in request.query_params.lists()
        if name not in PARAMETERS
        for value in values
    )
    workspace = getattr(request, "workspace", None)
    directions = [column.is_descending for column in columns]
    told = repr((workspace.pk if workspace else None, request.path, filters, list(terms), directions))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _write_cursor(cursor: Cursor, question: str) -> str:
    values = [_packed(value) for value in cursor.values]
    return _signer.sign_object(
        {"q": question, "v": values, "b": cursor.is_backward, "i": cursor.is_inclusive}
    )


def _read_cursor(request: Request, question: str, width: int) -> Cursor | None:
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        held = _signer.unsign_object(text)
    except (BadSignature, ValueError):
        detail = "This is not a cursor from `next` or `previous`."
        raise BadParameter("cursor", detail, "does_not_exist") from None
    if held["q"] != question or len(held["v"]) != width:
        detail = "This cursor belongs to another list: other filters, another order or another workspace."
        raise BadParameter("cursor", detail, "does_not_exist")
    return Cursor(tuple(_unpacked(value) for value in held["v"]), bool(held["b"]), bool(held["i"]))


def _packed(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    return {"decimal": str(value)} if isinstance(value, Decimal) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "at" in value:
        return datetime.fromisoformat(value["at"])
    return date.fromisoformat(value["on"]) if "on" in value else Decimal(value["decimal"])
