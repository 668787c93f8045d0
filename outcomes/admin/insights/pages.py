"""A page for each insight: its figures, its rows, and the same rows as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from outcomes.admin.insights.cells import cells_of
from outcomes.admin.insights.sheets import SHEETS
from outcomes.insights.asking import Question
from outcomes.insights.register import BY_NAME, MOST_ROWS_OF_A_FILE, Insight
from productops.workspaces.models import Workspace
from productops.workspaces.scope import scope_of
from roadmap.api.exports import csv_response
from roadmap.models import Product

_SHOWN = 100
# A list to choose from, not a directory.
_MOST_PRODUCTS = 200


@require_safe
def insight_page(request: HttpRequest, name: str) -> HttpResponseBase:
    """What an insight comes to and the rows that weigh most."""
    insight, workspace = _asked(request, name)
    if workspace is None:
        return _choose_first(request)
    product = _product(request, insight, workspace)
    told = insight.room(_question(request, workspace, _SHOWN, product))
    sheet = SHEETS[name]
    query = f"?product={product.key}" if product else ""
    context = {
        **admin.site.each_context(request),
        "title": sheet.title,
        "subtitle": None,
        "sheet": sheet,
        "figures": [(label, show(told.summary)) for label, show in sheet.figures],
        "rows": cells_of(workspace, sheet, told.rows),
        "is_cut": len(told.rows) == _SHOWN,
        "shown": _SHOWN,
        "as_of": workspace.today(),
        "products": _products(workspace) if insight.is_by_product else [],
        "product": product,
        "file_url": reverse("admin:insight_file", args=[name]) + query,
    }
    return TemplateResponse(request, "admin/insight.html", context)


@require_safe
def insight_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """The rows of the same answer as CSV, ten thousand at most."""
    insight, workspace = _asked(request, name)
    if workspace is None:
        return _choose_first(request)
    product = _product(request, insight, workspace)
    told = insight.room(_question(request, workspace, MOST_ROWS_OF_A_FILE, product))
    return csv_response(f"{name}.csv", insight.columns, (insight.cells(row) for row in told.rows))


def _asked(request: HttpRequest, name: str) -> tuple[Insight, Workspace | None]:
    insight = BY_NAME.get(name)
    if insight is None:
        raise Http404("There is no such insight.")
    return insight, scope_of(request).workspace


def _choose_first(request: HttpRequest) -> HttpResponseBase:
    messages.warning(request, "Insights are about one workspace: choose which.")
    return HttpResponseRedirect(reverse("admin:index"))


def _question(request: HttpRequest, workspace: Workspace, limit: int, product: Product | None) -> Question:
    return Question(workspace, limit, product.pk if product else None, request.user.pk)


def _product(request: HttpRequest, insight: Insight, workspace: Workspace) -> Product | None:
    """The product that was asked for, if one was. Raises Http404 for one that is not here."""
    key = request.GET.get("product", "")
    if not key or not insight.is_by_product:
        return None
    products = Product.objects.in_workspace(workspace.pk)
    found: Any = products.by_ref(key).first() if key.isprintable() else None
    if found is None:
        raise Http404("There is no such product here.")
    return found


def _products(workspace: Workspace) -> list[Product]:
    held = Product.objects.in_workspace(workspace.pk)
    return list(held.order_by("name", "pk")[:_MOST_PRODUCTS])
