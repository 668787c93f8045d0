"""Whether a source still reports, from what its row was annotated with."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from outcomes.formulas.coverage import SourceCalendar
from outcomes.models import Delivery, Source, SourceDay

HEALTH_STATES = ("never_seen", "fresh", "silent")


def with_health(sources: QuerySet[Source], day: date) -> QuerySet[Source]:
    """Annotate sources with what `health_of` reads as of `day`, in the query that loads them."""
    # What was reported for days after the pin is not known yet.
    newest = SourceDay.objects.filter(source=OuterRef("pk"), on__lte=day).order_by().values("source")
    deliveries = Delivery.objects.filter(source=OuterRef("pk"))
    # Read off the index of a workspace's newest deliveries; a column on the source would be one row that
    # every request writes.
    newest_delivery = deliveries.filter(workspace=OuterRef("workspace")).order_by("-received_at", "-id")
    by_source = deliveries.order_by().values("source")
    return sources.annotate(
        last_covered_on=Subquery(newest.annotate(newest_on=Max("on")).values("newest_on")),
        seen_at=Subquery(newest_delivery.values("received_at")[:1]),
        waiting=_counted(by_source, Q(state="pending")),
        set_aside=_counted(by_source, Q(state__in=["failed", "quarantined"])),
    )


def health_of(source: Source, day: date) -> dict[str, Any]:
    """The health of a source that came from `with_health`, as of `day`."""
    newest: date | None = source.last_covered_on  # type: ignore[attr-defined]
    if newest is None:
        state = "never_seen" if source.seen_at is None else "silent"  # type: ignore[attr-defined]
    else:
        state = "silent" if SourceCalendar(source.cadence, [newest]).is_silent(day) else "fresh"
    return {
        "state": state,
        "last_covered_on": newest,
        "waiting": source.waiting,  # type: ignore[attr-defined]
        "set_aside": source.set_aside,  # type: ignore[attr-defined]
    }


def _counted(deliveries: QuerySet[Delivery, Any], condition: Q) -> Coalesce:
    count = deliveries.filter(condition).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(count, output_field=IntegerField()), 0)
