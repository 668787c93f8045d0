"""`/insights/...`: one question each about the whole workspace, as JSON and as a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.shapes import serializer_of
from outcomes.insights.asking import Question
from outcomes.insights.register import INSIGHTS, MOST_ROWS_OF_A_FILE, Insight
from productops.api.problems import BadParameter
from productops.api.views import StrictView
from roadmap.api.exports import CSV_RESPONSE, csv_response
from roadmap.models import Product

USUAL_ROWS, MOST_ROWS = 50, 200

_PRODUCT = OpenApiParameter("product", OpenApiTypes.STR, description="Of this product: an id or key.")
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
    description="How many rows.",
)


class InsightView(StrictView):
    """Answers one question."""

    http_method_names = ["get", "head", "options"]
    read_scope = write_scope = "outcomes:read"
    insight: ClassVar[Insight]

    def parameters(self) -> Iterable[str]:
        return (*(["product"] if self.insight.is_by_product else []), "limit")

    def get(self, request: Request) -> HttpResponseBase:
        told = self.insight.room(self._question(self._limit()))
        return Response(
            {
                "as_of": self.workspace.today().isoformat(),
                "summary": _shown(told.summary),
                "results": [_shown(row) for row in told.rows],
            }
        )

    def _question(self, limit: int) -> Question:
        return Question(self.workspace, limit, self._product(), self.actor.user_id)

    def _product(self) -> int | None:
        ref = self.request.query_params.get("product")
        if ref is None:
            return None
        products = Product.objects.in_workspace(self.workspace.pk).by_ref(ref) if ref.isprintable() else None
        pk = products.values_list("pk", flat=True).first() if products is not None else None
        if pk is None:
            raise BadParameter("product", "There is no such product here.")
        return pk

    def _limit(self) -> int:
        text = self.request.query_params.get("limit", str(USUAL_ROWS))
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST_ROWS):
            raise BadParameter("limit", f"A whole number from 1 to {MOST_ROWS}.")
        return int(text)


class InsightFileView(InsightView):
    """The rows of the same answer as CSV, ten thousand at most."""

    def parameters(self) -> Iterable[str]:
        return ["product"] if self.insight.is_by_product else []

    def get(self, request: Request) -> HttpResponseBase:
        told = self.insight.room(self._question(MOST_ROWS_OF_A_FILE))
        rows = (self.insight.cells(row) for row in told.rows)
        return csv_response(f"{self.insight.name}.csv", self.insight.columns, rows)


def _shown(told: Any) -> dict[str, Any]:
    return asdict(told)


@cache
def answer_of(insight: Insight) -> type[serializers.Serializer]:
    """The shape of an insight's answer for the OpenAPI document."""
    made = {
        "as_of": serializers.DateField(help_text="The day everything is judged as of."),
        "summary": serializer_of(insight.summary)(),
        "results": serializer_of(insight.row)(many=True),
    }
    return type(f"{insight.row.__name__}InsightSerializer", (serializers.Serializer,), made)


def _views(insight: Insight) -> tuple[Any, Any]:
    """The two views of an insight, each described by what its room says of itself."""
    told = (insight.room.__doc__ or "").strip()
    asked = [_PRODUCT] if insight.is_by_product else []
    operation = f"insights_{insight.name.replace('-', '_')}"

    def described(name: str, parent: type[InsightView], **schema: Any) -> Any:
        def get(self: InsightView, request: Request) -> HttpResponseBase:
            return parent.get(self, request)

        get.__doc__ = told
        handler = extend_schema(tags=["insights"], description=told, **schema)(get)
        made: Any = type(name, (parent,), {"insight": insight, "get": handler, "__doc__": told})
        return made.as_view()

    noun = insight.row.__name__
    page = described(
        f"{noun}InsightView",
        InsightView,
        operation_id=operation,
        parameters=[*asked, LIMIT],
        responses=answer_of(insight),
    )
    file = described(
        f"{noun}InsightFileView",
        InsightFileView,
        operation_id=f"{operation}_csv",
        parameters=asked,
        responses=CSV_RESPONSE,
    )
    return page, file


def _paths() -> Iterable[URLPattern]:
    for insight in INSIGHTS:
        page, file = _views(insight)
        yield path(f"insights/{insight.name}/", page, name=f"insights-{insight.name}")
        yield path(f"insights/{insight.name}.csv", file, name=f"insights-{insight.name}-csv")


PATHS = list(_paths())
