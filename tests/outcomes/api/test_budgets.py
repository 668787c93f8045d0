"""What lists cost, whatever is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outcomes.models import FileImport
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller, SignedIn
from tests.factories import (
    a_delivery,
    a_flag,
    a_link,
    a_member,
    a_metric,
    a_problem,
    a_product,
    a_source,
    a_value,
    a_verdict,
    a_workspace,
    an_item,
    an_outcome,
)

pytestmark = pytest.mark.django_db


def furnish(workspace: Workspace) -> None:
    """One more row of everything that is listed."""
    item = an_item(
        workspace, product=a_product(workspace), status="released", released_on=date(2026, 1, 1), effort=1
    )
    a_link(item, a_problem(workspace), 0.5)
    an_outcome(item, a_metric(workspace), due_on=date(2026, 6, 30))
    a_value(item, proven=1.0, realised=2.0, expected=3.0, coverage=0.5)
    a_verdict(item, "under_used", share=0.1)
    a_flag(item)
    a_delivery(a_source(workspace))
    FileImport.objects.create(workspace=workspace, kind="items", state="done", body_bytes=1)


def a_signed_in_person(workspace: Workspace) -> Caller:
    return SignedIn(a_member(workspace).user)


def spent_on(workspace: Workspace, path: str, who: Callable[[Workspace], Caller] = Caller) -> int:
    caller = who(workspace)
    caller.get("workspace/")  # the key's first use is written down
    with CaptureQueriesContext(connection) as queries:
        answer = caller.get(path)
    assert answer.status_code == 200, answer.content
    assert answer.json()["results"], path
    return len(queries)


@pytest.fixture
def one() -> Workspace:
    workspace = a_workspace()
    furnish(workspace)
    return workspace


@pytest.fixture
def many() -> Workspace:
    workspace = a_workspace()
    for _ in range(8):
        furnish(workspace)
    return workspace


@pytest.mark.parametrize("who", [Caller, a_signed_in_person])
def test_a_page_of_cards_costs_at_most_six_queries_whatever_is_asked(
    one: Workspace, many: Workspace, who: Callable[[Workspace], Caller]
) -> None:
    asked = [
        *(
            f"items/?ordering=-{name}"
            for name in ("proven", "realised", "expected", "demand", "opportunity", "adoption", "trend")
        ),
        "items/?verdict=under_used&flag=under_used&status=released",
        "items/?search=Item&has_problem=true&has_outcome=true",
        "items/?proven_min=1&proven_max=1&realised_min=2&expected_min=3&coverage_min=0.5",
        "items/?adoption_min=0.1&adoption_max=0.1&effort_min=1&effort_max=1",
        "items/?due_after=2026-06-30&due_before=2026-06-30&released_after=2026-01-01",
        "items/?expand=releases",
    ]
    spent = {path: (spent_on(one, path, who), spent_on(many, path, who)) for path in asked}
    assert {path: pair for path, pair in spent.items() if pair[0] != pair[1]} == {}
    assert max(most for _, most in spent.values()) <= 6


@pytest.mark.parametrize("path", ["metrics/", "outcomes/", "sources/", "deliveries/", "flags/", "imports/"])
def test_every_other_list_costs_the_same_for_one_row_and_for_many(
    one: Workspace, many: Workspace, path: str
) -> None:
    few, most = spent_on(one, path), spent_on(many, path)
    assert few == most <= 4


def test_references_are_looked_up_together_however_many_a_list_is_filtered_by(many: Workspace) -> None:
    item = Item.objects.in_workspace(many.pk).order_by("id")[0]
    problem = item.links.get().problem
    one = spent_on(many, f"items/?problem={problem.key}")
    both = spent_on(many, f"items/?problem={problem.key}&product={item.product_id}&ordering=-proven")
    assert one == both <= 5


@pytest.mark.parametrize("who", [Caller, a_signed_in_person])
def test_a_page_that_is_counted_and_widened_costs_at_most_six_queries(
    many: Workspace, who: Callable[[Workspace], Caller]
) -> None:
    item = Item.objects.in_workspace(many.pk).order_by("id")[0]
    filters = (
        f"problem={item.links.get().problem.key}&metric={item.outcomes.get().metric.key}&flag=under_used"
    )
    assert spent_on(many, f"items/?{filters}&ordering=-proven,title&count=true&expand=releases", who) <= 6
    far = who(many).get("items/?page_size=2&count=true&expand=releases").json()
    assert far["count"] == 8
    assert spent_on(many, far["next"], who) <= 6


def test_a_person_costs_no_more_than_a_key(many: Workspace) -> None:
    assert spent_on(many, "items/", a_signed_in_person) == spent_on(many, "items/")
    of_two = a_member(many).user
    a_member(a_workspace(), user=of_two)
    named = SignedIn(of_two, **{"Productops-Workspace": many.key})
    assert spent_on(many, "items/", lambda _: named) == spent_on(many, "items/")
