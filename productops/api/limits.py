"""How much one key, or one signed-in person, may ask of the API in a minute.

Counted in Redis, by whom the request was authenticated as and never by an address, which a caller can choose.
When Redis does not answer in time nobody is limited: the limit is there to protect, not to stop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from productops.api.problems import Problem

log = logging.getLogger(__name__)

WINDOW_S = 60
# Connecting and asking may each take this long: together less than the 50 ms that a request can spare.
_PATIENCE_S = 0.02
# After a failure Redis is left alone for a while, so that not every request waits for it.
_PAUSE_S = 1.0
_ATTRIBUTE = "rate_standing"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a window: of `quota` requests `left`, and `resets_in` seconds until there are all again."""

    quota: int
    left: int
    resets_in: int

    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy, as the IETF's draft writes them."""
        return {
            "RateLimit-Policy": f'"minute";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"minute";r={self.left};t={self.resets_in}',
        }


class _Counter:
    """Counts in Redis, and knows when it was last away."""

    def __init__(self) -> None:
        self.away_until = 0.0
        self.redis = Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_PATIENCE_S,
            socket_connect_timeout=_PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
        )

    def add_one(self, name: str) -> int | None:
        """The count under `name` with this one, or None while Redis is away."""
        if time.monotonic() < self.away_until:
            return None
        try:
            with self.redis.pipeline(transaction=False) as pipe:
                pipe.incr(name)
                pipe.expire(name, 2 * WINDOW_S)
                return int(pipe.execute()[0])
        except (RedisError, OSError) as error:
            self.away_until = time.monotonic() + _PAUSE_S
            log.warning("requests are not limited while Redis is away: %s", error)
            return None


@cache
def _counter() -> _Counter:
    return _Counter()


def spend(request: Any, who: str) -> None:
    """Count a request of `who`, and remember on it how they stand. Raises Problem 429 beyond the quota."""
    quota = settings.API_REQUESTS_PER_MINUTE
    now = time.time()
    window = int(now // WINDOW_S)
    count = _counter().add_one(f"productops:rate:{who}:{window}")
    if count is None:
        return
    resets_in = max(1, round((window + 1) * WINDOW_S - now))
    standing = Standing(quota, max(0, quota - count), resets_in)
    setattr(getattr(request, "_request", request), _ATTRIBUTE, standing)
    if count > quota:
        raise Problem(
            429,
            "too_many_requests",
            f"More than {quota} requests in a minute.",
            headers={"Retry-After": str(resets_in)},
        )


class RateLimitMiddleware:
    """Tells every authenticated caller how they stand."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        standing: Standing | None = getattr(request, _ATTRIBUTE, None)
        if standing is not None:
            for name, value in standing.headers().items():
                response[name] = value
        return response
