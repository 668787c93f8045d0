"""The record of changes: who, when, from, to, through every door; and a feed that misses nothing."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from outcomes import services as outcome_services
from outcomes.models import Metric, Outcome
from productops.workspaces import history
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting
from productops.workspaces.models import Change, Versioned, Workspace
from roadmap.models import Item, Product
from tests.callers import Caller, SignedIn
from tests.factories import (
    a_key,
    a_member,
    a_metric,
    a_person,
    a_problem,
    a_product,
    a_source,
    a_workspace,
    an_item,
)

assert outcome_services

EVE = Actor(name="Eve", user_id=7, via="admin")


def changes_of(row: Any) -> list[Change]:
    return list(Change.objects.filter(type=row._meta.model_name, object_id=row.pk).order_by("id"))


# --- What is written down -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_way_of_writing_is_written_down_with_who_did_it() -> None:
    workspace = a_workspace()
    with acting(EVE):
        items = Item.objects.bulk_create(
            [Item(workspace=workspace, key=f"item-{n}", title="Old") for n in range(3)]
        )
        Item.objects.filter(workspace=workspace).update(title="New")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE roadmap_item SET title = 'Newest' WHERE key = 'item-1'")
        items[1].delete()
    told = changes_of(Item(pk=items[1].pk or 0)) or list(
        Change.objects.filter(type="item", object_key="item-1").order_by("id")
    )
    assert [change.action for change in told] == ["created", "edited", "edited", "removed"]
    assert told[1].pairs() == {"title": ("Old", "New")}
    assert told[2].pairs() == {"title": ("New", "Newest")}
    assert {(change.by, change.user_id, change.via) for change in told} == {("Eve", 7, "admin")}


@pytest.mark.django_db
def test_who_did_it_is_forgotten_with_the_block_even_in_one_transaction() -> None:
    workspace = a_workspace()
    with acting(EVE):
        product = a_product(workspace)
    Product.objects.filter(pk=product.pk).update(name="By nobody")
    assert [change.by for change in changes_of(product)] == ["Eve", ""]


@pytest.mark.django_db
def test_who_did_it_outlives_a_savepoint_that_was_rolled_back() -> None:
    product = a_product(a_workspace())
    with acting(EVE):
        with transaction.atomic():
            Product.objects.filter(pk=product.pk).update(name="Never")
            transaction.set_rollback(True)
        Product.objects.filter(pk=product.pk).update(name="Then")
    assert [(change.by, change.pairs()) for change in changes_of(product)[1:]] == [
        ("Eve", {"name": (product.name, "Then")})
    ]


@pytest.mark.django_db(transaction=True)
def test_a_write_without_a_transaction_of_its_own_is_attributed_too() -> None:
    product = a_product(a_workspace())
    with acting(EVE):
        Product.objects.filter(pk=product.pk).update(name="Alone")
    assert changes_of(product)[-1].by == "Eve"


@pytest.mark.django_db
def test_archiving_and_restoring_are_called_so() -> None:
    problem = a_problem(a_workspace())
    an_item(problem.workspace)
    caller = Caller(problem.workspace)
    caller.post("evidence/", {"problem": problem.key, "kind": "call"})
    caller.delete(f"problems/{problem.pk}/")
    caller.post(f"problems/{problem.pk}/restore/")
    assert [change.action for change in changes_of(problem)] == ["created", "archived", "restored"]


@pytest.mark.django_db
def test_a_write_that_changes_nothing_people_know_of_leaves_no_change() -> None:
    product = a_product(a_workspace())
    Product.objects.filter(pk=product.pk).update(version=9)
    product.save()
    assert len(changes_of(product)) == 1


@pytest.mark.django_db
def test_no_secret_is_ever_written_down() -> None:
    workspace = a_workspace()
    source = a_source(workspace)
    _, plain_text = a_key(workspace)
    caller = Caller(workspace)
    caller.post(f"sources/{source.key}/rotate-secret/")
    token = caller.post("invitations/", {"email": "grace@example.com", "role": "viewer"}).json()["token"]
    written = str(list(Change.objects.values()))
    columns = {column for change in Change.objects.all() for column in change.values}
    for secret in (source.token, plain_text.split("_")[2], token, "whsec_"):
        assert secret not in written
    assert not columns & {"token", "secret", "secret_hash", "token_hash", "actor_key", "password"}
    assert {"source", "sourcesecret", "apikey", "invitation"} <= {c.type for c in Change.objects.all()}


@pytest.mark.django_db
def test_every_row_that_people_edit_is_recorded() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%_recorded'")
        recorded = {name for (name,) in cursor.fetchall()}
    edited = {model._meta.db_table for model in _concrete(Versioned)}
    assert edited <= recorded, edited - recorded
    assert {"workspaces_workspace", "workspaces_apikey", "outcomes_sourcesecret"} <= recorded
    assert not recorded & {"outcomes_observation", "outcomes_usageday", "outcomes_metricday"}


def _concrete(parent: type) -> list[Any]:
    found = []
    for model in parent.__subclasses__():
        found += ([] if model._meta.abstract else [model]) + _concrete(model)
    return found


@pytest.mark.django_db(transaction=True)
def test_a_workspace_takes_its_changes_with_it() -> None:
    workspace = a_workspace()
    an_item(workspace)
    other = an_item(a_workspace())
    workspace.delete()
    assert not Change.objects.filter(workspace_id=workspace.pk).exists()
    assert changes_of(other)


# --- Through which door ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_key_s_edit_names_the_key_and_the_request() -> None:
    workspace = a_workspace()
    _, plain_text = a_key(workspace, name="CI")
    item = an_item(workspace, title="Old")
    caller = Caller(Authorization=f"Bearer {plain_text}")
    etag = caller.get(f"items/{item.pk}/")["ETag"]
    caller.send("patch", f"items/{item.pk}/", {"title": "New"}, **{"If-Match": etag, "X-Request-ID": "r-1"})
    change = changes_of(item)[-1]
    assert (change.by, change.user_id, change.via, change.request_id) == ("CI", None, "api", "r-1")
    assert change.pairs() == {"title": ("Old", "New")}


@pytest.mark.django_db
def test_a_person_s_edits_say_whether_they_came_by_api_or_admin() -> None:
    workspace = a_workspace()
    member = a_member(workspace, "editor", a_person(is_staff=True, first_name="Eve", last_name=""))
    browser = SignedIn(member.user)
    browser.client.cookies["csrftoken"] = "x" * 32
    made = browser.post("products/", {"name": "Shop"}, **{"X-CSRFToken": "x" * 32})
    assert made.status_code == 201
    admin = Client()
    admin.force_login(member.user)
    form = {"name": "Till", "unit": "people", "seen_workspace": str(workspace.pk), "seen_version": ""}
    answer = admin.post("/admin/roadmap/product/add/", form)
    assert answer.status_code == 302, answer.content[:2000]
    told = {(c.values["name"], c.by, c.user_id, c.via) for c in Change.objects.filter(type="product")}
    assert told == {("Shop", "Eve", member.user_id, "api"), ("Till", "Eve", member.user_id, "admin")}


# --- The feed -------------------------------------------------------------------------------------------


def wait_until_all_is_told() -> None:
    """The feed ends before the oldest transaction that runs. That may be anybody's on this server for a moment, the
    database's own cleaning up included; one that begins later holds up nothing that is written by now."""
    until = time.monotonic() + 60
    while history.settled(Change.objects.all()).count() < Change.objects.count():
        assert time.monotonic() < until, "the feed holds something back"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_change_is_shown_with_who_when_from_and_to() -> None:
    workspace = a_workspace()
    product = a_product(workspace, key="shop")
    item = an_item(workspace, key="saved-carts", title="Old")
    caller = Caller(workspace)
    caller.patch(f"items/{item.pk}/", {"title": "New", "product": "shop"})
    wait_until_all_is_told()
    row = caller.get("changes/?type=item&object=saved-carts&action=edited").json()["results"][0]
    assert row["object"] == {"id": item.pk, "key": "saved-carts"}
    assert (row["type"], row["via"], row["actor"]["user_id"]) == ("item", "api", None)
    assert row["changes"] == [
        {"field": "product", "from": None, "to": product.pk},
        {"field": "title", "from": "Old", "to": "New"},
    ]
    assert caller.get(f"changes/{row['id']}/").json() == row


