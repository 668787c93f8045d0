"""Names that nobody claimed become items, metrics, experiments and rules by a button in the admin."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from outcomes.models import Candidate, Experiment, Metric, Rule
from roadmap.models import Item
from tests.admin.furnishing import NOON, Furniture
from tests.admin.test_pages import list_of, page_of
from tests.factories import a_source

pytestmark = pytest.mark.django_db


def a_candidate(own: Furniture, kind: str, name: str, **fields: object) -> Candidate:
    held = {"first_seen_at": NOON, "last_seen_at": NOON, "count": 3, "source": own.source, **fields}
    return Candidate.objects.create(workspace=own.workspace, kind=kind, name=name, **held)  # type: ignore[misc]


def press(client: Client, candidate: Candidate, button: str = "accept", **said: str) -> str:
    address = reverse("admin:outcomes_candidate_act", args=[candidate.pk, button])
    answer = client.post(address, {"version": candidate.version, **said}, follow=True)
    candidate.refresh_from_db()
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def test_an_item_is_made_of_its_name_and_the_page_leads_to_it(eve: Client, own: Furniture) -> None:
    candidate = a_candidate(own, "item", "wallet-widget", sample={"actor": "<u_1>"})
    shown = eve.get(page_of(candidate)).content.decode()
    assert 'name="title" value="Wallet widget"' in shown
    assert "&lt;u_1&gt;" in shown
    told = press(eve, candidate, title="Wallet, the widget")
    made = Item.objects.get(key="wallet-widget")
    assert (made.title, candidate.state) == ("Wallet, the widget", "accepted")
    assert f'<a href="{page_of(made)}">Wallet, the widget</a>' in told
    assert "is there; 0 deliveries are read again." in told
    assert "Accept as an item" not in told


def test_what_people_use_is_out_since_the_day_it_was_heard_of_unless_eve_knows_better(
    eve: Client, own: Furniture
) -> None:
    source = a_source(own.workspace, kind="segment")
    heard = a_candidate(own, "event", "Cart Saved", source=source)
    page = eve.get(page_of(heard)).content.decode()
    assert f'name="released_on" value="{NOON:%Y-%m-%d}"' in page
    press(eve, heard, key="saved-carts", released_on="2026-01-15")
    made = Item.objects.get(key="saved-carts")
    assert (made.status, str(made.released_on)) == ("released", "2026-01-15")
    press(eve, a_candidate(own, "event", "Wallet Opened", source=source), key="wallet", released_on="")
    assert Item.objects.get(key="wallet").status == "idea"


def test_a_day_that_is_none_is_refused_and_nothing_is_accepted(eve: Client, own: Furniture) -> None:
    candidate = a_candidate(own, "item", "wallet-widget")
    assert "such as 2026-12-01" in press(eve, candidate, title="Wallet", released_on="soon")
    assert candidate.state == "open"
    assert not Item.objects.filter(key="wallet-widget").exists()


def test_an_item_that_is_out_keeps_its_day(eve: Client, own: Furniture) -> None:
    source = a_source(own.workspace, kind="segment")
    day = own.item.released_on
    press(
        eve,
        a_candidate(own, "event", "Cart Saved", source=source),
        key=own.item.key,
        released_on="2026-01-15",
    )
    own.item.refresh_from_db()
    assert own.item.released_on == day


def test_a_metric_is_made_with_the_aggregation_that_was_chosen(eve: Client, own: Furniture) -> None:
    press(eve, a_candidate(own, "metric", "wallet.balance"), title="Balance", aggregation="last")
    made = Metric.objects.get(key="wallet.balance")
    assert (made.name, made.aggregation) == ("Balance", "last")


def test_an_experiment_says_on_which_item_it_is(eve: Client, own: Furniture, foreign: Furniture) -> None:
    candidate = a_candidate(own, "experiment", "wallet-ab")
    assert (
        f'<option value="{own.item.key}">Ours item</option>' in eve.get(page_of(candidate)).content.decode()
    )
    assert "Say which item the experiment is on." in press(eve, candidate)
    assert "There is no item" in press(eve, candidate, item=f"{foreign.item.pk}")
    press(eve, candidate, item=own.item.key)
    assert Experiment.objects.get(key="wallet-ab").item == own.item


def test_an_event_becomes_use_of_an_item_that_is_there_or_is_made(eve: Client, own: Furniture) -> None:
    source = a_source(own.workspace, kind="segment")
    press(eve, a_candidate(own, "event", "Cart Saved", source=source), key=own.item.key)
    press(eve, a_candidate(own, "event", 'It\'s "quoted"', source=source), key="quoted")
    rules = Rule.objects.filter(source=source).order_by("id")
    assert [(rule.to, rule.item.key) for rule in rules if rule.item] == [
        ("usage", own.item.key), ("usage", "quoted"),
    ]  # fmt: skip


def test_an_event_becomes_observations_with_a_value(eve: Client, own: Furniture) -> None:
    source = a_source(own.workspace, kind="segment")
    candidate = a_candidate(own, "event", "Order Completed", source=source)
    told = press(eve, candidate, "accept-metric", key="revenue", value="properties.revenue")
    rule = Rule.objects.get(source=source)
    assert (rule.to, rule.value, rule.metric and rule.metric.key) == (
        "observation",
        "properties.revenue",
        "revenue",
    )
    assert f'<a href="{page_of(rule)}">' in told


def test_what_cannot_be_is_told_on_the_page_and_nothing_is_made(eve: Client, own: Furniture) -> None:
    source = a_source(own.workspace, kind="segment")
    candidate = a_candidate(own, "event", "Order", source=source)
    assert '<li class="error">' in press(eve, candidate, "accept-metric", key="x", value="((")
    assert (candidate.state, Rule.objects.filter(source=source).count()) == ("open", 0)
    assert "Somebody else changed it" in press(eve, candidate, version="99")
    assert press(eve, candidate, "explode") == "404"


def test_several_are_accepted_at_once_and_those_that_ask_for_more_are_named(
    eve: Client, own: Furniture
) -> None:
    chosen = [
        a_candidate(own, "item", "one"),
        a_candidate(own, "metric", "two"),
        a_candidate(own, "experiment", "three"),
    ]
    said = {"action": "accept_selected", "_selected_action": [row.pk for row in chosen]}
    shown = eve.post(list_of(Candidate), said, follow=True).content.decode()
    assert "2 candidates accepted." in shown
    assert "Left as they are, open them to see why: three." in shown
    assert Item.objects.filter(key="one").exists()
    said = {"action": "dismiss_selected", "_selected_action": [chosen[2].pk]}
    assert "1 candidate set aside." in eve.post(list_of(Candidate), said, follow=True).content.decode()
    chosen[2].refresh_from_db()
    assert chosen[2].state == "dismissed"


def test_a_viewer_and_a_stranger_accept_nothing(vic: Client, olga: Client, own: Furniture) -> None:
    candidate = a_candidate(own, "item", "wallet")
    assert press(vic, candidate) == "403"
    assert press(olga, candidate) == "404"
    assert "accept_selected" not in vic.get(list_of(Candidate)).content.decode()
    assert candidate.state == "open"
