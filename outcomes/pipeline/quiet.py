"""Quiet runs: when everything is judged anew, what changes is told as one digest and not one by one.

While a workspace's run lasts, every flag that opens or resolves belongs to it. A run ends when the marks it
began with are settled, and those that they left, and those that these left: days lead to audiences and
audiences to items.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from outcomes.models import Delivery, FlagAction, Mark, QuietRun, Replay
from outcomes.pipeline.news import quiet_run_ended
from productops.workspaces.models import Workspace

FIRST_RUN = "first_run"
# The longest chain of marks: a day of use, its product's audience, the product's items.
_DRAINS = 3
# After so many digests that nobody answered there is no point in sending another.
_UNANSWERED = 2


def begin_quiet_run(workspace_id: int, kind: str, cause: dict[str, Any]) -> None:
    """Begin a quiet run, or prolong the one that is under way, in the transaction that leaves the marks."""
    now = timezone.now()
    fresh = {"started_at": now, "through_at": now, "cause": cause}
    try:
        with transaction.atomic():
            QuietRun.objects.create(workspace_id=workspace_id, kind=kind, **fresh)
    except IntegrityError:
        going_on = QuietRun.objects.filter(workspace_id=workspace_id, ended_at=None)
        going_on.update(through_at=now, drains=0)


def quiet_run_of(workspace: Workspace, *, is_judged: bool) -> int | None:
    """The id of the run under way, in which nothing is told one by one; None when there is none.

    The first time that anything of a workspace is judged begins its first run.
    """
    runs = QuietRun.objects.filter(Q(ended_at=None) | Q(kind=FIRST_RUN), workspace=workspace)
    known = dict(runs.values_list("id", "ended_at"))
    if not known and is_judged:
        begin_quiet_run(workspace.pk, FIRST_RUN, {"kind": FIRST_RUN})
        known = dict(runs.values_list("id", "ended_at"))
    return next((id_ for id_, ended_at in known.items() if ended_at is None), None)


def end_quiet_runs() -> int:
    """End the runs whose marks are settled, counting what changed; return how many ended."""
    ended = 0
    for pk in QuietRun.objects.filter(ended_at=None).order_by("id").values_list("id", flat=True):
        with transaction.atomic():
            runs = QuietRun.objects.select_for_update(skip_locked=True)
            run = runs.filter(pk=pk, ended_at=None).first()
            ended += run is not None and _drain(run)
    return ended


def _drain(run: QuietRun) -> bool:
    while not _is_waiting(run, run.through_at):
        run.drains += 1
        if run.drains >= _DRAINS:
            _end(run)
            return True
        # Once more, for the marks that settling has left since.
        run.through_at = timezone.now()
    run.save(update_fields=["drains", "through_at"])
    return False


def _is_waiting(run: QuietRun, through: datetime) -> bool:
    marks = Mark.objects.filter(workspace_id=run.workspace_id, marked_at__lte=through)
    deliveries = Delivery.objects.pending().filter(workspace_id=run.workspace_id, received_at__lte=through)
    # Between two slices of a replay nothing waits, and it goes on.
    replays = Replay.objects.filter(workspace_id=run.workspace_id, finished_at=None)
    return marks.exists() or deliveries.exists() or replays.exists()


def _end(run: QuietRun) -> None:
    run.counts = _counts(run)
    has_news = any(run.counts.values())
    before = QuietRun.objects.filter(workspace_id=run.workspace_id, is_announced=True).order_by("-started_at")
    last = list(before.values_list("answered_at", flat=True)[:_UNANSWERED])
    is_ignored = len(last) == _UNANSWERED and not any(last)
    run.is_announced = has_news and not is_ignored
    run.ended_at = timezone.now()
    run.save(update_fields=["counts", "is_announced", "ended_at", "drains", "through_at"])
    if run.is_announced:
        quiet_run_ended(run)


def _counts(run: QuietRun) -> dict[str, dict[str, int]]:
    """How many flags opened and resolved, by reason: as they stand after the run against before it."""
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    reasons: dict[int, str] = {}
    actions = FlagAction.objects.filter(quiet_run=run).order_by("id")
    for flag_id, reason, action in actions.values_list("flag_id", "flag__reason", "action"):
        reasons[flag_id] = reason
        first.setdefault(flag_id, action)
        last[flag_id] = action
    is_same = {flag_id for flag_id in last if (first[flag_id] == "resolve") != (last[flag_id] == "resolve")}
    told = {flag_id: last[flag_id] for flag_id in last if flag_id not in is_same}
    return {
        "opened": dict(Counter(reasons[id_] for id_, action in told.items() if action != "resolve")),
        "resolved": dict(Counter(reasons[id_] for id_, action in told.items() if action == "resolve")),
    }
