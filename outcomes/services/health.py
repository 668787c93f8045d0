"""Whether a source still reports and is understood, from what its row was annotated with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, FloatField, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone

from outcomes.formulas.coverage import SourceCalendar
from outcomes.models import Delivery, Flag, Source, SourceDay

HEALTH_STATES = ("never_seen", "fresh", "silent")
TROUBLED = ("partial", "failed", "quarantined")
# The share refused is looked for among the newest deliveries of the workspace, this many, of the last day: an
# index by source would cost every delivery for the sake of one page.
SHARE_OVER = timedelta(hours=24)
SHARE_OF = 2_000

# A delivery that could not be read at all is one refusal.
_REFUSED_SHARE = """
    (SELECT sum(refused + (state IN ('failed', 'quarantined'))::int)::float
            / nullif(sum(taken + duplicates + refused + (state IN ('failed', 'quarantined'))::int), 0)
     FROM (SELECT source_id, state, taken, duplicates, refused FROM outcomes_delivery
           WHERE workspace_id = outcomes_source.workspace_id AND received_at > %s
           ORDER BY received_at DESC, id DESC LIMIT %s) AS newest
     WHERE newest.source_id = outcomes_source.id)
"""


def with_health(sources: QuerySet[Source], day: date) -> QuerySet[Source]:
    """Annotate sources with what `health_of` reads as of `day`, in the query that loads them."""
    # What was reported for days after the pin is not known yet.
    newest = SourceDay.objects.filter(source=OuterRef("pk"), on__lte=day).order_by().values("source")
    deliveries = Delivery.objects.filter(source=OuterRef("pk"))
    by_source = deliveries.order_by().values("source")
    since = timezone.now() - SHARE_OVER
    return sources.annotate(
        last_covered_on=Subquery(newest.annotate(newest_on=Max("on")).values("newest_on")),
        # Read off the index of a workspace's newest deliveries; a column on the source would be one row that
        # every request writes.
        seen_at=_newest(deliveries.filter(workspace=OuterRef("workspace"))),
        refused_at=_newest(deliveries.filter(state__in=TROUBLED)),
        refused_share=RawSQL(_REFUSED_SHARE, [since, SHARE_OF], output_field=FloatField()),  # noqa: S611
        waiting=_counted(by_source, Q(state="pending")),
        set_aside=_counted(by_source, Q(state__in=["failed", "quarantined"])),
        is_flagged=Exists(Flag.objects.standing().filter(source=OuterRef("pk"), reason="stale_source")),
    )


def health_of(source: Source, day: date) -> dict[str, Any]:
    """The health of a source that came from `with_health`, as of `day`."""
    told: Any = source
    newest: date | None = told.last_covered_on
    if newest is None:
        state = "never_seen" if told.seen_at is None else "silent"
    else:
        state = "silent" if SourceCalendar(source.cadence, [newest]).is_silent(day) else "fresh"
    seen_at: datetime | None = told.seen_at
    return {
        "state": state,
        "last_covered_on": newest,
        "last_delivery_at": seen_at,
        "last_refused_at": told.refused_at,
        "refused_share": told.refused_share,
        "waiting": told.waiting,
        "set_aside": told.set_aside,
        "has_stale_flag": told.is_flagged,
    }


def _newest(deliveries: QuerySet[Delivery]) -> Subquery:
    return Subquery(deliveries.order_by("-received_at", "-id").values("received_at")[:1])


def _counted(deliveries: QuerySet[Delivery, Any], condition: Q) -> Coalesce:
    count = deliveries.filter(condition).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(count, output_field=IntegerField()), 0)
