"""Insights in the admin: a tile each on the first page, a page each with its table, and the file of the API."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from outcomes.admin.insights import tiles
from outcomes.admin.insights.sheets import SHEETS
from outcomes.api.insights import INSIGHTS as SERVED
from outcomes.insights.register import BY_NAME, INSIGHTS
from outcomes.models import Exposure, ItemUsage, ItemValue
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.admin.furnishing import DAY, Furniture
from tests.admin.test_lists import fill, queries
from tests.admin.test_pages import page_of
from tests.factories import a_problem, a_product, an_item

pytestmark = pytest.mark.django_db

NAMES = list(BY_NAME)


def page(client: Client, name: str, query: str = "") -> str:
    answer = client.get(reverse("admin:insight", args=[name]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def file_of(client: Client, name: str, query: str = "") -> str:
    answer = client.get(reverse("admin:insight_file", args=[name]) + query)
    assert answer["Content-Type"].startswith("text/csv")
    return b"".join(answer).decode()  # type: ignore[call-overload]


def tile(client: Client, title: str) -> str:
    """A tile's number and sentence, as the first page shows them."""
    shown = client.get(reverse("admin:index")).content.decode()
    found = re.search(rf'po-tile-title" href="[^"]*">{title}</a>(.*?)</li>', shown, re.DOTALL)
    assert found, title
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


def test_every_insight_has_a_page_and_a_tile() -> None:
    assert set(SHEETS) == set(BY_NAME) == {kind.insight for kind in tiles.TILES}


@pytest.mark.parametrize("name", NAMES)
def test_a_viewer_reads_its_page(vic: Client, own: Furniture, name: str) -> None:
    assert SHEETS[name].title in page(vic, name)


@pytest.mark.parametrize("name", NAMES)
def test_its_file_is_the_one_of_the_api(eve: Client, own: Furniture, name: str) -> None:
    fill(own, 3)
    served = eve.get(f"/api/v1/insights/{name}.csv")
    assert file_of(eve, name) == b"".join(served).decode()  # type: ignore[call-overload]


def test_rows_lead_to_what_they_are_about_by_id_and_by_key(eve: Client, own: Furniture) -> None:
    unused = an_item(own.workspace, title="Fax reminders", status="released", released_on=DAY)
    ItemUsage.objects.create(workspace=own.workspace, item=unused, verdict="abandoned")
    assert f'<a href="{page_of(unused)}">Fax reminders</a>' in page(eve, "unused")
    a_week = page(eve, "outcomes")
    assert f'<a href="{page_of(own.item)}">Ours item</a>' in a_week
    assert f'<a href="{page_of(own.metric)}">' in a_week


def test_a_page_is_asked_of_one_product_and_hands_that_on_to_its_file(eve: Client, own: Furniture) -> None:
    other = a_product(own.workspace, key="lens")
    an_item(own.workspace, title="A lens", product=other)
    an_item(own.workspace, title="A bare wish", product=own.product)
    shown = page(eve, "wish-list", "?product=lens")
    assert "A lens" in shown
    assert "A bare wish" not in shown
    assert "wish-list.csv?product=lens" in shown
    assert "A bare wish" not in file_of(eve, "wish-list", "?product=lens")


def test_nothing_of_another_workspace_shows(eve: Client, own: Furniture, foreign: Furniture) -> None:
    fill(foreign, 2)
    shown = "".join(page(eve, name) + file_of(eve, name) for name in NAMES)
    assert "Theirs" not in shown
    address = reverse("admin:insight", args=["unused"])
    assert eve.get(f"{address}?product={foreign.product.key}-not-here").status_code == 404
    foreign_product = a_product(foreign.workspace, key="theirs-alone")
    assert eve.get(f"{address}?product={foreign_product.pk}").status_code == 404
    assert eve.get(f"{address}?product=%00").status_code == 404


def test_an_unknown_insight_is_not_found_and_whoever_belongs_nowhere_chooses_first(
    eve: Client, root: Client, own: Furniture
) -> None:
    assert eve.get("/admin/insights/horoscope/").status_code == 404
    assert eve.get("/admin/insights/horoscope.csv").status_code == 404
    for name in ("admin:insight", "admin:insight_file"):
        answer = root.get(reverse(name, args=["unused"]))
        assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))
    assert 'class="po-tile"' not in root.get(reverse("admin:index")).content.decode()


def test_a_stranger_signs_in_first(own: Furniture, client: Client) -> None:
    for name in ("admin:insight", "admin:insight_file"):
        answer = client.get(reverse(name, args=["unused"]))
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


def test_a_tile_says_its_number_and_the_sentence_behind_it(eve: Client, own: Furniture) -> None:
    for number, verdict in enumerate(("never_adopted", "abandoned", "abandoned", "under_used")):
        unused = an_item(own.workspace, key=f"unused-{number}", effort=1.5)
        ItemUsage.objects.create(workspace=own.workspace, item=unused, verdict=verdict)
    ItemUsage.objects.filter(item=own.item).update(verdict="healthy")
    a_problem(own.workspace)
    assert tile(eve, "Not used") == "3 features are not used: 1 never were, 2 no longer. 1 more by too few."
    assert "6 person-months went into them" in tile(eve, "Carrying cost")
    assert tile(eve, "Problems without items").startswith("1 of 2 problems has no item: demand 0")


def test_tiles_tell_an_empty_workspace_without_a_number_that_nobody_knows(
    vic: Client, workspace: Workspace
) -> None:
    assert tile(vic, "Outcomes hit") == "– No outcome is due or decided yet, of 0; 0 are behind."
    assert tile(vic, "Wish list").startswith("– of 0 items")
    assert tile(vic, "Freshness") == "0 s Every number shows all that came in."


def test_what_would_keep_the_first_page_waiting_is_told_on_its_own_page(
    eve: Client, own: Furniture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "_PATIENCE_SECONDS", -1.0)
    assert tile(eve, "Not used") == "– Too much to count on this page. It is told on its own."


def test_a_page_costs_a_constant_number_of_queries(eve: Client, own: Furniture) -> None:
    fill(own, 2)
    addresses = [reverse("admin:insight", args=[name]) for name in NAMES]
    before = [queries(eve, address) for address in addresses]
    fill(own, 20)
    assert [queries(eve, address) for address in addresses] == before
    assert max(before) <= 12


def test_the_first_page_of_a_thousand_items_costs_no_more_queries_than_of_one(
    eve: Client, own: Furniture
) -> None:
    eve.get(reverse("admin:index"))
    before = queries(eve, reverse("admin:index"))
    held = {"workspace": own.workspace}
    items = Item.objects.bulk_create(
        Item(**held, key=f"i-{number}", title=f"Item {number}", status="released", released_on=DAY)
        for number in range(1000)
    )
    ItemUsage.objects.bulk_create(ItemUsage(**held, item=item, verdict="abandoned") for item in items)
    ItemValue.objects.bulk_create(ItemValue(**held, item=item, coverage=0.5) for item in items)
    Exposure.objects.bulk_create(Exposure(**held, item=item, on_date=DAY, on_count=1) for item in items)
    assert queries(eve, reverse("admin:index")) == before
    assert tile(eve, "Not used").startswith("1,000 features")


def test_insights_are_those_of_the_api() -> None:
    assert SERVED is INSIGHTS