@pytest.mark.django_db(transaction=True)
def test_changes_are_filtered_by_object_actor_door_and_time() -> None:
    workspace = a_workspace()
    with acting(EVE):
        item = an_item(workspace)
    other = an_item(workspace)
    caller = Caller(workspace)

    def found(query: str) -> set[int]:
        rows = caller.get(f"changes/?type=item&{query}").json()["results"]
        return {row["object"]["id"] for row in rows}

    wait_until_all_is_told()
    assert found("") == {item.pk, other.pk}
    assert found(f"object={item.pk}") == found(f"object={item.key}") == {item.pk}
    assert found("actor=Eve") == found("via=admin") == found("user=7") == {item.pk}
    assert found("at_after=2999-01-01T00:00:00Z") == found("action=removed") == set()
    assert found("at_before=2999-01-01T00:00:00Z") == {item.pk, other.pk}
    assert caller.get("changes/?via=telephone").status_code == 400
    assert caller.get("changes/?since=1").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_the_changes_of_another_workspace() -> None:
    own, foreign = a_workspace(), a_workspace()
    an_item(own)
    theirs = changes_of(an_item(foreign))[0]
    caller = Caller(own)
    wait_until_all_is_told()
    assert {row["type"] for row in caller.get("changes/").json()["results"]} == {
        "item",
        "workspace",
        "apikey",
    }
    assert caller.get(f"changes/{theirs.pk}/").status_code == 404
    assert Caller(own, ["ingest"]).get("changes/").status_code == 403


