"""Sign-in with a limit that stands before the password is hashed.

A hash costs most of a second of a processor, so guessing is refused before it is paid for. Counts are kept in
Redis; when Redis is away people can still sign in.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` attempts in a window for whatever the key names."""

    key: str
    most: int


class SignInForm(AdminAuthenticationForm):
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "too_many": "Too many attempts. Try again in a quarter of an hour.",
    }

    def clean(self) -> dict[str, object]:
        username = self.cleaned_data.get("username")
        if self.request is None or not username or not self.cleaned_data.get("password"):
            return super().clean()
        limits = _limits(username, address_of(self.request))
        if not _take(limits):
            raise ValidationError(self.error_messages["too_many"], code="too_many")
        cleaned = super().clean()
        _forget(limits)
        return cleaned


def address_of(request: HttpRequest) -> str:
    """Return the caller's address: the connection's, or the one our own proxy saw, never what a caller says."""
    if settings.USE_X_FORWARDED_HOST and (hops := request.META.get("HTTP_X_FORWARDED_FOR", "")):
        return str(hops).rsplit(",", 1)[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def _limits(username: str, address: str) -> tuple[Limit, ...]:
    """One person from one address; one person from anywhere; one address for anybody."""
    name = username.strip().lower()
    return (
        Limit(_key("both", f"{name}\n{address}"), 10),
        Limit(_key("name", name), 60),
        Limit(_key("address", address), 100),
    )


def _key(kind: str, text: str) -> str:
    return f"productops:sign-in:{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


@cache
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


def _take(limits: Sequence[Limit]) -> bool:
    """Count an attempt against each limit, before it is made; False when one is used up."""
    try:
        with _redis().pipeline(transaction=True) as pipe:
            for limit in limits:
                pipe.incr(limit.key)
                pipe.expire(limit.key, WINDOW_SECONDS, nx=True)
            counts = pipe.execute()[::2]
    except (RedisError, OSError) as error:
        log.warning("sign-in is not limited while Redis is away: %s", error)
        return True
    return all(int(count) <= limit.most for count, limit in zip(counts, limits, strict=True))


def _forget(limits: Sequence[Limit]) -> None:
    """A person who signed in was not guessing: what they tried before is forgotten, and their office's address
    is not charged for it."""
    person, address = limits[:2], limits[2:]
    try:
        with _redis().pipeline(transaction=True) as pipe:
            pipe.delete(*(limit.key for limit in person))
            for limit in address:
                pipe.decr(limit.key)
            pipe.execute()
    except (RedisError, OSError) as error:
        log.warning("a sign-in count stays until it expires: %s", error)
