from __future__ import annotations

import json
from unittest.mock import patch

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from psycopg_pool import PoolTimeout

from productops.api.errors import database_is_away
from productops.workspaces.models import ApiKey
from roadmap.models import Item
from tests.callers import Caller, codes, pointers
from tests.factories import a_problem, a_product, a_workspace, an_item

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"
MEMBERS = {"type", "title", "status", "detail", "instance", "request_id", "errors"}


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "nonsense", ""])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/nothing/", 404),
        ("get", "/api/nothing", 404),
        ("get", "/nothing/", 404),
        ("post", "/v1/items/", 404),
        ("get", "/in/", 404),
        ("get", "/in/nothing/at/all/of/it/x", 405),
        ("delete", "/api/v1/items/", 405),
        ("options", "/api/v1/items/", 405),
        ("get", "/api/v1/items/99999999999999999999/", 404),
        ("get", "/api/v1/items/99999999/", 404),
        ("get", "/api/v1/items/?nothing=1", 400),
        ("get", "/api/schema/?format=nonsense", 400),
    ],
)
def test_every_error_is_problem_json_whatever_is_accepted(
    method: str, path: str, status: int, accept: str
) -> None:
    caller = Caller(a_workspace())
    answer = getattr(caller.client, method)(path, headers={**caller.headers, "Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    body = answer.json()
    assert set(body) >= MEMBERS
    assert body["status"] == status
    assert body["request_id"] == answer["X-Request-ID"]


def test_a_page_that_is_not_there_is_a_page() -> None:
    caller = Caller(a_workspace())
    assert caller.client.get("/static/nothing.css")["Content-Type"].startswith("text/html")


def test_a_405_says_what_is_allowed() -> None:
    assert (
        "POST"
        in Caller(a_workspace()).client.delete("/api/v1/items/", headers=Caller(a_workspace()).headers)[
            "Allow"
        ]
    )


def test_another_content_type_is_415() -> None:
    answer = Caller(a_workspace()).post(
        "items/", b"title=x", content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, answer["Content-Type"]) == (415, PROBLEM)


def test_a_compressed_body_is_415() -> None:
    answer = Caller(a_workspace()).post("items/", b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@override_settings(API_MAX_BYTES=100)
def test_a_body_over_the_limit_is_413() -> None:
    answer = Caller(a_workspace()).post("items/", {"title": "x" * 200})
    assert (answer.status_code, answer["Content-Type"]) == (413, PROBLEM)


def test_a_chunked_body_without_length_is_411() -> None:
    caller = Caller(a_workspace())
    answer = caller.client.generic(
        "POST", "/api/v1/items/", b"", headers={**caller.headers, "Transfer-Encoding": "chunked"}
    )
    assert answer.status_code == 411


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 1000 + b"]" * 1000,
        b'{"title": "\\u0000"}',
        b'{"title": "\\ud800"}',
        b'{"reach": 1e400}',
        b"\xff",
    ],
)
def test_a_body_that_cannot_be_read_is_400(body: bytes) -> None:
    answer = Caller(a_workspace()).post("items/", body)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize("body", [[], [1], "text", 5, None, True])
def test_a_body_that_is_not_an_object_is_400(body: object) -> None:
    assert Caller(a_workspace()).post("items/", json.dumps(body).encode()).status_code == 400


def test_every_complaint_points_at_its_place() -> None:
    body = {
        "status": "done",
        "reach": "12",
        "links": [{"problem": "nowhere"}, {"weight": 1}],
        "product": "none",
    }
    answer = Caller(a_workspace()).post("items/", body)
    assert answer.status_code == 400
    assert pointers(answer) == {
        "/title",
        "/status",
        "/reach",
        "/links/0/problem",
        "/links/1/problem",
        "/product",
    }


def test_what_is_unknown_is_told_together_with_what_is_wrong() -> None:
    caller = Caller(a_workspace())
    body = {"statuss": "idea", "version": 3, "product": "none", "links": [{"problem": "none", "wait": 1}]}
    wrong = {"/statuss", "/version", "/product", "/links/0/problem", "/links/0/wait", "/title"}
    assert pointers(caller.post("items/", body)) == wrong
    rows = {"rows": [body, {"id": 1, "titel": "x", "product": "none"}]}
    first = {"/statuss", "/product", "/links/0/problem", "/links/0/wait", "/key"}
    second = {"/version", "/titel", "/product"}
    assert pointers(caller.post("items/bulk/", rows)) == {
        *(f"/rows/0{pointer}" for pointer in first),
        *(f"/rows/1{pointer}" for pointer in second),
    }


def test_unknown_and_unwritable_fields_are_refused_by_name() -> None:
    answer = Caller(a_workspace()).post("items/", {"title": "x", "statuss": "idea", "version": 3})
    assert pointers(answer) == {"/statuss", "/version"}
    assert codes(answer) == {"unknown", "read_only"}


def test_a_taken_key_is_409_by_name() -> None:
    caller = Caller(a_workspace())
    caller.post("products/", {"name": "Shop", "key": "shop"})
    answer = caller.post("products/", {"name": "Shop", "key": "shop"})
    assert (answer.status_code, pointers(answer), codes(answer)) == (409, {"/key"}, {"taken"})


def test_a_product_in_use_is_409() -> None:
    workspace = a_workspace()
    product = a_product(workspace)
    an_item(workspace, product=product)
    assert Caller(workspace).delete(f"products/{product.key}/").status_code == 409


def test_the_client_s_request_id_comes_back_and_a_harmful_one_does_not() -> None:
    caller = Caller(a_workspace())
    assert caller.get("items/", **{"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    assert caller.get("items/", **{"X-Request-ID": "a b{}"})["X-Request-ID"] != "a b{}"


def _raised(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.AdminShutdown("x"),
        psycopg.errors.CannotConnectNow("x"),
        psycopg.errors.DiskFull("x"),
        psycopg.errors.TooManyConnections("x"),
        psycopg.errors.ConnectionFailure("x"),
        psycopg.errors.ReadOnlySqlTransaction("x"),
        psycopg.errors.DeadlockDetected("x"),
        PoolTimeout("no connection after 3 s"),
        psycopg.OperationalError("connection refused"),
    ],
)
def test_a_database_that_is_away_is_503_with_retry_after(cause: Exception) -> None:
    caller = Caller(a_workspace())
    with patch("roadmap.api.views.ItemViewSet.filter_queryset", side_effect=_raised(cause)):
        answer = caller.get("items/")
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    assert int(answer["Retry-After"]) > 0


def test_a_database_away_beneath_the_views_is_503_too() -> None:
    with patch("django.contrib.sessions.middleware.SessionMiddleware.process_request") as broken:
        broken.side_effect = _raised(psycopg.OperationalError("connection refused"))
        api = Client(raise_request_exception=False).get("/api/v1/items/")
        page = Client(raise_request_exception=False).get("/admin/")
    assert (api.status_code, api["Content-Type"]) == (503, PROBLEM)
    assert (page.status_code, "Retry-After" in page) == (503, True)


def test_a_mistake_in_our_sql_is_not_a_database_that_is_away() -> None:
    assert not database_is_away(_raised(psycopg.errors.SyntaxError("x")))


def test_a_bug_is_500_as_problem_json_and_says_nothing() -> None:
    caller = Caller(a_workspace())
    with patch("roadmap.api.views.ItemViewSet.filter_queryset", side_effect=RuntimeError("secret words")):
        answer = caller.get("items/")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert b"secret words" not in answer.content


def test_nul_in_a_path_or_a_filter_is_no_500() -> None:
    workspace = a_workspace()
    a_problem(workspace)
    caller = Caller(workspace)
    assert caller.get("/api/v1/items/%00/").status_code == 404
    for query in (
        "search=%00",
        "key=%00",
        "problem=%00",
        "ordering=%00",
        "cursor=%00",
        "fields=%00",
        "page_size=%00",
    ):
        assert caller.get(f"items/?{query}").status_code == 400, query


@pytest.mark.parametrize("shaping", ["fields=nothing", "expand=nothing", "fields=links"])
def test_where_what_is_to_be_shown_is_refused_nothing_was_done(shaping: str) -> None:
    workspace = a_workspace()
    caller, item = Caller(workspace), an_item(workspace, title="Carts")
    assert caller.post(f"items/?{shaping}", {"title": "Ghost"}).status_code == 400
    with_key = caller.post(f"items/?{shaping}", {"title": "Ghost"}, **{"Idempotency-Key": "once"})
    assert with_key.status_code == 400
    etag = caller.get(f"items/{item.key}/")["ETag"]
    assert caller.patch(f"items/{item.key}/?{shaping}", {"title": "Ghost"}, match=etag).status_code == 400
    assert caller.post(f"items/{item.key}/release/?{shaping}").status_code == 400
    assert list(Item.objects.values_list("title", "status")) == [("Carts", "idea")]


def test_a_key_whose_secret_could_not_be_shown_was_not_made() -> None:
    workspace = a_workspace()
    caller = Caller(workspace)
    body = {"name": "Ghost", "scopes": ["roadmap:read"]}
    assert caller.post("api-keys/?fields=nothing", body).status_code == 400
    assert not ApiKey.objects.filter(name="Ghost").exists()


def test_an_address_without_the_slash_at_its_end_says_so() -> None:
    for path in ("/api/v1/items", "/api/v1/items/saved-carts", "/api/docs"):
        told = Client().get(path)
        assert (told.status_code, "with a slash" in told.json()["detail"]) == (404, True), path
    assert "/api/docs/" in Client().get("/api/v1/nothing").json()["detail"]


def test_all_parameters_that_mean_nothing_are_told_at_once() -> None:
    caller = Caller(a_workspace())
    told = caller.get("products/?colour=red&shape=round&key=&page_size=1&page_size=2")
    assert pointers(told) == {"/colour", "/shape", "/key", "/page_size"}
    assert codes(told) == {"unknown", "blank", "repeated"}
    many = "&".join(f"p{number}=1" for number in range(500))
    assert len(caller.get(f"products/?{many}").json()["errors"]) == 20
