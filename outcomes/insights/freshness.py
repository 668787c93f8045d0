"""How far the worker is behind: what of this workspace waits, and how old the oldest of it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outcomes.insights.asking import Question, Told
from outcomes.pipeline import backlog


@dataclass(frozen=True, slots=True)
class FreshnessSummary:
    """What waits altogether. `lag_seconds` is how old the oldest fact is that a value may not show yet."""

    lag_seconds: float
    deliveries_pending: int
    oldest_pending_seconds: float
    set_aside: int
    marks_pending: int
    last_received_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """One kind of work, deliveries first, and how much of it waits; counting stops at a hundred thousand."""

    kind: str
    waiting: int


def worker_freshness(question: Question) -> Told[FreshnessSummary, WaitingWork]:
    """How far the worker is behind with this workspace: what waits, by kind, and since when."""
    now = backlog.measure(question.workspace.pk)
    summary = FreshnessSummary(
        lag_seconds=round(now.lag_seconds, 3),
        deliveries_pending=now.pending,
        oldest_pending_seconds=round(now.oldest_pending_seconds, 3),
        set_aside=now.set_aside,
        marks_pending=now.mark_count,
        last_received_at=backlog.last_received_at(question.workspace.pk),
    )
    waiting = {"delivery": now.pending, **now.marks}
    work = [WaitingWork(kind, count) for kind, count in waiting.items() if count]
    return Told(summary, work[: question.limit])
