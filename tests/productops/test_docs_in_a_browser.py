"""The browsable document works in a real browser under the strict content security policy."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


def test_the_operations_are_shown_without_one_violation(live_server, monkeypatch) -> None:
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, which Django takes for an asynchronous caller.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    complaints: list[str] = []
    elsewhere: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda asked: elsewhere.append(asked.url) if live_server.url not in asked.url else None
        )
        page.goto(f"{live_server.url}/api/docs/")
        page.wait_for_selector(".opblock-tag", timeout=120_000)
        # The page draws the operations that are near the window only, so a reader scrolls to them.
        for _ in range(400):
            if page.locator("#operations-items-items_list").count():
                break
            page.mouse.wheel(0, 600)
            page.wait_for_timeout(250)
        page.click("#operations-items-items_list button.opblock-summary-control")
        page.wait_for_selector("text=page_size", timeout=120_000)
        browser.close()
    assert complaints == []
    assert [url for url in elsewhere if not url.startswith("data:")] == []
