"""A POST with an Idempotency-Key: however often it is sent, it is done once and answered alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.utils import timezone

from productops.api import idempotency
from productops.workspaces.answers import Answer, Repeatable, forget_answers
from productops.workspaces.models import ApiKey, KeptAnswer, Workspace
from roadmap.models import Product
from tests.callers import Caller, SignedIn
from tests.factories import a_member, a_workspace

ONCE = {"Idempotency-Key": "3f1c"}


@pytest.fixture
def workspace(db: None) -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def same(first: HttpResponse, again: HttpResponse) -> bool:
    return (first.status_code, first.content, first["ETag"], first["Location"]) == (
        again.status_code,
        again.content,
        again["ETag"],
        again["Location"],
    )


def test_the_same_request_again_is_answered_as_before_and_does_nothing(paula: Caller) -> None:
    first = paula.post("products/", {"name": "Shop"}, **ONCE)
    again = paula.post("products/", {"name": "Shop"}, **ONCE)
    assert first.status_code == 201
    assert same(first, again)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Product.objects.count() == 1


def test_the_answer_is_the_first_one_although_the_object_has_changed_since(paula: Caller) -> None:
    first = paula.post("products/", {"name": "Shop"}, **ONCE)
    paula.patch("products/shop/", {"name": "Store"})
    assert paula.post("products/", {"name": "Shop"}, **ONCE).content == first.content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("products/", {"name": "Store"}),
        ("customers/", {"name": "Shop"}),
        ("products/?fields=id", {"name": "Shop"}),
    ],
)
def test_another_request_under_the_same_key_is_422(paula: Caller, path: str, body: Any) -> None:
    paula.post("products/", {"name": "Shop"}, **ONCE)
    response = paula.post(path, body, **ONCE)
    if path.endswith("fields=id"):
        # A POST has no such parameter for the effect, but the address is part of what was asked.
        assert response.status_code in (400, 422)
    else:
        assert response.status_code == 422
        assert response.json()["type"].endswith("idempotency_key_reused")


def test_a_key_belongs_to_the_credential_and_the_workspace_that_used_it(
    workspace: Workspace, paula: Caller
) -> None:
    paula.post("products/", {"key": "shop", "name": "Shop"}, **ONCE)
    other_key, elsewhere = Caller(workspace), Caller(a_workspace())
    person = SignedIn(a_member(workspace).user)
    assert other_key.post("products/", {"key": "store", "name": "Store"}, **ONCE).status_code == 201
    assert elsewhere.post("products/", {"key": "shop", "name": "Shop"}, **ONCE).status_code == 201
    token = _csrf_token(person)
    mine = person.post("products/", {"name": "Mine"}, **ONCE, **token)
    assert mine.status_code == 201, mine.content
    assert KeptAnswer.objects.count() == 4


def _csrf_token(person: SignedIn) -> dict[str, str]:
    person.client.cookies["csrftoken"] = "a" * 32
    return {"X-CSRFToken": "a" * 32}


def test_an_error_is_not_kept_and_the_request_can_be_sent_again(paula: Caller) -> None:
    assert paula.post("links/", {"item": "later", "problem": "later"}, **ONCE).status_code == 400
    paula.post("items/", {"title": "Later"})
    paula.post("problems/", {"title": "Later"})
    assert paula.post("links/", {"item": "later", "problem": "later"}, **ONCE).status_code == 201


def test_actions_are_done_once_too(paula: Caller) -> None:
    paula.post("items/", {"title": "Saved carts"})
    first = paula.post("items/saved-carts/release/", {"on": "2026-03-02"}, **ONCE)
    version = paula.get("items/saved-carts/").json()["version"]
    again = paula.post("items/saved-carts/release/", {"on": "2026-03-02"}, **ONCE)
    assert (first.status_code, first.content, first["ETag"]) == (200, again.content, again["ETag"])
    assert paula.get("items/saved-carts/").json()["version"] == version


@pytest.mark.parametrize("key", ["x" * 256, " ", "ä"])
def test_a_key_that_cannot_be_one_is_400(paula: Caller, key: str) -> None:
    response = paula.post(
        "products/", {"name": "Shop"}, **{"Idempotency-Key": key.encode().decode("latin-1")}
    )
    assert response.status_code == 400
    assert not Product.objects.exists()


def test_the_key_says_nothing_where_nothing_is_created(paula: Caller) -> None:
    assert paula.get("products/", **ONCE).status_code == 200
    assert not KeptAnswer.objects.exists()


def test_a_viewer_is_refused_before_anything_is_looked_up(workspace: Workspace) -> None:
    viewer = Caller(workspace, ["roadmap:read"])
    assert viewer.post("products/", {"name": "Shop"}, **ONCE).status_code == 403


def test_a_new_key_is_told_again_but_never_stored_as_it_is(paula: Caller) -> None:
    body = {"name": "CI", "scopes": ["ingest"]}
    first = paula.post("api-keys/", body, **ONCE)
    plain_text = first.json()["key"]
    assert plain_text.encode() not in bytes(KeptAnswer.objects.get().body)
    again = paula.post("api-keys/", body, **ONCE)
    assert again.json()["key"] == plain_text
    assert again["Cache-Control"] == "no-store"
    assert ApiKey.objects.filter(name="CI").count() == 1


def test_an_answer_is_forgotten_after_a_day(paula: Caller) -> None:
    paula.post("customers/", {"name": "Acme"}, **ONCE)
    assert forget_answers() == 0
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    again = paula.post("customers/", {"name": "Acme"}, **ONCE)
    assert (again.status_code, again.json()["key"]) == (201, "acme-2")
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert forget_answers() == 1
    assert not KeptAnswer.objects.exists()


def test_a_body_beyond_what_is_kept_is_413(paula: Caller, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert paula.post("products/", {"name": "x" * 2000}, **ONCE).status_code == 413


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_have_one_effect_and_eight_equal_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    paula = Caller(a_workspace())
    answers: list[HttpResponse] = []
    begin = threading.Barrier(8)
    keep = Repeatable.keep

    def keep_slowly(repeatable: Repeatable, answer: Answer) -> None:
        time.sleep(0.5)  # the others have come by then
        keep(repeatable, answer)

    monkeypatch.setattr(Repeatable, "keep", keep_slowly)
    # However busy the machine is: how long anybody waits is another test's.
    monkeypatch.setattr(idempotency, "PATIENCE_S", 60.0)

    def send() -> None:
        caller = Caller(**paula.headers)
        begin.wait()
        try:
            answers.append(caller.post("items/", {"title": "Saved carts"}, **ONCE))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({(answer.content, answer["ETag"], answer["Location"]) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert len(paula.get("items/").json()["results"]) == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_first_is_running_too_long_the_second_is_409_and_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paula = Caller(a_workspace())
    monkeypatch.setattr(idempotency, "PATIENCE_S", 0.2)
    with _running(ApiKey.objects.get()):
        answer = in_a_thread(lambda: paula.post("products/", {"name": "Shop"}, **ONCE))
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert answer.json()["type"].endswith("still_running")
    assert not Product.objects.exists()


@contextmanager
def _running(key: ApiKey) -> Iterator[None]:
    """A first request that does not end."""
    with transaction.atomic(), connection.cursor() as cursor:
        name = f"answer:{key.workspace_id}:key:{key.pk}:3f1c"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        yield


def in_a_thread(send: Callable[[], HttpResponse]) -> HttpResponse:
    """What is sent over another connection than the test's own."""
    answers: list[HttpResponse] = []

    def run() -> None:
        try:
            answers.append(send())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=60)
    return answers[0]


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_the_effect_leaves_neither_effect_nor_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    paula = Caller(a_workspace())

    def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("productops.workspaces.answers.Repeatable.keep", crash)
        assert paula.post("products/", {"name": "Shop"}, **ONCE).status_code == 500
    assert not Product.objects.exists()
    assert paula.post("products/", {"name": "Shop"}, **ONCE).status_code == 201
