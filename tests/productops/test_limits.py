"""How much one key may ask for, and that nobody is stopped when nobody counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisIsAway

from productops.api import limits
from tests.callers import Caller, SignedIn
from tests.factories import a_member, a_workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.API_REQUESTS_PER_MINUTE = 3
    # A request waits for Redis hardly at all and then goes uncounted; these are about those that are counted.
    monkeypatch.setattr(limits, "_PATIENCE_S", 60.0)
    limits._counter.cache_clear()
    # The first second of a minute that no other test is in.
    monkeypatch.setattr(limits.time, "time", lambda: 4_000_000_020.0)
    counter = limits._counter()
    for name in counter.redis.scan_iter("productops:rate:*:66666667", count=1000):
        counter.redis.delete(name)
    yield
    limits._counter.cache_clear()


def test_every_answer_to_a_key_says_how_much_is_left() -> None:
    answer = Caller(a_workspace()).get("items/")
    assert answer["RateLimit-Policy"] == '"minute";q=3;w=60'
    assert answer["RateLimit"] == '"minute";r=2;t=60'


def test_one_more_than_the_quota_is_429_with_the_seconds_to_wait() -> None:
    caller = Caller(a_workspace())
    answers = [caller.get("items/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3]["Content-Type"] == "application/problem+json"
    assert answers[3]["Retry-After"] == "60"
    assert answers[3]["RateLimit"] == '"minute";r=0;t=60'


def test_each_key_and_each_person_has_a_quota_of_their_own() -> None:
    workspace = a_workspace()
    spent, other, person = Caller(workspace), Caller(workspace), SignedIn(a_member(workspace).user)
    for _ in range(4):
        spent.get("items/")
    assert (other.get("items/").status_code, person.get("items/").status_code) == (200, 200)


def test_an_address_that_the_caller_made_up_is_no_way_around() -> None:
    caller = Caller(a_workspace())
    answers = [caller.get("items/", **{"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(4)]
    assert answers[3].status_code == 429


def test_without_redis_nobody_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise RedisIsAway("connection refused")

    monkeypatch.setattr(limits._counter().redis, "pipeline", away)
    caller = Caller(a_workspace())
    answers = [caller.get("items/") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0]


def test_redis_is_not_asked_again_at_once_after_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def away(*_: Any, **__: Any) -> Any:
        asked.append(1)
        raise RedisIsAway("connection refused")

    monkeypatch.setattr(limits._counter().redis, "pipeline", away)
    monkeypatch.setattr(limits.time, "monotonic", lambda: 1000.0)
    caller = Caller(a_workspace())
    for _ in range(5):
        caller.get("items/")
    assert len(asked) == 1


def test_who_is_not_authenticated_is_not_counted() -> None:
    assert "RateLimit" not in Caller().get("items/")
