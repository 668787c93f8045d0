"""A list costs the same number of queries for one row and for fifty."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from roadmap.models import ProblemStanding
from tests.callers import Caller
from tests.factories import a_customer, a_link, a_member, a_product, a_workspace, evidence
from tests.factories import a_problem as bare_problem
from tests.tenants.rows import ROWS

pytestmark = pytest.mark.django_db

# Insights are several lists, none of them the prefix itself; each counts its own queries.
MAKERS = {prefix: row.make for prefix, row in ROWS.items() if row.make is not None and prefix != "insights"}


def _full(prefix: str, workspace) -> None:
    """A row with everything that its list shows."""
    row = MAKERS[prefix](workspace)
    if prefix == "items":
        row.product, row.owner = a_product(workspace), a_member(workspace)
        row.save()
        a_link(row, bare_problem(workspace), 0.5)
        a_link(row, bare_problem(workspace), 0.5)
    if prefix == "problems":
        row.parent = bare_problem(workspace)
        row.save()
        ProblemStanding.objects.create(workspace=workspace, problem=row, demand=1)
    if prefix == "evidence":
        evidence(row.problem, customer=a_customer(workspace))


@pytest.mark.parametrize("prefix", MAKERS)
def test_the_number_of_queries_does_not_grow_with_the_rows(prefix: str) -> None:
    one, fifty = a_workspace(), a_workspace()
    _full(prefix, one)
    for _ in range(50):
        _full(prefix, fifty)
    spent = []
    for workspace in (one, fifty):
        caller = Caller(workspace)
        caller.get(f"{prefix}/")  # the key's first use is written down
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(f"{prefix}/?page_size=200").status_code == 200
        spent.append(len(queries))
    assert spent[0] == spent[1]
    # An item's card is the widest: what it is for, and what became of it.
    assert spent[0] <= (6 if prefix == "items" else 4)
