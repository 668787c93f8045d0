"""Digests: what occurred since the last one, as one mail, in the morning of the workspace's day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from outcomes.channels.words import told_of
from outcomes.models import Endpoint, Flag, Notice, Occurrence
from outcomes.models.told import DIGEST, FLAGS_DIGEST
from productops.workspaces.models import Workspace

AT = time(8)
_MONDAY = 0
# So many occurrences are named; the others are counted.
_NAMED = 40


def next_digest_at(workspace: Workspace, channel: str, after: datetime) -> datetime | None:
    """The next morning, or Monday's, in the workspace's zone; None for what is no digest."""
    if not channel.endswith("_digest"):
        return None
    local = after.astimezone(workspace.zone)
    day = local.date()
    while True:
        at = datetime.combine(day, AT, workspace.zone)
        if at > local and (channel == "daily_digest" or day.weekday() == _MONDAY):
            return at
        day += timedelta(days=1)


def make_digests() -> int:
    """Make every digest that is due, each in a transaction of its own; return how many have something to say."""
    now = timezone.now()
    due = Endpoint.objects.filter(digest_due_at__lte=now, disabled_at=None).order_by("digest_due_at", "id")
    return sum(_make(pk, now) for pk in list(due.values_list("id", flat=True)))


def _make(endpoint_id: int, now: datetime) -> bool:
    with transaction.atomic():
        held = Endpoint.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        endpoint = held.filter(pk=endpoint_id, digest_due_at__lte=now, disabled_at=None).first()
        if endpoint is None:
            return False
        due_at = endpoint.digest_due_at
        gathered = _take_gathered(endpoint, now)
        if gathered:
            _write(endpoint, _data(endpoint, gathered, now), f"{DIGEST}:{endpoint.pk}:{due_at}", now)
        next_at = next_digest_at(endpoint.workspace, endpoint.channel, now)
        Endpoint.objects.filter(pk=endpoint.pk).update(digest_due_at=next_at)
        return bool(gathered)


def _take_gathered(endpoint: Endpoint, now: datetime) -> list[Occurrence]:
    """What waited for this digest, the newest first. By its state: what commits late waits for the next one."""
    waiting = Notice.objects.filter(endpoint=endpoint, state="gathered").select_related("occurrence")
    notices = list(waiting.order_by("-id").select_for_update(of=("self",)))
    Notice.objects.filter(id__in=[notice.pk for notice in notices]).update(state="delivered", finished_at=now)
    return [notice.occurrence for notice in notices]


def _data(endpoint: Endpoint, gathered: Sequence[Occurrence], now: datetime) -> dict[str, Any]:
    """What a digest says."""
    by_event = Counter(occurrence.event for occurrence in gathered)
    standing = Flag.objects.standing().filter(workspace=endpoint.workspace_id).order_by()
    by_reason = dict(standing.values_list("reason").annotate(Count("id")))
    quiet = [occurrence.payload["data"] for occurrence in gathered if occurrence.event == FLAGS_DIGEST]
    return {
        "since": min(occurrence.occurred_at for occurrence in gathered).isoformat(timespec="seconds"),
        "through": now.isoformat(timespec="seconds"),
        "total": sum(by_reason.values()),
        "by_reason": by_reason,
        "opened_count": by_event["flag.opened"] + sum(sum(run["opened"].values()) for run in quiet),
        "resolved_count": by_event["flag.resolved"] + sum(sum(run["resolved"].values()) for run in quiet),
        "by_event": dict(by_event),
        "news": [told_of(occurrence.payload).headline for occurrence in gathered[:_NAMED]],
        "more": max(0, len(gathered) - _NAMED),
    }


def _write(endpoint: Endpoint, data: dict[str, Any], identity: str, now: datetime) -> None:
    occurrence = Occurrence.objects.create(
        workspace_id=endpoint.workspace_id,
        event=DIGEST,
        identity=identity,
        payload={
            "type": DIGEST,
            "timestamp": data["through"],
            "workspace": endpoint.workspace.key,
            "data": data,
        },
        occurred_at=now,
        endpoint=endpoint,
    )
    Notice.objects.create(
        workspace_id=endpoint.workspace_id,
        occurrence=occurrence,
        endpoint=endpoint,
        due_at=now,
        created_at=now,
    )
