from __future__ import annotations

from datetime import UTC, datetime

import pytest

from roadmap.models import Item, ProblemStanding
from tests.callers import Caller
from tests.factories import a_problem, a_workspace, an_item

pytestmark = pytest.mark.django_db


def pages(caller: Caller, path: str, most: int = 60) -> list[list[str]]:
    """The keys on every page from `path` on, by the `next` links."""
    found: list[list[str]] = []
    url: str | None = path
    while url is not None:
        assert len(found) < most, "the pages never end"
        answer = caller.get(url)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        found.append([row["key"] for row in body["results"]])
        url = body["next"]
    return found


def flat(found: list[list[str]]) -> list[str]:
    return [key for page in found for key in page]


@pytest.fixture
def many(db):
    """Forty items with equal instants, equal and missing numbers."""
    workspace = a_workspace()
    for number in range(40):
        an_item(
            workspace,
            key=f"i-{number:02}",
            title=f"T{number % 3}",
            reach=None if number % 4 == 0 else number % 5,
        )
    Item.objects.update(updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    return workspace


@pytest.mark.parametrize(
    "ordering",
    [
        "",
        "-updated_at",
        "reach",
        "-reach",
        "title,-reach",
        "-title,reach,-key",
        "released_on",
        "-released_on",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 39, 40, 41])
def test_every_row_is_on_exactly_one_page_whatever_is_equal_or_unknown(
    many, ordering: str, size: int
) -> None:
    query = f"&ordering={ordering}" if ordering else ""
    found = flat(pages(Caller(many), f"items/?page_size={size}{query}"))
    assert len(found) == 40
    assert len(set(found)) == 40


@pytest.mark.parametrize("ordering", ["reach", "-reach", "-title,reach"])
def test_the_pages_read_like_one_list_and_backward_like_forward(many, ordering: str) -> None:
    caller = Caller(many)
    whole = flat(pages(caller, f"items/?page_size=200&ordering={ordering}"))
    forward = pages(caller, f"items/?page_size=7&ordering={ordering}")
    assert flat(forward) == whole
    url, links = f"items/?page_size=7&ordering={ordering}", []
    while url:
        body = caller.get(url).json()
        links.append(body)
        url = body["next"]
    backward, url = [[row["key"] for row in links[-1]["results"]]], links[-1]["previous"]
    while url:
        body = caller.get(url).json()
        backward.insert(0, [row["key"] for row in body["results"]])
        url = body["previous"]
    assert flat(backward) == whole


def test_unknown_numbers_come_last_in_both_directions(many) -> None:
    caller = Caller(many)
    for ordering in ("reach", "-reach"):
        body = caller.get(f"items/?page_size=200&ordering={ordering}").json()
        assert [row["reach"] for row in body["results"]][-10:] == [None] * 10


def test_rows_inserted_and_changed_between_pages_move_nobody_else(many) -> None:
    caller = Caller(many)
    expected = set(flat(pages(caller, "items/?page_size=200&ordering=title")))
    body = caller.get("items/?page_size=10&ordering=title").json()
    seen = [row["key"] for row in body["results"]]
    steps = 0
    while body["next"]:
        an_item(many, title="T0", key=f"new-a{steps}")
        an_item(many, title="T2", key=f"new-z{steps}")
        Item.objects.filter(key="i-39").update(title="T0")
        body = caller.get(body["next"]).json()
        seen += [row["key"] for row in body["results"]]
        steps += 1
        assert steps < 30
    old = [key for key in seen if not key.startswith("new-") and key != "i-39"]
    assert len(old) == len(set(old))
    assert set(old) == expected - {"i-39"}


def test_the_way_back_is_found_when_everything_ahead_has_gone(many) -> None:
    caller = Caller(many)
    first = caller.get("items/?page_size=30&ordering=key").json()
    Item.objects.filter(key__gt="i-29").delete()
    empty = caller.get(first["next"]).json()
    assert (empty["results"], empty["next"]) == ([], None)
    back = caller.get(empty["previous"]).json()
    assert [row["key"] for row in back["results"]] == [row["key"] for row in first["results"]]


def test_a_joined_column_orders_the_list(many) -> None:
    workspace = a_workspace()
    for key, demand in (("a", 1.5), ("b", None), ("c", 7.25), ("d", 1.5)):
        problem = a_problem(workspace, key=key)
        if demand is not None:
            ProblemStanding.objects.create(workspace=workspace, problem=problem, demand=demand)
    assert flat(pages(Caller(workspace), "problems/?page_size=1")) == ["c", "a", "d", "b"]


def test_links_are_absolute_and_keep_the_question(many) -> None:
    body = Caller(many).get("items/?page_size=3&status=idea&ordering=-key").json()
    assert body["next"].startswith("http://testserver/api/v1/items/?")
    assert "status=idea" in body["next"]
    assert "ordering=-key" in body["next"]


def test_rows_are_counted_when_asked(many) -> None:
    caller = Caller(many)
    assert "count" not in caller.get("items/").json()
    assert caller.get("items/?count=true&page_size=1").json()["count"] == 40


def test_rows_are_counted_on_every_page_and_where_there_is_nothing(many) -> None:
    caller = Caller(many)
    first = caller.get("items/?count=true&page_size=30&ordering=key").json()
    assert (first["count"], caller.get(first["next"]).json()["count"]) == (40, 40)
    Item.objects.filter(key__gt="i-29").delete()
    beyond = caller.get(first["next"]).json()
    assert (beyond["results"], beyond["count"]) == ([], 30)
    assert caller.get("items/?count=true&status=released").json()["count"] == 0
    assert caller.get("items/?count=true&search=T1&ordering=-title").json()["count"] == 10


@pytest.mark.parametrize(
    ("ordering", "way"), [("status", 1), ("-status", -1), ("impact", -1), ("-impact", 1)]
)
def test_equal_rows_come_as_the_index_of_the_order_is_read(many, ordering: str, way: int) -> None:
    # (status, id) from either end; (impact DESC NULLS LAST, id), where unknown ones come last, likewise.
    Item.objects.update(impact=2.0)
    found = Caller(many).get(f"items/?page_size=200&ordering={ordering}").json()["results"]
    ids = [row["id"] for row in found]
    assert ids == sorted(ids)[::way]


def cursor_of(url: str) -> str:
    return next(part for part in url.split("?")[1].split("&") if part.startswith("cursor="))[7:]


def test_a_cursor_that_was_tampered_with_is_400(many) -> None:
    caller = Caller(many)
    cursor = cursor_of(caller.get("items/?page_size=3").json()["next"])
    for bad in (cursor[:-2], "A" + cursor, "x", "%00", "e30", cursor.replace(".", ""), "🚀"):
        answer = caller.get(f"items/?page_size=3&cursor={bad}")
        assert answer.status_code == 400, bad
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


def test_a_cursor_of_another_question_or_workspace_is_400(many) -> None:
    caller = Caller(many)
    cursor = cursor_of(caller.get("items/?page_size=3").json()["next"])
    assert caller.get(f"items/?cursor={cursor}").status_code == 200
    for query in ("&status=idea", "&ordering=key"):
        assert caller.get(f"items/?cursor={cursor}{query}").status_code == 400
    assert caller.get(f"problems/?cursor={cursor}").status_code == 400
    outsider = Caller(a_workspace())
    assert outsider.get(f"items/?cursor={cursor}").status_code == 400


@pytest.mark.parametrize("size", ["0", "201", "-1", "x", "1.5", "99999999999", "", "١"])
def test_a_bad_page_size_is_400_by_name(many, size: str) -> None:
    answer = Caller(many).get(f"items/?page_size={size}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/page_size"


@pytest.mark.parametrize(
    "query",
    [
        "nothing=1",
        "limit=5",
        "status=idea&status=delivery",
        "status=",
        "ordering=secret_hash",
        "ordering=title,title",
        "count=1",
        "archived=yes",
        "released_after=yesterday",
        "fields=title,nothing",
        "problem=nowhere",
        "expand=everything",
    ],
)
def test_an_unknown_parameter_or_bad_value_is_400_with_its_name(many, query: str) -> None:
    answer = Caller(many).get(f"items/?{query}")
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["pointer"], error["source"]) == (f"/{query.split('=')[0]}", "query")


def test_fields_trim_the_rows(many) -> None:
    body = Caller(many).get("items/?fields=key,title&page_size=2").json()
    assert all(set(row) == {"key", "title"} for row in body["results"])
