"""Who sends to which address: looked up once, remembered, and proven again by whatever is written for them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from outcomes.models import Source, SourceSecret

# Addresses remembered by one process. Each is a few hundred bytes.
MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a source, valid until `expires_at` (None: until it is rotated)."""

    id: int
    text: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A source as its door needs to know it; `secrets` in the order of their ids."""

    source_id: int
    workspace_id: int
    kind: str
    token: str
    secrets: tuple[Secret, ...]

    def valid_secrets(self, now: datetime) -> list[Secret]:
        """The secrets that prove a request of this source now."""
        return [one for one in self.secrets if one.expires_at is None or one.expires_at > now]


def of(source: Source) -> Sender:
    """Read who sends for a source."""
    secrets = SourceSecret.objects.filter(source_id=source.pk).order_by("id")
    return Sender(
        source.pk,
        source.workspace_id,
        source.kind,
        source.token,
        tuple(Secret(*row) for row in secrets.values_list("id", "secret", "expires_at")),
    )


class _Memory:
    """The senders this process has heard from, those heard from last being kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_token: OrderedDict[str, Sender] = OrderedDict()

    def get(self, token: str) -> Sender | None:
        with self._lock:
            sender = self._by_token.get(token)
            if sender is not None:
                self._by_token.move_to_end(token)
            return sender

    def put(self, sender: Sender) -> None:
        with self._lock:
            self._by_token[sender.token] = sender
            self._by_token.move_to_end(sender.token)
            while len(self._by_token) > MOST_REMEMBERED:
                self._by_token.popitem(last=False)

    def drop(self, token: str) -> None:
        with self._lock:
            self._by_token.pop(token, None)


_memory = _Memory()


def at(token: str) -> Sender | None:
    """The sender at an address, perhaps as it was a while ago: nothing may be done for it on that alone."""
    return _memory.get(token) or look_up(token)


def look_up(token: str) -> Sender | None:
    """The sender at an address as it is now."""
    source = Source.objects.filter(token=token).first() if token.isprintable() else None
    if source is None:
        _memory.drop(token)
        return None
    sender = of(source)
    _memory.put(sender)
    return sender


def with_secret(kind: str, secret: str, *, now: datetime) -> Sender | None:
    """The sender of a kind that a secret belongs to, for those that drop the address's path."""
    held = SourceSecret.objects.filter(secret=secret, source__kind=kind).select_related("source")
    source = next((one.source for one in held if one.expires_at is None or one.expires_at > now), None)
    return of(source) if source is not None else None
