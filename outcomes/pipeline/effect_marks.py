"""Which effects a change touches: those that read a changed day, were edited, or have another period filled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from django.db.models import Q

from outcomes.formulas.effects.windows import first_read, last_read
from outcomes.models import Effect, Metric, Outcome
from outcomes.pipeline.marks import Claimed, Marks, mark

_READ = (
    "id",
    "metric_id",
    "metric__cadence",
    "controls",
    "item__released_on",
    "washout_days",
    "after_periods",
)


def mark_effects_of_days(workspace_id: int, days: Iterable[Claimed], onward: Marks) -> None:
    """Mark the effects that read any of these days of metrics, as the metric's own or as a control's."""
    changed: dict[int, set[date]] = {}
    causes: dict[int, dict[str, Any]] = {}
    for day in days:
        if day.on is not None:
            changed.setdefault(day.subject_id, set()).add(day.on)
            causes[day.subject_id] = day.cause
    for outcome_id, metric_id, first, last in _windows(workspace_id, changed):
        if any(first <= on <= last for on in changed[metric_id]):
            onward.add("effect", outcome_id, cause=causes[metric_id])


def mark_effects_since(
    workspace_id: int, metrics: Mapping[int, date | None], causes: Mapping[int, dict[str, Any]], onward: Marks
) -> None:
    """Mark the effects that read these metrics on the given day or later (None: on any day)."""
    for outcome_id, metric_id, _, last in _windows(workspace_id, metrics):
        from_on = metrics[metric_id]
        if from_on is None or from_on <= last:
            onward.add("effect", outcome_id, cause=causes[metric_id])


def mark_effects_of_metrics(workspace_id: int, metric_ids: Collection[int], cause: dict[str, Any]) -> None:
    """Have every effect estimated again that reads one of these metrics."""
    ids = [outcome_id for outcome_id, *_ in _windows(workspace_id, metric_ids)]
    mark("effect", workspace_id, sorted(set(ids)), cause=cause)


def effects_around(workspace_id: int, item_ids: Collection[int]) -> list[int]:
    """Return the outcomes whose effects these items enter: their own, and those that their releases overlap."""
    own = Outcome.objects.filter(workspace_id=workspace_id, item_id__in=item_ids)
    released = dict(own.values_list("item_id", "item__released_on"))
    metrics = {
        metric_id: {on for on in released.values() if on is not None}
        for metric_id in own.values_list("metric_id", flat=True)
    }
    found = set(own.values_list("id", flat=True))
    for outcome_id, metric_id, first, last in _windows(workspace_id, metrics):
        if any(first <= on <= last for on in metrics[metric_id]):
            found.add(outcome_id)
    # And those that name one of them as overlapping, in case it no longer does.
    named = Q()
    for key in own.values_list("item__key", flat=True).distinct():
        named |= Q(caveats__contains=[{"item": key}])
    if named:
        found.update(
            Effect.objects.filter(named, workspace_id=workspace_id).values_list("outcome_id", flat=True)
        )
    return sorted(found)


def effects_that_fill(workspace_id: int, from_on: date | None, today: date) -> list[int]:
    """Return the outcomes whose window had a day in [from_on, today] (None: at any time) or just became full."""
    rows = Outcome.objects.filter(workspace_id=workspace_id)
    if from_on is None:
        # The day may have moved back, too: what was decided may be a reading again, or nothing.
        rows = rows.filter(Q(item__released_on__lte=today) | Q(effects__isnull=False))
        return sorted(set(rows.values_list("id", flat=True)))
    decided = Effect.objects.exclude(design="experiment").filter(decided_on__lt=from_on)
    rows = rows.filter(item__released_on__lte=today).exclude(id__in=decided.values("outcome_id"))
    asked = rows.values_list("id", "item__released_on", "metric__cadence", "washout_days", "after_periods")
    return [
        id_
        for id_, released_on, cadence, washout, after in asked.order_by("id").iterator()
        if released_on is not None
        and last_read(released_on, cadence, washout_days=washout, after_periods=after) >= from_on
    ]


def _windows(workspace_id: int, metric_ids: Collection[int]) -> Iterator[tuple[int, int, date, date]]:
    """Yield (outcome, metric, first day, last day) of every effect that reads one of the metrics."""
    rows = Outcome.objects.filter(workspace_id=workspace_id, item__released_on__isnull=False)
    controlled = rows.exclude(controls=[])
    keys: dict[str, int] = {}
    if metric_ids and controlled.exists():
        keys = dict(Metric.objects.filter(id__in=metric_ids).values_list("key", "id"))
    for id_, metric_id, cadence, controls, released_on, washout, after in [
        *rows.filter(metric_id__in=metric_ids).values_list(*_READ),
        *(controlled.exclude(metric_id__in=metric_ids).values_list(*_READ) if keys else []),
    ]:
        assert released_on is not None
        first = first_read(released_on, cadence)
        last = last_read(released_on, cadence, washout_days=washout, after_periods=after)
        if metric_id in metric_ids:
            yield id_, metric_id, first, last
        for control in controls:
            key = control["metric"] if isinstance(control, dict) else control
            if key in keys:
                yield id_, keys[key], first, last
