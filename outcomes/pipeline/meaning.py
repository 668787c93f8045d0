"""What a stored body states: its adapter reads it, its source's rules say what its events mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from outcomes.models import Delivery, Rule, Source
from outcomes.sources import adapters, rules
from outcomes.sources.bodies import NativeBody
from outcomes.sources.reading import EventBody


def of(
    delivery: Delivery, body: bytes, *, now: datetime, also: Sequence[rules.Rule] | None = None
) -> NativeBody:
    """Return the rows a body states. Raises BodyRefused.

    Events are read as of when they came in, so that a replay says the same. `also` stands in for the source's
    own rules, to try them.
    """
    source = delivery.source
    headers = {"content-type": delivery.content_type, **delivery.headers}
    is_native = source.kind == "productops"
    read = adapters.of(source.kind).events(
        body, headers=headers, path=delivery.path, now=now if is_native else delivery.received_at
    )
    if isinstance(read, EventBody):
        told = rules_of(source) if also is None else also
        rules.apply(told, read, now=now)
    return read


def rules_of(source: Source) -> list[rules.Rule]:
    """The rules of a source, oldest first."""
    held = Rule.objects.filter(source=source).select_related("item", "metric").order_by("id")
    return [rule.pure() for rule in held]
