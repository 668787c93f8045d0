"""Lists cost a constant number of queries, sort by what they show, and never read a whole table of facts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from outcomes.models import Delivery, Effect, Flag, ItemUsage, ItemValue, UsageEvent
from roadmap.models import Item, Link, Problem, ProblemStanding
from tests.admin.furnishing import DAY, NOON, Furniture, furnish
from tests.admin.test_pages import MODELS, list_of, page_of
from tests.factories import a_delivery, a_flag, a_link, a_problem, a_workspace, an_item, evidence

pytestmark = pytest.mark.django_db


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def fill(own: Furniture, rows: int) -> None:
    for number in range(rows):
        item = an_item(own.workspace, title=f"Item {number:02}", product=own.product)
        value = {"proven": float(number), "expected": 100.0 - number, "coverage": 0.5}
        ItemValue.objects.create(workspace=own.workspace, item=item, **value)
        ItemUsage.objects.create(workspace=own.workspace, item=item, verdict="healthy")
        a_flag(item)
        problem = a_problem(own.workspace)
        ProblemStanding.objects.create(workspace=own.workspace, problem=problem, demand=number)
        a_delivery(own.source)
        a_flag(own.item, reason="declining", state="resolved")
        evidence(own.problem, customer=own.customer)


@pytest.mark.parametrize("model", [Item, Problem, Flag, Delivery], ids=lambda model: model.__name__)
def test_a_list_of_fifty_costs_no_more_queries_than_a_list_of_one(
    eve: Client, own: Furniture, model: type[Item]
) -> None:
    before = queries(eve, list_of(model))
    fill(own, 49)
    assert queries(eve, list_of(model)) == before
    assert before <= 14


def test_no_list_costs_more_queries_for_more_rows(root: Client, own: Furniture) -> None:
    def costs() -> dict[str, int]:
        return {model.__name__: queries(root, list_of(model)) for model in MODELS}

    costs()  # Content types are looked up once a process.
    before = costs()
    for number in range(4):
        # Rows of every model, each beneath parents of its own: whatever a row asks for by itself shows.
        furnish(a_workspace(name=f"Shop {number}"), f"Number {number}")
    after = costs()
    grown = {name: (before[name], count) for name, count in after.items() if count > before[name]}
    assert grown == {}


def test_the_pages_of_an_item_and_the_first_page_cost_a_constant_number_of_queries(
    eve: Client, own: Furniture
) -> None:
    addresses = (page_of(own.item), page_of(own.problem), reverse("admin:index"))
    a_problem(own.workspace)  # Problems said in like words are one query more, however many there are.
    for address in addresses:
        eve.get(address)  # Content types are looked up once a process.
    before = [queries(eve, address) for address in addresses]
    fill(own, 20)
    assert [queries(eve, address) for address in addresses] == before
    # Ten of the lists and the person, and one or two of each insight's tile.
    assert before[2] <= 10 + 24
    Link.objects.filter(pk=own.link.pk).update(weight=0.5)
    for _ in range(5):
        a_link(own.item, a_problem(own.workspace), 0.1)
    # The card costs nothing more; each link's search box in the form looks up the one row it has chosen.
    assert queries(eve, page_of(own.item)) <= before[0] + 5


def titles(client: Client, address: str) -> list[str]:
    return [item.title for item in client.get(address).context["cl"].result_list]


def test_items_are_listed_by_proven_and_sort_by_every_column_they_show(eve: Client, own: Furniture) -> None:
    fill(own, 3)
    unknown = an_item(own.workspace, title="Unknown")
    assert titles(eve, list_of(Item)) == ["Ours item", "Item 02", "Item 01", "Item 00", unknown.title]
    for column in range(1, 9):
        for sign in ("", "-"):
            assert len(titles(eve, f"{list_of(Item)}?o={sign}{column}")) == 5


def test_items_are_filtered_by_verdict_flag_and_product(eve: Client, own: Furniture) -> None:
    fill(own, 2)
    bare = an_item(own.workspace, title="Bare")
    assert titles(eve, f"{list_of(Item)}?usage__verdict__exact=healthy") == ["Item 01", "Item 00"]
    assert "Bare" not in titles(eve, f"{list_of(Item)}?flag=under_used")
    assert titles(eve, f"{list_of(Item)}?product__isnull=True") == [bare.title]


def test_flags_that_are_settled_are_asked_for(eve: Client, own: Furniture) -> None:
    a_flag(own.item, reason="declining", state="resolved")
    assert eve.get(list_of(Flag)).context["cl"].result_count == 1
    assert eve.get(f"{list_of(Flag)}?state=any").context["cl"].result_count == 2
    assert eve.get(f"{list_of(Flag)}?state=resolved").context["cl"].result_count == 1


def some_events(own: Furniture, count: int) -> None:
    UsageEvent.objects.bulk_create(
        UsageEvent(
            workspace=own.workspace,
            item=own.item,
            on=DAY,
            event_id=f"e{number:05}",
            at=NOON + timedelta(seconds=number),
            actor=b"1" * 16,
            source=own.source,
            stated_at=NOON,
            stated_by="msg_1",
            stated_row=number,
        )
        for number in range(count)
    )


def test_a_list_of_facts_neither_counts_nor_sorts_its_table(ada: Client, own: Furniture) -> None:
    some_events(own, 1200)
    with CaptureQueriesContext(connection) as captured:
        answer = ada.get(f"{list_of(UsageEvent)}?o=-3")
    assert answer.status_code == 200
    asked = [query["sql"] for query in captured if 'FROM "outcomes_usageevent"' in query["sql"]]
    assert asked
    assert not any("COUNT(" in sql for sql in asked)
    assert all("LIMIT" in sql for sql in asked)
    # Only ever along the identity, whatever the address asks for.
    identity = [f'"outcomes_usageevent"."{name}" ASC' for name in ("item_id", "on", "event_id")]
    assert f"ORDER BY {', '.join(identity)} LIMIT" in asked[-1]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {asked[-1]}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index" in plan


def test_facts_are_leafed_through_but_not_to_the_end_of_time(ada: Client, own: Furniture) -> None:
    some_events(own, 1200)
    assert ada.get(f"{list_of(UsageEvent)}?p=2").context["cl"].result_list[0].event_id == "e00050"
    assert ada.get(list_of(UsageEvent)).context["cl"].paginator.num_pages == 20
    assert "the first 1000 of many usage events" in ada.get(list_of(UsageEvent)).content.decode()
    assert ada.get(f"{list_of(UsageEvent)}?p=99999").status_code == 302


def test_facts_are_found_by_the_exact_key_of_what_they_are_about(
    ada: Client, own: Furniture, foreign: Furniture
) -> None:
    def found(key: str) -> int:
        return ada.get(list_of(UsageEvent), {"q": key}).context["cl"].result_count

    assert found(own.item.key) == 1
    assert found("nothing-like-it") == 0
    assert found(foreign.item.key) == 0


def test_filters_offer_stored_words_as_people_read_them(eve: Client, own: Furniture) -> None:
    for model in (Flag, Item):
        page = eve.get(list_of(model)).content.decode()
        offered = [line.strip() for line in page[page.index('id="changelist-filter"') :].splitlines()]
        assert any("never adopted</a>" in line for line in offered), model
        assert not any("never_adopted</a>" in line for line in offered), model


def test_a_source_that_nothing_was_refused_of_says_so_with_a_dash_and_moments_are_short(
    ada: Client, own: Furniture
) -> None:
    page = ada.get(page_of(own.source)).content.decode()
    assert ">None<" not in page
    assert "+00:00" not in page


def test_an_effect_is_headed_by_what_it_is_an_effect_on(eve: Client, own: Furniture) -> None:
    effect = Effect.objects.in_workspace(own.workspace.pk).select_related("outcome__metric")[0]
    page = eve.get(page_of(effect)).content.decode()
    assert f"<h2>{effect.outcome.item.title}: {effect.outcome.metric.name}</h2>" in page
