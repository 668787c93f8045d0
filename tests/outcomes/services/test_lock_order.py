"""Marks are locked in one order by everybody: what a worker holds, nobody waits for with a later mark in hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection

from outcomes.models.marks import MARK_KINDS
from outcomes.pipeline.marks import MarkKey, Marks
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller
from tests.factories import (
    a_link,
    a_metric,
    a_problem,
    a_product,
    a_workspace,
    an_experiment,
    an_item,
    an_outcome,
)

pytestmark = pytest.mark.django_db(transaction=True)

EDITS: dict[str, Callable[[Caller], Any]] = {
    "an item's links, product and release": lambda paula: paula.patch(
        "items/carts/",
        {"links": [{"problem": "lost", "weight": 0.5}], "product": "shop", "status": "released",
         "released_on": "2026-02-01"},
    ),
    "a new item among others": lambda paula: paula.post(
        "items/", {"title": "New", "product": "shop", "links": [{"problem": "lost"}]}
    ),
    "many items": lambda paula: paula.post(
        "items/bulk/",
        {"rows": [{"title": "New", "product": "shop", "links": [{"problem": "lost"}]},
                  {"key": "carts", "version": 1, "product": None, "links": [{"problem": "slow"}]}]},
    ),
    "a link": lambda paula: paula.post("links/", {"item": "plain", "problem": "lost", "weight": 0.1}),
    "an outcome": lambda paula: paula.post("outcomes/", {"item": "search", "metric": "speed"}),
    "a metric": lambda paula: paula.patch("metrics/sales/", {"direction": "decrease"}),
    "many metrics": lambda paula: paula.post(
        "metrics/bulk/",
        {"rows": [{"key": key, "version": 1, "direction": "decrease"} for key in ("speed", "sales")]},
    ),
    "a product": lambda paula: paula.patch("products/shop/", {"eligible_count": 90}),
    "the workspace": lambda paula: paula.patch("workspace/", {"window_days": 14}),
    "facts": lambda paula: paula.post(
        "observations/",
        {"observations": [{"metric": "sales", "at": "2026-05-01T10:00:00Z", "value": 1}],
         "snapshots": [{"item": "carts", "on": "2026-05-01", "active": 3, "eligible": 9}],
         "usage": [{"item": "search", "actor": "u1", "at": "2026-05-01T10:00:00Z"}],
         "releases": [{"item": "search", "at": "2026-04-01T10:00:00Z"}]},
    ),
}  # fmt: skip


@pytest.fixture
def workspace() -> Workspace:
    workspace = a_workspace()
    shop, lost, slow = (
        a_product(workspace, key="shop"),
        a_problem(workspace, key="lost"),
        a_problem(workspace, key="slow"),
    )
    sales, speed = a_metric(workspace, key="sales"), a_metric(workspace, key="speed")
    for key in ("search", "carts"):
        item = an_item(workspace, key=key, product=shop, status="released", released_on=date(2026, 1, 1))
        a_link(item, lost, 0.3)
        a_link(item, slow, 0.3)
        an_outcome(item, sales)
        an_experiment(item)
    an_outcome(item, speed)
    an_item(workspace, key="plain", product=shop)
    return workspace


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_marks_in_the_order_of_settling(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    written: list[MarkKey] = []
    last = Item.objects.latest("id").pk
    write = Marks.write

    def noted(marks: Marks) -> None:
        written.extend(sorted(marks._from, key=lambda key: key.place))
        write(marks)

    monkeypatch.setattr(Marks, "write", noted)
    answer = EDITS[edit](Caller(workspace))
    assert answer.status_code in (200, 201), answer.content
    # What nobody else can see yet, nobody else waits for.
    places = [key.place for key in written if key.kind != "item" or key.subject_id <= last]
    assert places == sorted(places)
    assert len({key.kind for key in written}) > 1, "an edit of one kind alone shows nothing"


def test_marks_written_together_are_in_the_order_of_settling(workspace: Workspace) -> None:
    marks, sent = Marks(workspace.pk), []
    for kind in sorted(MARK_KINDS):
        marks.add(kind, 1, on=date(2026, 5, 1) if kind.endswith("day") else None)

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(params[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        marks.write()
    assert sent == [list(MARK_KINDS)]