@pytest.fixture
def elsewhere(transactional_db: None) -> Any:
    """A second session of the same database, in a transaction of its own."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    ) as session:
        yield session


def read_on(caller: Caller, url: str) -> tuple[list[str], str]:
    """The titles of created items from `url` on, to the end of the feed, and where to go on later."""
    titles: list[str] = []
    for _ in range(100):
        body = caller.get(url).json()
        titles += [
            change["to"] for row in body["results"] for change in row["changes"] if change["field"] == "title"
        ]
        url = body["next"]
        if not body["results"]:
            return titles, url
    raise AssertionError("the feed does not end")


def read_all(caller: Caller, url: str) -> tuple[list[str], str]:
    wait_until_all_is_told()
    return read_on(caller, url)


def test_a_transaction_that_began_early_and_commits_late_is_not_missed(elsewhere: Any) -> None:
    """The trap of `id > last`: the early one has the lower id, and appears after the later one was read."""
    workspace = a_workspace()
    caller = Caller(workspace)
    _, url = read_on(caller, "changes/?type=item&page_size=1")
    elsewhere.execute(
        "INSERT INTO roadmap_item (workspace_id, key, title, summary, hypothesis, kind, url, status, horizon,"
        " is_release_stated, usage_policy, exemption_reason, version, created_at, updated_at)"
        " VALUES (%s, 'early', 'early', '', '', 'feature', '', 'idea', '', false, 'normal', '', 1, now(), now())",
        [workspace.pk],
    )
    an_item(workspace, title="late")
    # The later one is committed, but what the early one wrote belongs before it: neither is shown yet.
    titles, url = read_on(caller, url)
    assert titles == []
    elsewhere.commit()
    titles, url = read_all(caller, url)
    assert titles == ["early", "late"]
    an_item(workspace, title="later")
    assert read_all(caller, url)[0] == ["later"]


def test_a_transaction_that_is_rolled_back_holds_up_nobody(elsewhere: Any) -> None:
    workspace = a_workspace()
    caller = Caller(workspace)
    _, url = read_on(caller, "changes/?type=item")
    elsewhere.execute("UPDATE workspaces_workspace SET name = 'x' WHERE id = %s", [workspace.pk])
    an_item(workspace, title="after")
    elsewhere.rollback()
    assert read_all(caller, url)[0] == ["after"]


@pytest.mark.django_db(transaction=True)
def test_four_writers_at_once_and_a_reader_miss_and_repeat_nothing() -> None:
    workspace = a_workspace()
    caller = Caller(workspace)
    each, writers = 30, 4

    def write(number: int) -> None:
        try:
            for index in range(each):
                with transaction.atomic():
                    an_item(workspace, key=f"w{number}-{index}", title=f"w{number}-{index}")
                    if index % 3 == 0:
                        with connection.cursor() as cursor:
                            cursor.execute("SELECT pg_sleep(0.003)")
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    url = "changes/?type=item&page_size=7"
    for _ in range(2000):
        titles, url = read_on(caller, url)
        seen += titles
        if not any(thread.is_alive() for thread in threads):
            break
    for thread in threads:
        thread.join()
    seen += read_all(caller, url)[0]
    assert len(seen) == len(set(seen)) == each * writers


@pytest.mark.django_db(transaction=True)
def test_the_newest_come_first_when_asked_for() -> None:
    workspace = a_workspace()
    for title in ("one", "two"):
        an_item(workspace, title=title)
    caller = Caller(workspace)
    wait_until_all_is_told()
    body = caller.get("changes/?type=item&ordering=-position").json()
    assert [row["object"]["key"] for row in body["results"]] == list(
        Item.objects.order_by("-id").values_list("key", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_after_a_restore_into_another_cluster_new_changes_follow_the_old_ones() -> None:
    workspace = a_workspace()
    item = an_item(workspace)
    # As if the cluster it was dumped from had been far ahead in its numbers.
    Change.objects.filter(workspace=workspace).update(position=10**12)
    caller = Caller(workspace)
    try:
        history.keep_order(None, using="default")
        _, url = read_on(caller, "changes/?type=item")
        caller.patch(f"items/{item.pk}/", {"title": "New"})
        assert read_all(caller, url)[0] == ["New"]
        history.keep_order(None, using="default")
        caller.patch(f"items/{item.pk}/", {"title": "Newer"})
        assert read_all(caller, url)[0] == ["New", "Newer"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE workspaces_changeshift SET shift = 0")


@pytest.mark.django_db
def test_an_outcome_s_target_moved_is_written_down() -> None:
    workspace = a_workspace()
    metric: Metric = a_metric(workspace)
    item = an_item(workspace)
    caller = Caller(workspace)
    made = caller.post("outcomes/", {"item": item.key, "metric": metric.key, "target": 2.5}).json()
    caller.patch(f"outcomes/{made['id']}/", {"target": 3, "due_on": "2026-06-30"})
    change = changes_of(Outcome(pk=made["id"]))[-1]
    assert change.pairs() == {"target": (2.5, 3), "due_on": (None, "2026-06-30")}
    assert date.fromisoformat(change.pairs()["due_on"][1])


@pytest.mark.django_db
def test_the_workspace_s_own_settings_have_a_history() -> None:
    workspace = a_workspace()
    Caller(workspace).patch("workspace/", {"window_days": 14})
    assert changes_of(workspace)[-1].pairs() == {"window_days": (28, 14)}
    assert Workspace.objects.get(pk=workspace.pk).window_days == 14


@pytest.mark.django_db
def test_a_kind_of_object_that_nobody_has_is_refused_and_every_other_is_known() -> None:
    caller = Caller(a_workspace())
    assert caller.get("changes/?type=nope").json()["errors"][0]["pointer"] == "/type"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname LIKE '%%_recorded'")
        kinds = {definition.split("('")[1].split("'")[0] for (definition,) in cursor.fetchall()}
    assert kinds <= history.known_types()
    assert {"item", "workspace"} <= kinds


@pytest.mark.django_db(transaction=True)
def test_the_newest_first_come_to_an_end_where_the_feed_goes_on() -> None:
    workspace = a_workspace()
    caller = Caller(workspace)
    for number in range(3):
        an_item(workspace, title=f"Item {number}")
    wait_until_all_is_told()
    body = caller.get("changes/?type=item&ordering=-position&page_size=2").json()
    assert [row["changes"] != [] for row in body["results"]] == [True, True]
    last = caller.get(body["next"]).json()
    assert (len(last["results"]), last["next"]) == (1, None)
    assert caller.get("changes/?type=item&ordering=-position&via=webhook").json()["next"] is None
    assert caller.get("changes/?type=item&page_size=3").json()["next"] is not None
