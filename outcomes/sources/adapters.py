"""Which module reads which kind of source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, cast

from outcomes.sources import native, productops
from outcomes.sources.signatures import Signed


class Adapter(Protocol):
    """The two functions every kind of source has."""

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Iterable[str],
        *,
        now: datetime,
        tolerance: timedelta,
    ) -> Signed: ...

    def events(self, body: bytes, *, now: datetime) -> native.NativeBody: ...


_ADAPTERS: dict[str, Adapter] = {"productops": cast(Adapter, productops)}


def of(kind: str) -> Adapter:
    """Return the adapter of a kind."""
    return _ADAPTERS[kind]
