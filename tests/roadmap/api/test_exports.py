from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from productops.workspaces.models import Workspace
from roadmap.api import exports
from roadmap.models import ProblemStanding
from tests.callers import Caller, pointers
from tests.factories import a_link, a_problem, a_workspace, an_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def rows_of(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_problems_come_as_a_file_in_the_order_of_their_list(workspace, paula) -> None:
    quiet, loud = a_problem(workspace, key="quiet"), a_problem(workspace, key="loud")
    ProblemStanding.objects.create(workspace=workspace, problem=loud, demand=7, opportunity=12.5)
    ProblemStanding.objects.create(workspace=workspace, problem=quiet, demand=1)
    a_link(an_item(workspace, key="saved-carts"), loud)
    first, second = rows_of(paula.get("problems.csv"))
    assert (first["key"], first["demand"], first["opportunity"], first["items"]) == (
        "loud", "7", "12.5", "saved-carts",
    )  # fmt: skip
    assert (second["key"], second["opportunity"], second["items"]) == ("quiet", "", "")


def test_problems_as_a_file_take_the_filters_and_columns_of_the_list(workspace, paula) -> None:
    parent = a_problem(workspace, key="parent")
    a_problem(workspace, key="child", parent=parent)
    assert rows_of(paula.get("problems.csv?parent=parent&fields=key,parent")) == [
        {"key": "child", "parent": "parent"}
    ]
    assert pointers(paula.get("problems.csv?page_size=3")) == {"/page_size"}
    assert pointers(paula.get("problems.csv?fields=secret")) == {"/fields"}


def test_a_cell_that_a_spreadsheet_would_run_is_guarded_by_one_quote(workspace, paula) -> None:
    a_problem(workspace, title="=HYPERLINK(1)", description="'+1")
    (row,) = rows_of(paula.get("problems.csv"))
    assert (row["title"], row["description"]) == ("'=HYPERLINK(1)", "''+1")


def test_every_row_comes_once_and_in_order_however_many_batches_there_are(
    workspace, paula, monkeypatch
) -> None:
    monkeypatch.setattr(exports, "_ROWS_AT_ONCE", 3)
    keys = [a_problem(workspace, key=f"p-{number:02}").key for number in range(10)]
    with CaptureQueriesContext(connection) as queries:
        rows = rows_of(paula.get("problems.csv?ordering=-key"))
    assert [row["key"] for row in rows] == sorted(keys, reverse=True)
    # Four batches of a row and its links each.
    assert len(queries) <= 4 + 4 * 2


def test_problems_of_others_are_in_no_file(workspace, paula) -> None:
    a_problem(a_workspace(), key="theirs")
    assert rows_of(paula.get("problems.csv")) == []
