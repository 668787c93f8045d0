from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from roadmap.models import Item
from tests.callers import Caller
from tests.factories import a_workspace, an_item


@pytest.mark.django_db
def test_reading_again_with_the_etag_is_304_without_a_body() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace), Caller(workspace)
    etag = caller.get(f"items/{item.key}/")["ETag"]
    again = caller.get(f"items/{item.key}/", **{"If-None-Match": f'"x", W/{etag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


@pytest.mark.django_db
def test_another_representation_of_the_same_version_is_sent() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace), Caller(workspace)
    etag = caller.get(f"items/{item.key}/")["ETag"]
    Item.objects.filter(pk=item.pk).update(summary="changed beside the version")
    assert caller.get(f"items/{item.key}/", **{"If-None-Match": etag}).status_code == 200
    assert caller.patch(f"items/{item.key}/", {"title": "Mine"}, match=etag).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_a_write_without_if_match_is_428(method: str) -> None:
    workspace = a_workspace()
    item = an_item(workspace)
    assert Caller(workspace).send(method, f"items/{item.key}/", {"title": "x"}).status_code == 428


@pytest.mark.django_db
@pytest.mark.parametrize(
    "match", ['"2.abc"', '"0"', "nonsense", '"1', "1", '"1.zz"', '"99999999999999999999"']
)
def test_a_stale_or_meaningless_etag_is_412(match: str) -> None:
    workspace = a_workspace()
    item = an_item(workspace)
    answer = Caller(workspace).patch(f"items/{item.key}/", {"title": "x"}, match=match)
    assert answer.status_code == 412
    assert Item.objects.get(pk=item.pk).title == item.title


@pytest.mark.django_db
@pytest.mark.parametrize(("match", "code"), [("1", "if_match_unreadable"), ('"7.abc"', "stale_edit")])
def test_what_is_no_etag_is_told_from_one_that_is_stale(match: str, code: str) -> None:
    workspace = a_workspace()
    answer = Caller(workspace).patch(f"items/{an_item(workspace).key}/", {"title": "x"}, match=match)
    assert answer.json()["type"] == f"urn:productops:problem:{code}"


@pytest.mark.django_db
def test_one_of_several_etags_and_a_star_are_enough() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace), Caller(workspace)
    assert caller.patch(f"items/{item.key}/", {"title": "a"}, match='"7.ab", "1.cd"').status_code == 200
    assert caller.patch(f"items/{item.key}/", {"title": "b"}, match="*").status_code == 200


@pytest.mark.django_db
def test_an_edit_that_changes_nothing_keeps_the_version() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace), Caller(workspace)
    answer = caller.patch(f"items/{item.key}/", {"title": item.title})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)


@pytest.mark.django_db
def test_put_replaces_everything_but_the_key() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace, key="carts", summary="old", reach=5), Caller(workspace)
    etag = caller.get("items/carts/")["ETag"]
    body = caller.put("items/carts/", {"title": "New"}, match=etag).json()
    assert (body["key"], body["title"], body["summary"], body["reach"]) == ("carts", "New", "", None)
    assert caller.put("items/carts/", {"summary": "no title"}, match="*").status_code == 400
    assert item.pk == body["id"]


@pytest.mark.django_db(transaction=True)
def test_of_eight_edits_of_one_version_at_once_one_is_done_and_seven_are_told() -> None:
    workspace = a_workspace()
    item, caller = an_item(workspace), Caller(workspace)
    etag = caller.get(f"items/{item.key}/")["ETag"]
    start = Barrier(8)

    def edit(number: int) -> int:
        start.wait(timeout=60)
        try:
            own = Caller(**caller.headers)
            return own.patch(f"items/{item.key}/", {"title": f"Edit {number}"}, match=etag).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(edit, range(8)))
    assert statuses == [200] + [412] * 7
    assert Item.objects.get(pk=item.pk).version == 2


@pytest.mark.django_db(transaction=True)
def test_of_eight_creations_of_one_key_at_once_one_is_done_and_seven_are_told() -> None:
    workspace = a_workspace()
    caller, start = Caller(workspace), Barrier(8)

    def create(number: int) -> int:
        start.wait(timeout=60)
        try:
            return Caller(**caller.headers).post("items/", {"key": "carts", "title": "Carts"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(8)))
    assert statuses == [201] + [409] * 7


@pytest.mark.django_db(transaction=True)
def test_eight_items_of_one_title_at_once_all_get_a_key() -> None:
    workspace = a_workspace()
    caller, start = Caller(workspace), Barrier(8)

    def create(number: int) -> str:
        start.wait(timeout=60)
        try:
            answer = Caller(**caller.headers).post("items/", {"title": "Saved carts"})
            return str(answer.json().get("key", answer.content))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(create, range(8)))
    assert keys == {"saved-carts", *(f"saved-carts-{number}" for number in range(2, 9))}


@pytest.mark.django_db
def test_a_cache_keeps_an_answer_for_its_caller_alone_and_asks_again_each_time() -> None:
    workspace = a_workspace()
    an_item(workspace, key="carts")
    paula = Caller(workspace)
    first = paula.get("items/carts/")
    again = paula.get("items/carts/", **{"If-None-Match": first["ETag"]})
    for answer in (first, again, paula.get("items/"), paula.get("items/none/"), paula.get("items.csv")):
        assert answer["Cache-Control"] == "private, no-cache"
        varies = {name.strip() for name in answer["Vary"].split(",")}
        assert {"Authorization", "Cookie", "Productops-Workspace"} <= varies
