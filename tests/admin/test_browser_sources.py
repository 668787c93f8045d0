"""The first hour in a real browser: what nobody claimed is accepted, and rules are tried before they are saved."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from outcomes.models import Candidate, Experiment, Metric, Rule
from roadmap.models import Item
from tests.admin.browsing import PHONE, is_too_wide, keep, sign_in
from tests.admin.conftest import person_in
from tests.admin.test_pages import list_of, page_of
from tests.outcomes.api.sending import Vendor
from tests.outcomes.api.test_rules_and_candidates import tracked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def vendor(transactional_db: None) -> Vendor:
    vendor = Vendor("segment")
    person_in(vendor.workspace, "admin", "ada")
    return vendor


def test_events_become_use_and_observations_by_a_button_each(
    page: Page, said: list[str], live_server: Any, vendor: Vendor
) -> None:
    tracked(vendor, "Cart Saved", "Order Completed", revenue=12)
    vendor.settle()
    sign_in(page, live_server, "ada")
    page.goto(live_server.url + list_of(Candidate))
    keep(page, "candidates")
    page.click("text=Cart Saved")
    keep(page, "candidate-event")
    page.fill("form[action*='/act/accept/'] input[name=key]", "new-checkout")
    page.click("button:has-text('Accept as use')")
    assert "1 delivery is read again." in page.locator(".messagelist").inner_text()
    page.goto(live_server.url + list_of(Candidate))
    page.click("text=Order Completed")
    page.fill("form[action*='/act/accept-metric/'] input[name=key]", "revenue")
    page.fill("input[name=value]", "properties.revenue")
    page.click("button:has-text('Accept as observations')")
    page.wait_for_selector(".messagelist")
    vendor.settle()
    assert vendor.uses() == ["2026-05-01"]
    assert vendor.observed() == [12.0]
    assert said == []


def test_an_item_a_metric_and_an_experiment_are_accepted_on_a_phone(
    page: Page, said: list[str], live_server: Any, vendor: Vendor
) -> None:
    for kind, name in (("item", "wallet-widget"), ("metric", "wallet.balance"), ("experiment", "wallet-ab")):
        moments = {"first_seen_at": vendor.source.created_at, "last_seen_at": vendor.source.created_at}
        # The metric is accepted before the experiment that reports it.
        sample = {"metric": "wallet.balance"} if kind == "experiment" else {}
        Candidate.objects.create(
            workspace=vendor.workspace, source=vendor.source, kind=kind, name=name, sample=sample, **moments
        )
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_in(page, live_server, "ada")
    for name, button in (
        ("wallet-widget", "Accept as an item"),
        ("wallet.balance", "Accept as a metric"),
        ("wallet-ab", "Accept as an experiment"),
    ):
        page.goto(live_server.url + list_of(Candidate))
        page.click(f"text={name}")
        assert not is_too_wide(page)
        keep(page, f"candidate-{name}-phone")
        if name == "wallet-ab":
            page.fill("input[name=item]", "wallet-widget")
        page.click(f"button:has-text('{button}')")
        assert "is there" in page.locator(".messagelist").inner_text()
    assert Item.objects.get(key="wallet-widget").title == "Wallet widget"
    assert Metric.objects.get(key="wallet.balance").aggregation == "mean"
    assert Experiment.objects.get(key="wallet-ab").item.key == "wallet-widget"
    assert said == []


def test_a_rule_is_tried_on_a_sample_and_on_a_stored_delivery_before_anything_is_saved(
    page: Page, said: list[str], live_server: Any, vendor: Vendor
) -> None:
    tracked(vendor, "Order Completed", revenue=7)
    vendor.settle()
    sign_in(page, live_server, "ada")
    page.goto(live_server.url + page_of(vendor.source))
    page.click("text=Try its rules")
    page.fill("#po-sample", '{"name": "Paid", "at": "2026-05-01T10:00:00Z", "properties": {"total": 3}}')
    page.select_option("#po-to", "observation")
    page.fill("#po-key", "revenue")
    page.fill("#po-match", "name == 'Paid'")
    page.fill("#po-value", "properties.total")
    page.click("text=Show what it would become")
    became = page.locator("[role=status]").inner_text()
    assert "revenue" in became
    assert "3" in became
    keep(page, "try-sample")
    page.fill("#po-match", "name ==")
    page.click("text=Show what it would become")
    assert "Which events are meant" in page.locator(".errorlist").inner_text()
    page.fill("#po-match", "name == 'Order Completed'")
    page.fill("#po-value", "properties.revenue")
    page.select_option("#po-delivery", index=1)
    page.click("text=Show what it would become")
    assert "7" in page.locator("[role=status]").inner_text()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not is_too_wide(page)
    keep(page, "try-delivery-phone")
    assert not Rule.objects.exists()
    assert said == []
