"""The first page answers what was worth shipping and what nobody uses, or says what to do first."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from outcomes.admin.pasting import paste_for
from outcomes.models import Candidate, ItemUsage, ItemValue, Outcome, Source
from outcomes.models.sources import SOURCE_KINDS
from outcomes.sources.productops import verify
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.admin.furnishing import DAY, Furniture
from tests.admin.test_pages import list_of, page_of
from tests.factories import a_source, an_item

pytestmark = pytest.mark.django_db


def first_page(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def panel(text: str, title: str) -> str:
    """What stands in one panel, without its tags."""
    found = re.search(rf'aria-label="{re.escape(title)}">(.*?)</section>', text, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def measured(workspace: Workspace, title: str, verdict: str, active: int, proven: float) -> Item:
    item = an_item(workspace, title=title, status="released", released_on=DAY)
    seen = {"active": active, "eligible": 200, "share": active / 200, "low": 0.1, "high": 0.9}
    ItemUsage.objects.create(workspace=workspace, item=item, verdict=verdict, window_days=28, **seen)
    read = [{"id": 1, "role": "primary", "attainment": 1.2, "grade": "before_after"}]
    told = {"proven": proven, "explanation": {"outcomes": read}}
    ItemValue.objects.create(workspace=workspace, item=item, **told)
    return item


def test_eve_reads_what_was_worth_shipping_with_what_proves_it(eve: Client, workspace: Workspace) -> None:
    measured(workspace, "Saved carts", "healthy", 120, 71.4)
    measured(workspace, "Gift notes", "healthy", 60, 12.5)
    best = panel(first_page(eve), "Worth shipping: most proven, of 100")
    assert best.index("Saved carts") < best.index("Gift notes")
    assert "71.4" in best
    assert "120 of the 200 it is for used it in the last 28 days: 60%" in best
    assert "1 of 1 target reached (before after)." in best


def test_eve_reads_what_nobody_uses_before_what_hardly_anybody_uses(
    eve: Client, workspace: Workspace
) -> None:
    measured(workspace, "Gift notes", "under_used", 2, 1.0)
    measured(workspace, "Fax reminders", "abandoned", 0, 0.0)
    unused = panel(first_page(eve), "Nobody, or hardly anybody, uses it")
    assert unused.index("Fax reminders abandoned") < unused.index("Gift notes under used")
    assert "Nobody of the 200 it is for used it in the last 28 days." in unused


def test_a_flag_waits_with_the_number_it_rests_on(eve: Client, own: Furniture) -> None:
    own.flag.evidence = {"active": 3, "eligible": 400, "share": 0.01, "window_days": 28}
    own.flag.save()
    waiting = panel(first_page(eve), "Flags waiting")
    assert "3 of the 400 it is for used it in the last 28 days: 1%." in waiting


def test_the_evidence_stands_beside_the_verdict_in_the_list_and_before_the_tables_on_the_page(
    eve: Client, workspace: Workspace
) -> None:
    carts = measured(workspace, "Saved carts", "healthy", 120, 71.4)
    listed = eve.get(list_of(Item)).content.decode()
    assert '<span class="po-detail">60% of 200</span>' in listed
    text = eve.get(page_of(carts)).content.decode()
    lead = text[text.index('class="po-lead"') : text.index('class="po-figures"')]
    assert "120 of the 200 it is for used it" in lead


def test_an_exempt_item_says_why_nobody_judges_it(eve: Client, workspace: Workspace) -> None:
    trail = {"usage_policy": "exempt", "exemption_reason": "compliance", "status": "released"}
    for title, fields in (
        ("Wallets", {}),
        ("Audit trail", {**trail, "released_on": DAY}),
        ("Fax", {"status": "sunset", "released_on": DAY}),
    ):
        item = an_item(workspace, title=title, **fields)
        ItemUsage.objects.create(workspace=workspace, item=item, verdict="exempt")
    listed = eve.get(list_of(Item)).content.decode()
    for why in ("not out yet", "compliance", "taken away"):
        assert f'<span class="po-detail">{why}</span>' in listed
    assert "Compliance." in eve.get(page_of(Item.objects.get(title="Audit trail"))).content.decode()


def test_a_metric_says_who_was_to_move_it_and_how_far_they_got(eve: Client, own: Furniture) -> None:
    text = eve.get(page_of(own.metric)).content.decode()
    card = text[text.index('id="po-moved"') : text.index("</section>", text.index('id="po-moved"'))]
    assert f'<a href="{page_of(own.item)}">Ours item</a>' in card
    assert "60%" in card
    assert f"The newest day with data is {DAY}" in card
    listed = eve.get(list_of(Outcome)).content.decode()
    assert '<td data-label="Attained" class="field-attained">60%</td>' in listed


def test_in_an_empty_workspace_ada_is_told_what_to_paste_and_where_to_go(
    ada: Client, workspace: Workspace
) -> None:
    text = first_page(ada)
    assert "First steps" in text
    assert reverse("admin:outcomes_source_add") in text
    source = a_source(workspace)
    text = first_page(ada)
    assert escape(paste_for(source)) in text
    assert source.url in text


def test_a_viewer_of_an_empty_workspace_is_sent_to_an_admin_and_sees_no_address(
    vic: Client, workspace: Workspace
) -> None:
    source = a_source(workspace)
    text = first_page(vic)
    assert "An admin of this workspace" in text
    assert source.token not in text


def test_the_first_steps_leave_once_something_came_in_and_stands_on_the_roadmap(
    ada: Client, own: Furniture
) -> None:
    assert "First steps" not in first_page(ada)


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_the_page_of_a_source_says_what_to_paste_into_its_sender(
    ada: Client, vic: Client, workspace: Workspace, kind: str
) -> None:
    source = a_source(workspace, kind=kind)
    text = ada.get(page_of(source)).content.decode()
    assert escape(paste_for(source)) in text
    assert source.token in paste_for(source)
    assert source.token not in vic.get(page_of(source)).content.decode()


def test_what_is_pasted_into_a_terminal_is_signed(workspace: Workspace) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    script = paste_for(a_source(workspace)).replace("whsec_...", secret)
    # curl is a function that says what it was given, so that nothing is sent.
    tell = 'curl() { for given in "$@"; do printf "%s\\0" "$given"; done; }\n'
    run = subprocess.run(["sh", "-c", tell + script], capture_output=True, check=True)
    given = run.stdout.decode().split("\0")
    headers = dict(one.split(": ", 1) for one in given if ": " in one and not one.startswith("{"))
    body = given[given.index("-d") + 1].encode()
    signed = verify(headers, body, [secret], now=datetime.now(UTC), tolerance=timedelta(minutes=5))
    assert signed.message_id == headers["webhook-id"]


def test_a_list_without_rows_says_what_would_stand_there_but_a_search_without_hits_does_not(
    ada: Client, workspace: Workspace
) -> None:
    for model in (Item, Source, Candidate):
        assert "po-empty-list" in ada.get(list_of(model)).content.decode()
        assert "po-empty-list" not in ada.get(list_of(model), {"q": "nothing"}).content.decode()


def test_a_page_is_headed_by_what_it_is_about(eve: Client, own: Furniture) -> None:
    assert "<h1>Items</h1>" in eve.get(list_of(Item)).content.decode()
    assert "<h1>Item</h1>" in eve.get(page_of(own.item)).content.decode()
