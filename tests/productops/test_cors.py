"""Which pages on other origins may call the API from a browser: those that are named, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from productops.api.origins import exact_origin
from tests.callers import Caller
from tests.factories import a_workspace

pytestmark = pytest.mark.django_db

APP = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}


@pytest.fixture
def _named(settings: Any) -> None:
    settings.CORS_ORIGINS = [APP]


def test_without_a_setting_no_origin_is_let_in() -> None:
    answer = Caller(a_workspace()).get("items/", Origin=APP)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.usefixtures("_named")
def test_the_named_origin_may_read_and_send_its_session() -> None:
    answer = Caller(a_workspace()).get("items/", Origin=APP)
    assert answer["Access-Control-Allow-Origin"] == APP
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert {"ETag", "RateLimit", "X-Request-ID"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
    assert "Origin" in answer["Vary"]


@pytest.mark.usefixtures("_named")
@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "null",
        "*",
        "",
    ],
)
def test_whatever_merely_looks_like_it_is_not_it(origin: str) -> None:
    answer = Caller(a_workspace()).get("items/", Origin=origin)
    assert "Access-Control-Allow-Origin" not in answer
    # A cache that kept this answer must not hand it to the origin that is named.
    assert "Origin" in answer["Vary"]


@pytest.mark.usefixtures("_named")
def test_a_preflight_is_answered_without_a_key() -> None:
    answer = Client().options("/api/v1/items/saved-carts/", headers={"Origin": APP, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "PATCH" in answer["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in answer["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "if-match", "idempotency-key", "productops-workspace"} <= allowed


@pytest.mark.usefixtures("_named")
def test_a_stranger_s_preflight_is_refused() -> None:
    headers = {"Origin": "https://evil.example", **PREFLIGHT}
    answer = Client(raise_request_exception=False).options("/api/v1/items/x/", headers=headers)
    assert answer.status_code >= 400
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.usefixtures("_named")
def test_an_error_can_be_read_by_the_named_origin_too() -> None:
    answer = Caller().get("items/", Origin=APP)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, APP)


@pytest.mark.usefixtures("_named")
def test_the_admin_and_the_webhooks_are_for_no_other_origin() -> None:
    for path in ("/admin/login/", "/healthz"):
        assert "Access-Control-Allow-Origin" not in Client().get(path, headers={"Origin": APP})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("https://app.example.com/", APP),
        ("https://app.example.com:443", APP),
        ("http://localhost:3000", "http://localhost:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_say_it(said: str, meant: str) -> None:
    assert exact_origin(said) == meant


@pytest.mark.parametrize("said", ["*", "app.example.com", "https://*.example.com", f"{APP}/path", "ftp://x"])
def test_what_is_no_origin_stops_the_start(said: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        exact_origin(said)
