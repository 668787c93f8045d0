"""Guessing a password is refused before anything is hashed; without Redis people still sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from productops.workspaces import sign_in
from tests.factories import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A person waits for Redis half a second at most and then goes uncounted; these are about those that are counted.
    monkeypatch.setattr(sign_in, "_PATIENCE_S", 60.0)
    sign_in._redis.cache_clear()
    redis = Redis.from_url(settings.REDIS_URL)
    _forget_all(redis)
    yield
    _forget_all(redis)
    redis.close()
    sign_in._redis.cache_clear()


def _forget_all(redis: Redis) -> None:
    for key in redis.scan_iter("productops:sign-in:*", count=1000):
        redis.delete(key)


def attempt(password: str, username: str = "ada", **extra: Any) -> Any:
    address = reverse("admin:login")
    return Client().post(address, {"username": username, "password": password, "next": "/admin/"}, **extra)


def test_guessing_is_refused_before_the_password_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    a_person(username="ada", is_staff=True)
    for _ in range(10):
        assert "Please enter the correct" in attempt("wrong").content.decode()

    def hashed(*_: Any, **__: Any) -> None:
        raise AssertionError("a password was hashed")

    monkeypatch.setattr("django.contrib.auth.hashers.check_password", hashed)
    monkeypatch.setattr("django.contrib.auth.models.User.check_password", hashed)
    assert "Too many attempts" in attempt("open sesame").content.decode()


def test_somebody_at_another_address_is_not_shut_out() -> None:
    a_person(username="ada", is_staff=True)
    for _ in range(11):
        attempt("wrong")
    assert attempt("open sesame", REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_forwarded_address_does_not_get_around_it() -> None:
    a_person(username="ada", is_staff=True)
    for number in range(10):
        attempt("wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert "Too many" in attempt("wrong", HTTP_X_FORWARDED_FOR="192.0.2.99").content.decode()


def test_signing_in_forgets_what_was_tried_before() -> None:
    a_person(username="ada", is_staff=True)
    for _ in range(3):
        for _ in range(8):
            attempt("wrong")
        assert attempt("open sesame").status_code == 302


def test_one_address_cannot_try_everybody() -> None:
    for number in range(100):
        attempt("wrong", username=f"person{number}")
    assert "Too many" in attempt("wrong", username="another").content.decode()


def test_people_sign_in_while_redis_is_away(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    a_person(username="ada", is_staff=True)
    sign_in._redis.cache_clear()
    # Nothing listens on the discard port of loopback.
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert attempt("open sesame").status_code == 302
    assert "not limited while Redis is away" in caplog.text
