"""A person's first hour in an empty workspace, in a real browser, at a desk and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from outcomes.models import Source
from productops.workspaces.models import Workspace
from tests.admin.browsing import DESK, PHONE, is_too_wide, keep, sign_in
from tests.admin.conftest import person_in
from tests.factories import a_workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def empty(transactional_db: None) -> Workspace:
    workspace = a_workspace(name="Acme")
    person_in(workspace, "admin", "ada")
    return workspace


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_ada_is_led_from_an_empty_page_to_a_source_and_what_to_paste(
    page: Page, said: list[str], live_server: Any, empty: Workspace, width: Any
) -> None:
    page.set_viewport_size(width)
    sign_in(page, live_server, "ada")
    assert "First steps" in page.locator(".po-steps").inner_text()
    assert not is_too_wide(page)
    keep(page, f"first-steps-{'phone' if width is PHONE else 'desk'}")
    page.click(".po-steps a:has-text('Add a source')")
    page.fill("#id_name", "Web")
    page.fill("#id_key", "web")
    page.select_option("#id_kind", "segment")
    page.click("[name=_save]")
    page.wait_for_selector(".messagelist")
    assert "Copy the secret" in page.locator(".messagelist").inner_text()
    pasted = page.locator(".po-paste pre").inner_text()
    assert f'host="{Source.objects.get(key="web").url}"' in pasted
    assert not is_too_wide(page)
    page.goto(f"{live_server.url}/admin/")
    assert Source.objects.get(key="web").url in page.locator(".po-steps pre").inner_text()
    assert said == []
