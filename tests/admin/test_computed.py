"""What the worker computed is what the item's page says."""

from __future__ import annotations

import pytest
from django.test import Client

from outcomes.pipeline.settle import settle_all
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.admin.test_editing import save
from tests.admin.test_pages import add_of, page_of
from tests.factories import a_customer, a_problem, evidence

pytestmark = pytest.mark.django_db


def test_an_item_made_here_shows_the_value_that_the_worker_gives_it(
    eve: Client, workspace: Workspace
) -> None:
    problem = a_problem(workspace, title="Baskets are lost")
    evidence(problem, customer=a_customer(workspace, mrr=900), kind="interview", importance=3)
    estimates = {"reach": 1000, "impact": 2.0, "confidence": 0.9, "effort": 4}
    added = {"problem": problem.pk, "weight": 1, "seen_workspace": workspace.pk}
    links = {"links-TOTAL_FORMS": 1, **{f"links-0-{name}": value for name, value in added.items()}}
    assert save(eve, add_of(Item), title="Saved carts", **estimates, **links).status_code == 302
    item = Item.objects.get()
    assert "Not computed yet" in eve.get(page_of(item)).content.decode()
    settle_all(120)
    text = eve.get(page_of(item)).content.decode()
    # 1000 x 2 x 0.8 / 4: an interview allows a confidence of 0.8 at most.
    assert "<dd>400</dd>" in text
    assert "90% said, capped by the evidence" in text
    assert "Baskets are lost" in text
    assert ">exempt<" in text
    assert "edit by Pat" in text or "(admin)" in text
