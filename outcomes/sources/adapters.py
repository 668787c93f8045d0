"""Which module reads which kind of source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, cast

from outcomes.sources import (
    amplitude,
    cloudevents,
    custom,
    flagsmith,
    github,
    jira,
    launchdarkly,
    mixpanel,
    otlp,
    posthog,
    productops,
    segment,
    unleash,
)
from outcomes.sources.bodies import NativeBody
from outcomes.sources.signatures import Signed


class Adapter(Protocol):
    """The two functions every kind of source has. Header names are lower case.

    `path` is what the sender appended to the source's address, `now` when the request came in.
    """

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Iterable[str],
        *,
        now: datetime,
        tolerance: timedelta,
    ) -> Signed: ...

    def events(self, body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> NativeBody: ...


_MODULES = {
    "productops": productops,
    "segment": segment,
    "posthog": posthog,
    "amplitude": amplitude,
    "mixpanel": mixpanel,
    "cloudevents": cloudevents,
    "otlp": otlp,
    "unleash": unleash,
    "flagsmith": flagsmith,
    "launchdarkly": launchdarkly,
    "github": github,
    "jira": jira,
    "custom": custom,
}
_ADAPTERS: dict[str, Adapter] = {kind: cast(Adapter, module) for kind, module in _MODULES.items()}

# Kinds whose proof is over the bytes as they were sent. Of the others the body is unpacked first: the proof may
# be inside it, and the same content packed twice is a repeat.
SIGNS_BYTES = frozenset(("productops", "cloudevents", "github", "jira", "custom"))
# Of these a proof always covers every byte; the others may be proven by a key alone.
SIGNS_ALL_BYTES = frozenset(("productops", "github", "jira"))
# Headers without which a stored body could not be read again.
_READ_HEADERS = ("x-github-event", "posthog-request-timestamp", "content-type")
_READ_PREFIX = "ce-"
_LONGEST_HEADER = 2000


def of(kind: str) -> Adapter:
    """Return the adapter of a kind."""
    return _ADAPTERS[kind]


def headers_to_keep(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers that say how the body is to be read; never one that proves anything."""
    return {
        name: value.replace("\x00", "")[:_LONGEST_HEADER]
        for name, value in headers.items()
        if name in _READ_HEADERS or name.startswith(_READ_PREFIX)
    }
