"""What a person does in a real browser, under the strict content security policy."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from outcomes.models import Delivery, Flag, ItemValue
from productops.workspaces.models import Workspace
from roadmap.models import Item, Problem
from tests.admin.browsing import DESK, PHONE, is_too_wide, keep, sign_in
from tests.admin.conftest import person_in
from tests.admin.furnishing import Furniture, furnish
from tests.admin.test_pages import list_of, page_of
from tests.factories import a_member, a_problem, a_workspace, an_item

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Baskets_that_are_kept_between_devices_" * 4


@pytest.fixture
def shop(transactional_db: None) -> Furniture:
    workspace = a_workspace(name="Acme", is_generated=True)
    person_in(workspace, "editor", "eve")
    return furnish(workspace, "Ours")


def test_an_editor_signs_in_reads_the_score_and_acknowledges_a_flag(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    sign_in(page, live_server)
    keep(page, "today")
    page.click("text=Ours item")
    score = page.locator(".po-score").inner_text()
    assert "24.6" in score
    assert "a measured retention" in score
    assert "a person's estimate" in score
    keep(page, "item-light")
    page.click("button:has-text('Acknowledge')")
    assert "Acknowledged: under used, Ours item." in page.locator(".messagelist").inner_text()
    shop.flag.refresh_from_db()
    assert shop.flag.state == "acknowledged"
    assert said == []


def test_the_item_page_works_on_a_phone(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, live_server)
    keep(page, "today-phone")
    assert not is_too_wide(page)
    page.goto(live_server.url + page_of(shop.item))
    assert not is_too_wide(page)
    keep(page, "item-phone")
    page.click("button:has-text('Snooze')")
    page.wait_for_selector(".messagelist")
    shop.flag.refresh_from_db()
    assert shop.flag.state == "snoozed"
    page.goto(live_server.url + list_of(Item))
    keep(page, "items-phone")
    assert said == []


def test_a_person_edits_an_item_with_a_searched_problem_and_a_new_outcome(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    other = an_item(shop.workspace, title="Guest checkout")
    sign_in(page, live_server)
    page.goto(live_server.url + page_of(other))
    page.click("text=Add another Problem it is for")
    page.click("#links-0 .select2-selection")
    page.fill(".select2-search__field", "Ours")
    page.click(".select2-results__option >> text=Ours problem")
    page.fill("#id_title", "Guest checkout, again")
    page.click("[name=_save]")
    page.wait_for_selector(".messagelist .success")
    other.refresh_from_db()
    assert other.title == "Guest checkout, again"
    assert other.links.get().problem == shop.problem
    assert said == []


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_long_names_and_empty_pages_keep_their_shape(
    page: Page, said: list[str], live_server: Any, shop: Furniture, width: dict[str, int]
) -> None:
    name = "phone" if width is PHONE else "desk"
    page.set_viewport_size(width)  # type: ignore[arg-type]
    bare = an_item(shop.workspace, title=LONG, key="k" * 120)
    sign_in(page, live_server)
    for address, picture in (
        (list_of(Item), "items-long"),
        (page_of(bare), "item-empty"),
        (list_of(Delivery) + "?state=failed", "deliveries-empty"),
        (page_of(shop.delivery), "delivery"),
        (page_of(shop.problem), "problem"),
        (page_of(shop.flag), "flag"),
        (list_of(Flag), "flags"),
    ):
        page.goto(live_server.url + address)
        keep(page, f"{picture}-{name}")
        if "change" in address:
            assert not is_too_wide(page), address
    assert said == []


def test_dark_mode_keeps_everything_legible(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    page.emulate_media(color_scheme="dark")
    sign_in(page, live_server)
    keep(page, "today-dark")
    page.goto(live_server.url + page_of(shop.item))
    keep(page, "item-dark")
    card = page.locator(".po-score")
    background, colour = (
        card.evaluate(f"node => getComputedStyle(node).{name}") for name in ("backgroundColor", "color")
    )
    assert brightness(background) < 60
    assert brightness(colour) > 150
    assert said == []


def test_a_person_of_two_workspaces_switches_between_them(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    other = furnish(a_workspace(name="Globex"), "Theirs")
    eve = shop.workspace.members.get().user
    a_member(Workspace.objects.get(pk=other.workspace.pk), "viewer", eve)
    sign_in(page, live_server)
    assert "Theirs" not in page.content()
    page.select_option("#po-workspace", label="Globex")
    page.click(".po-switch button")
    page.wait_for_selector("text=Theirs problem")
    assert "Ours problem" not in page.content()
    keep(page, "today-switched")
    assert said == []


def brightness(colour: str) -> float:
    """The mean of the channels of a colour such as rgb(18, 18, 18)."""
    channels = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(channels) / 3


def test_the_list_of_items_fits_beside_its_filters_on_a_laptop(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    for number in range(60):
        an_item(
            shop.workspace,
            key=f"long-{number}",
            title=f"{LONG} {number}",
            status="released",
            released_on="2026-03-02",
            product=shop.product,
        )
    sign_in(page, live_server)
    for address in (list_of(Item), list_of(Flag), list_of(Problem)):
        page.goto(live_server.url + address)
        keep(page, f"list{address.replace('/', '-')}desk")
        hidden = page.evaluate(
            "(() => { const box = document.querySelector('.results'); return box.scrollWidth - box.clientWidth })()"
        )
        assert hidden <= 0, address
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_problem_is_merged_into_the_one_it_is_like(
    page: Page, said: list[str], live_server: Any, shop: Furniture, scheme: Any
) -> None:
    top = shop.problem
    for number in range(3):
        a_problem(shop.workspace, key=f"below-{number}", title=f"{LONG} {number}", parent=top)
    double = a_problem(shop.workspace, key="double", title="Ours problem again", parent=top)
    page.emulate_media(color_scheme=scheme)
    sign_in(page, live_server)
    page.goto(live_server.url + page_of(top))
    keep(page, f"problem-{scheme}")
    page.set_viewport_size(PHONE)
    assert not is_too_wide(page)
    keep(page, f"problem-{scheme}-phone")
    page.goto(live_server.url + page_of(double))
    page.fill("input[name=into]", top.key)
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist")
    assert "is part of" in page.locator(".messagelist").inner_text()
    page.click("button:has-text('Take the merge back')")
    assert "of its own again" in page.locator(".messagelist").inner_text()
    assert said == []


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_no_list_scrolls_sideways(
    page: Page, said: list[str], live_server: Any, shop: Furniture, width: dict[str, int]
) -> None:
    person_in(shop.workspace, "admin", "ada")
    # Numbers with all the digits that arithmetic leaves them.
    ItemValue.objects.filter(item=shop.item).update(
        proven=100 / 3, realised=200 / 3, coverage=1 / 3, expected=1e6 / 7, trend=-10 / 3
    )
    page.set_viewport_size(width)  # type: ignore[arg-type]
    sign_in(page, live_server, "ada")
    addresses = page.eval_on_selector_all(
        ".po-apps tbody th a", "links => links.map(link => link.getAttribute('href'))"
    )
    assert len(addresses) > 40
    too_wide = []
    for address in sorted(set(addresses)):
        page.goto(live_server.url + address)
        hidden = page.evaluate(
            "(() => { const box = document.querySelector('.results');"
            " return box ? box.scrollWidth - box.clientWidth : 0 })()"
        )
        if hidden > 0 or is_too_wide(page):
            too_wide.append((address, hidden))
    assert too_wide == []
    assert said == []


def test_on_a_phone_a_row_names_its_numbers_and_can_still_be_sorted(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_in(page, live_server)
    page.goto(live_server.url + list_of(Item))
    proven = page.locator("#result_list tbody td.field-proven").first
    assert proven.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Proven"'
    page.click("#result_list thead >> text=Expected")
    assert "o=" in page.url
    page.goto(live_server.url + page_of(shop.item))
    box = page.locator(".inline-group .tabular").first
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    assert said == []
