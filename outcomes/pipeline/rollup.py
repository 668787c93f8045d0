"""Days recomputed from their facts, never incremented: doing it twice is doing it once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from outcomes.models import Experiment, Outcome
from outcomes.pipeline import retention
from outcomes.pipeline.effect_marks import mark_effects_of_days
from outcomes.pipeline.marks import Claimed, Marks
from productops.workspaces.bounds import MOST_NUMBER
from productops.workspaces.models import Workspace
from roadmap.models import Item


def roll_metric_days(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """Recompute the days of metrics; mark the items whose outcomes are measured on them."""
    marks = _still_open(marks)
    spans = [_day_bounds(mark.on, workspace.zone) for mark in marks if mark.on]
    parameters: dict[str, Any] = {
        "workspace": workspace.pk,
        "metrics": [mark.subject_id for mark in marks],
        "series": [mark.series for mark in marks],
        "days": [mark.on for mark in marks],
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
        # Told beside them, for the planner to leave out every month that none of these days is of.
        "first": min((start for start, _ in spans), default=None),
        "last": max((end for _, end in spans), default=None),
        # Values beyond it are refused where they arrive; one that was taken before counts as not told.
        "bound": MOST_NUMBER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_METRIC_DAYS, parameters)
        cursor.execute(_EMPTY_METRIC_DAYS, parameters)
    causes = {mark.subject_id: mark.cause for mark in marks}
    outcomes = Outcome.objects.filter(metric_id__in=causes).values_list("item_id", "metric_id")
    for item_id, metric_id in outcomes:
        # A level moves; the verdict days before today do not, so nothing but today is judged again.
        onward.add("item", item_id, from_on=date.max, cause=causes[metric_id])
    # The lift of an experiment on a metric that adds up is told as a part of its baseline, which may have moved.
    added_up = Experiment.objects.filter(
        item__outcomes__metric__in=causes, item__outcomes__metric__aggregation__in=("sum", "count")
    )
    for experiment_id, metric_id in added_up.values_list("id", "item__outcomes__metric"):
        onward.add("experiment", experiment_id, cause=causes[metric_id])
    mark_effects_of_days(workspace.pk, marks, onward)


def roll_usage_days(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """Recompute who used items on days; mark those items from the earliest day on, and their audiences."""
    marks = _still_open(marks)
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {
            "workspace": workspace.pk,
            "items": [mark.subject_id for mark in marks],
            "days": [mark.on for mark in marks],
        }
        cursor.execute(_GONE_USAGE_DAYS, parameters)
        cursor.execute(_USAGE_DAYS, parameters)
    products = dict(
        Item.objects.filter(id__in={mark.subject_id for mark in marks}).values_list("id", "product_id")
    )
    for mark in marks:
        onward.add("item", mark.subject_id, from_on=mark.on, cause=mark.cause)
        product_id = products.get(mark.subject_id)
        if product_id is not None:
            onward.add("audience", product_id, from_on=mark.on, cause=mark.cause)


def _still_open(marks: Sequence[Claimed]) -> list[Claimed]:
    """Leave out days whose facts are no longer kept: computed again they would be empty."""
    first = retention.open_from()
    return [mark for mark in marks if first is None or mark.on is None or mark.on >= first]


def _day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which a day of the workspace begins and ends; 23 or 25 hours when the clocks change."""
    start = datetime.combine(day, time.min, zone)
    return start, datetime.combine(day + timedelta(days=1), time.min, zone)


# Throughout, LATERAL with OFFSET 0: each marked day is one range of an index, however long the history. A plain
# join would let the planner read every partition for it.
_METRIC_DAYS = """
    INSERT INTO outcomes_metricday (workspace_id, metric_id, series, "on", count, total, low, high, last, last_at)
    SELECT %(workspace)s, o.metric_id, o.series, m."on", count(*), sum(o.value ORDER BY o.at), min(o.value),
           max(o.value), (array_agg(o.value ORDER BY o.at DESC))[1], max(o.at)
    FROM unnest(%(metrics)s::bigint[], %(series)s::text[], %(days)s::date[], %(starts)s::timestamptz[],
                %(ends)s::timestamptz[]) AS m (metric_id, series, "on", starts, ends)
    CROSS JOIN LATERAL (
        SELECT * FROM outcomes_observation o
        WHERE o.metric_id = m.metric_id AND o.series = m.series AND o.at >= m.starts AND o.at < m.ends
          AND o.at >= %(first)s AND o.at < %(last)s
          AND NOT o.is_retracted AND abs(o.value) <= %(bound)s OFFSET 0
    ) AS o
    GROUP BY o.metric_id, o.series, m."on"
    ORDER BY o.metric_id, o.series, m."on"
    ON CONFLICT (metric_id, series, "on") DO UPDATE SET
        count = excluded.count, total = excluded.total, low = excluded.low, high = excluded.high,
        last = excluded.last, last_at = excluded.last_at
"""

_EMPTY_METRIC_DAYS = """
    DELETE FROM outcomes_metricday d
    USING unnest(%(metrics)s::bigint[], %(series)s::text[], %(days)s::date[], %(starts)s::timestamptz[],
                 %(ends)s::timestamptz[]) AS m (metric_id, series, "on", starts, ends)
    WHERE d.metric_id = m.metric_id AND d.series = m.series AND d."on" = m."on"
      AND NOT EXISTS (SELECT FROM outcomes_observation o
                      WHERE o.metric_id = m.metric_id AND o.series = m.series
                        AND o.at >= m.starts AND o.at < m.ends
                        AND o.at >= %(first)s AND o.at < %(last)s
                        AND NOT o.is_retracted AND abs(o.value) <= %(bound)s)
"""

_GONE_USAGE_DAYS = """
    DELETE FROM outcomes_usageday d
    USING (
        SELECT m.item_id, m."on", day.actor, day.customer_id
        FROM unnest(%(items)s::bigint[], %(days)s::date[]) AS m (item_id, "on")
        CROSS JOIN LATERAL (
            SELECT actor, customer_id FROM outcomes_usageday d WHERE d.item_id = m.item_id AND d."on" = m."on"
            EXCEPT
            SELECT actor, customer_id FROM outcomes_usageevent e
            WHERE e.item_id = m.item_id AND e."on" = m."on" AND NOT e.is_retracted
        ) AS day
    ) AS gone
    WHERE d.item_id = gone.item_id AND d."on" = gone."on" AND d.actor = gone.actor
      AND d.customer_id IS NOT DISTINCT FROM gone.customer_id
"""

_USAGE_DAYS = """
    INSERT INTO outcomes_usageday (workspace_id, item_id, "on", actor, customer_id, count)
    SELECT %(workspace)s, e.item_id, e."on", e.actor, e.customer_id, count(*)
    FROM unnest(%(items)s::bigint[], %(days)s::date[]) AS m (item_id, "on")
    CROSS JOIN LATERAL (
        SELECT * FROM outcomes_usageevent e
        WHERE e.item_id = m.item_id AND e."on" = m."on" AND NOT e.is_retracted OFFSET 0
    ) AS e
    GROUP BY e.item_id, e."on", e.actor, e.customer_id
    ORDER BY e.item_id, e."on", e.actor, e.customer_id
    ON CONFLICT (item_id, "on", actor, customer_id) DO UPDATE SET count = excluded.count
    WHERE outcomes_usageday.count <> excluded.count
"""
