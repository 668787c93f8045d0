"""A product manager's day without a mouse: every step is reached by Tab, seen where it is, and done by Enter."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from outcomes.models import ItemUsage
from roadmap.models import Evidence, Item, Problem
from tests.admin.browsing import keep
from tests.admin.conftest import person_in
from tests.admin.furnishing import Furniture, furnish
from tests.admin.test_pages import page_of
from tests.factories import a_problem, a_workspace, an_item

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What has the focus, in the words that a screen reader would say, and whether one sees that it has.
FOCUSED = """(() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].innerText : '';
  const words = [label, at.innerText || '', at.type === 'submit' ? at.value : ''];
  return [words.map(said => said.trim().replace(/:$/, '')), at.matches(':focus-visible')];
})()"""


@pytest.fixture
def shop(transactional_db: None) -> Furniture:
    workspace = a_workspace(name="Acme", is_generated=True)
    person_in(workspace, "editor", "eve")
    own = furnish(workspace, "Ours")
    ItemUsage.objects.filter(item=own.item).update(verdict="under_used")
    return own


def tab_to(page: Page, words: str, most: int = 90) -> None:
    """Press Tab until what has the focus says these words; on a fresh page the menu is skipped first."""
    if page.evaluate("document.activeElement === document.body"):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    for _ in range(most):
        page.keyboard.press("Tab")
        said, is_seen = page.evaluate(FOCUSED)
        if words in said:
            assert is_seen, f"nobody sees that {words!r} has the focus"
            return
    raise AssertionError(f"{words!r} is not reached within {most} steps")


def press(page: Page, words: str) -> None:
    tab_to(page, words)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def sign_in(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/admin/")
    page.wait_for_selector("#id_username:focus")
    page.keyboard.type("eve")
    page.keyboard.press("Tab")
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector("#user-tools")
    page.wait_for_load_state()


def told(page: Page) -> str:
    return page.locator(".messagelist").inner_text()


def test_a_flag_is_read_snoozed_dismissed_with_a_reason_and_taken_back(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    sign_in(page, live_server)
    press(page, "Ours item")
    assert "under used" in page.locator("#po-usage").inner_text()
    assert page.locator(".po-flag p").first.inner_text()
    press(page, "Snooze")
    assert "Snoozed" in told(page)
    press(page, "Undo the last step")
    assert "Undone" in told(page)
    tab_to(page, "because (optional)")
    page.keyboard.type("Seasonal.")
    press(page, "Dismiss")
    assert "Dismissed" in told(page)
    shop.flag.refresh_from_db()
    assert (shop.flag.state, shop.flag.dismiss_reason) == ("dismissed", "Seasonal.")
    keep(page, "keyboard-dismissed")
    press(page, "Undo the last step")
    shop.flag.refresh_from_db()
    assert shop.flag.state == "open"
    press(page, "Accept: sunset the item")
    assert Item.objects.get(pk=shop.item.pk).status == "sunset"
    press(page, "Undo the last step")
    assert Item.objects.get(pk=shop.item.pk).status == "released"
    assert said == []


def test_evidence_is_added_to_a_problem_and_a_double_is_merged_into_it(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    double = a_problem(shop.workspace, key="double", title="Ours problem again")
    sign_in(page, live_server)
    press(page, "Ours problem")
    press(page, "Add evidence")
    tab_to(page, "Kind")
    page.keyboard.type("ticket")
    tab_to(page, "Quote")
    page.keyboard.type("I lost my basket.")
    press(page, "Save")
    assert page.url.endswith(page_of(shop.problem))
    assert "I lost my basket." in page.locator(".po-card").first.inner_text()
    assert Evidence.objects.get(quote="I lost my basket.").problem == shop.problem
    page.goto(live_server.url + page_of(double))
    assert page.locator(f"datalist option[value='{shop.problem.key}']").count() == 1
    tab_to(page, "It is the same as (key)")
    page.keyboard.type(shop.problem.key)
    press(page, "Merge")
    assert "is part of" in told(page)
    press(page, "Take the merge back")
    assert Problem.objects.get(pk=double.pk).archived_at is None
    assert said == []


def test_an_item_is_released_archived_and_restored(
    page: Page, said: list[str], live_server: Any, shop: Furniture
) -> None:
    item = an_item(shop.workspace, title="Guest checkout", status="delivery")
    sign_in(page, live_server)
    page.goto(live_server.url + page_of(item))
    press(page, "Release")
    assert "is released as of" in told(page)
    item.refresh_from_db()
    assert (item.status, item.released_on) == ("released", shop.workspace.today())
    press(page, "Delete")
    press(page, "Yes, delete it")
    assert "archived" in told(page)
    page.goto(live_server.url + page_of(item))
    press(page, "Restore")
    assert "is back" in told(page)
    item.refresh_from_db()
    assert item.archived_at is None
    assert said == []
