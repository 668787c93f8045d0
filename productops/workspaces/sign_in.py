"""Sign-in with a limit that stands before the password is hashed.

A hash costs most of a second of a processor, so guessing is refused before it is paid for. Counts are kept in
Redis; when Redis is away people can still sign in.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from productops.workspaces.models import User

log = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60
# Connecting to Redis and asking it may each take this long; then the attempt goes uncounted.
_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` attempts in a window for whatever the key names."""

    key: str
    most: int


class TooManyAttempts(Exception):
    """The attempt was not even looked at."""


class SignInForm(AdminAuthenticationForm):
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "too_many": "Too many attempts. Try again in a quarter of an hour.",
    }

    def clean(self) -> dict[str, object]:
        username = self.cleaned_data.get("username")
        if self.request is None or not username or not self.cleaned_data.get("password"):
            return super().clean()
        try:
            with _counted(self.request, username):
                return super().clean()
        except TooManyAttempts:
            raise ValidationError(self.error_messages["too_many"], code="too_many") from None


def person_who_signs_in(request: HttpRequest, username: str, password: str) -> User | None:
    """Return who has this name and password, or None. Raises TooManyAttempts, before anything is hashed."""
    try:
        with _counted(request, username):
            person = authenticate(request, username=username, password=password)
            if person is None:
                raise _Failed
    except _Failed:
        return None
    assert isinstance(person, User)
    return person


class _Failed(Exception):
    """Name and password do not go together."""


@contextmanager
def _counted(request: HttpRequest, username: str) -> Iterator[None]:
    """Count an attempt before it is made; one that is not refused is forgotten again."""
    limits = _limits(username, address_of(request))
    if not _take(limits):
        raise TooManyAttempts
    yield
    _forget(limits)


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
    # Tried once: the client's own retries would hold a person up for seconds.
    patience = {"socket_timeout": _PATIENCE_S, "socket_connect_timeout": _PATIENCE_S}
    return Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **patience)


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
