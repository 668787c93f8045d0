"""Everything computed again from facts and held against what is stored: drift is told, then mended.

What is stored is always the facts' own; a pass that finds anything else has found an error of ours. It runs in
slices, each batch on one snapshot: what is marked is not drift but work that waits, and is left alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from outcomes.instruments import DRIFT
from outcomes.models import Reconciliation
from outcomes.models.reconciliations import STAGES
from outcomes.pipeline.drift import (
    Cause,
    Checked,
    Drift,
    check_audiences,
    check_items,
    check_metrics,
    check_problems,
    check_sources,
    check_usage,
)
from outcomes.pipeline.effect_drift import check_effects
from productops.workspaces.models import Workspace

logger = logging.getLogger(__name__)

# A night's pass begins after this hour of the workspace's day.
AT_HOUR = 2
MOST_TOLD = 100
_LOCK = 7_302

BATCHES: dict[str, Callable[[Workspace, int, Cause], Checked]] = {
    "metrics": check_metrics,
    "usage": check_usage,
    "problems": check_problems,
    "audiences": check_audiences,
    "effects": check_effects,
    "items": check_items,
    "sources": check_sources,
}


def reconcile_due(*, max_seconds: float, now: datetime | None = None) -> int:
    """Go on with every pass that is under way or due, until the time is up; returns how many were finished."""
    until = time.monotonic() + max_seconds
    finished = 0
    for workspace in Workspace.objects.order_by("id"):
        if time.monotonic() > until:
            break
        if _is_due(workspace, now or timezone.now()):
            run = reconcile(workspace, max_seconds=until - time.monotonic())
            finished += run is not None and run.stage == "done"
    return finished


def reconcile(workspace: Workspace, *, max_seconds: float) -> Reconciliation | None:
    """Go on with the workspace's pass, or begin one; None when another worker is at it."""
    until = time.monotonic() + max_seconds
    with _alone(workspace) as is_ours:
        if not is_ours:
            return None
        run, _ = Reconciliation.objects.exclude(stage="done").get_or_create(workspace=workspace)
        while run.stage != "done" and time.monotonic() < until:
            _check_batch(workspace, run)
        return run


def _check_batch(workspace: Workspace, run: Reconciliation) -> None:
    with _one_snapshot():
        found = BATCHES[run.stage](workspace, run.after, {"kind": "reconcile", "id": run.pk})
        _tell(workspace, run, found.drift)
        run.checked += found.checked
        run.waiting += found.waiting
        if found.after is None:
            run.stage, run.after = STAGES[STAGES.index(run.stage) + 1], 0
        else:
            run.after = found.after
        if run.stage == "done":
            run.finished_at = timezone.now()
        run.save()
        # Mended by the pipeline itself, like any other change: these are marks.
        found.mend.write()


def _tell(workspace: Workspace, run: Reconciliation, drift: list[Drift]) -> None:
    for one in drift:
        DRIFT.labels(one.kind).inc()
        logger.error("drift in %s: %s", workspace.key, one.as_json())
    run.drifted += len(drift)
    run.drift = [*run.drift, *(one.as_json() for one in drift)][:MOST_TOLD]


def _is_due(workspace: Workspace, now: datetime) -> bool:
    runs = Reconciliation.objects.filter(workspace=workspace)
    if runs.exclude(stage="done").exists():
        return True
    night = now.astimezone(workspace.zone).replace(hour=AT_HOUR, minute=0, second=0, microsecond=0)
    if night > now:
        night -= timedelta(days=1)
    return not runs.filter(started_at__gte=night).exists()


@contextmanager
def _alone(workspace: Workspace) -> Iterator[bool]:
    """Hold the workspace's pass against other workers, for as long as this lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, workspace.pk % 2**31])
        (is_ours,) = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, workspace.pk % 2**31])


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Facts, what is stored and marks as of one instant: a change in between is not taken for drift."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def newest(workspace: Workspace) -> Reconciliation | None:
    """The last pass that was finished."""
    runs = Reconciliation.objects.filter(workspace=workspace, stage="done")
    return runs.order_by(F("started_at").desc()).first()
