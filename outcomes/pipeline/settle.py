"""Puts right what was marked: days rolled up, problems ranked, items scored, judged and flagged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from django.db import DatabaseError
from django.utils import timezone

from outcomes.instruments import timed
from outcomes.models import Delivery, ItemSource, Mark, MetricSource, Outcome, Source
from outcomes.models.marks import MARK_KINDS
from outcomes.pipeline import marks as marking
from outcomes.pipeline.audience import roll_audiences
from outcomes.pipeline.effect_marks import mark_effects_since
from outcomes.pipeline.effects import estimate_effects, write_effects
from outcomes.pipeline.flag import flag_items, flag_sources
from outcomes.pipeline.interpret import interpret_pending
from outcomes.pipeline.judge import Judged, judge_items, plan_spans
from outcomes.pipeline.marks import Claimed, Marks
from outcomes.pipeline.news import items_scored
from outcomes.pipeline.quiet import end_quiet_runs
from outcomes.pipeline.repeatable import repeatable
from outcomes.pipeline.rollup import roll_metric_days, roll_usage_days
from outcomes.pipeline.score import score_items
from outcomes.pipeline.trial_effects import weigh_experiments
from outcomes.pipeline.value_rows import write_values
from productops.workspaces.models import Workspace
from roadmap import standing
from roadmap.models import Item, Link

logger = logging.getLogger(__name__)

# An audience touches every item of its product, and an effect reads half a year of days: they wait until what
# they are computed from has settled, or this long.
AUDIENCE_WAITS = EFFECTS_WAIT = timedelta(seconds=30)
# An effect may take seconds on a busy machine: what was computed in this time is written before a task that runs
# out of its own loses it, and before a lease ends. Half of a task's turn.
EFFECTS_SECONDS = 4.0
# So may the past of three hundred items: every day of years is judged anew when their first facts arrive.
ITEMS_SECONDS = 4.0
# And marks that are tried one by one after a failure.
APART_SECONDS = 4.0
# Deliveries that have waited this long are a backlog; while there is one, items are scored but not flagged (and
# a source is not called silent while any delivery of its own waits) ...
BACKLOG_AFTER = timedelta(seconds=1)
# ... looked at again after this time, and flagged all the same after that.
FLAGS_WAIT = timedelta(seconds=2)
FLAGS_WAIT_AT_MOST = timedelta(seconds=60)

Step = Callable[[Workspace, Sequence[Claimed], Marks], None]


def settle_marks(*, max_seconds: float) -> int:
    """Settle marks until none is left that is free, or the time is up; return how many were."""
    until = time.monotonic() + max_seconds
    done = 0
    while time.monotonic() < until:
        settled = settle_round(until)
        if not settled:
            break
        done += settled
    end_quiet_runs()
    return done


def settle_all(max_seconds: float = 60.0) -> None:
    """Interpret and settle in this process until nothing is left. Raises TimeoutError when time runs out."""
    until = time.monotonic() + max_seconds
    while time.monotonic() < until:
        interpret_pending(max_seconds=until - time.monotonic())
        settle_marks(max_seconds=until - time.monotonic())
        if not Mark.objects.exists() and not Delivery.objects.filter(state="pending").exists():
            return
    raise TimeoutError(f"{Mark.objects.count()} marks are left after {max_seconds} s")


def settle_round(until: float) -> int:
    """Settle one batch of every kind that has free marks; return how many marks, 0 when none is free.

    A round and not the first kind until it is empty: under a steady stream of facts there are always days to
    roll up, and values would never be scored.
    """
    settled = 0
    free = marking.free_kinds()
    for kind, limit, step in _STEPS:
        if time.monotonic() > until or kind not in free or not _is_time_for(kind):
            continue
        token, claimed = marking.claim(kind, limit)
        if claimed:
            with timed(kind):
                _settle_batch(token, claimed, step)
            settled += len(claimed)
            # What it leaves is put right in the same round.
            free = marking.free_kinds()
    return settled


def _settle_batch(token: str, claimed: Sequence[Claimed], step: _Settler) -> None:
    workspace = Workspace.objects.get(pk=claimed[0].workspace_id)
    try:
        step(workspace, token, claimed)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) in ("40P01", "40001", "55P03"):
            # Met another worker; given back, it is simply done again.
            marking.release(token)
            return
        _settle_apart(workspace, token, claimed, step, error)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        _settle_apart(workspace, token, claimed, step, error)


def _settle_apart(
    workspace: Workspace, token: str, claimed: Sequence[Claimed], step: _Settler, error: Exception
) -> None:
    """One mark that cannot be settled must not hold up the others: each is tried alone, the oldest first.

    Those that fail again keep their claim until it runs out, so they come back, but not at once. What there was no
    time for is given back; without those that failed it is settled together again.
    """
    until = time.monotonic() + APART_SECONDS
    oldest_first = sorted(claimed, key=lambda mark: (mark.marked_at, mark.id))
    for number, one in enumerate(oldest_first):
        if number and time.monotonic() > until:
            marking.release(token, oldest_first[number:])
            break
        try:
            step(workspace, token, [one])
        except (DatabaseError, ValueError, TypeError, ArithmeticError, LookupError):
            logger.exception("cannot settle %s %s", one.kind, one.subject_id)


_Settler = Callable[[Workspace, str, Sequence[Claimed]], None]


def _at_once(step: Step) -> _Settler:
    """A step whose reading and writing is quick enough for one transaction."""

    def settle(workspace: Workspace, token: str, claimed: Sequence[Claimed]) -> None:
        with repeatable():
            held = marking.hold(token, claimed)
            if held:
                onward = Marks(workspace.pk)
                step(workspace, held, onward)
                marking.settle(token, held)
                onward.write()

    return settle


def _settle_items(workspace: Workspace, token: str, claimed: Sequence[Claimed]) -> None:
    """Judge, score and flag a batch of items: read and compute first, then write in one short transaction.

    What there was no time for is given back, to be the oldest of the next batch.
    """
    until = time.monotonic() + ITEMS_SECONDS
    changed_from = {mark.subject_id: mark.from_on for mark in claimed}
    found = Item.objects.filter(workspace=workspace).in_bulk(changed_from)
    oldest_first = sorted(claimed, key=lambda mark: (mark.marked_at, mark.id))
    items = [found[mark.subject_id] for mark in oldest_first if mark.subject_id in found]
    judged = judge_items(workspace, items, changed_from, until=until)
    late = {item.pk for item in items if item.pk not in judged}
    _write_items(workspace, token, [mark for mark in claimed if mark.subject_id not in late], judged)
    if late:
        # Not while others are locked: whoever marks does so in order, and would wait for us as we for them.
        marking.release(token, [mark for mark in claimed if mark.subject_id in late])


def _write_items(
    workspace: Workspace, token: str, claimed: Sequence[Claimed], judged: Mapping[int, Judged]
) -> None:
    """Score what was judged and write all of it, with its flags."""
    items = [judged[id_].facts.item for id_ in sorted(judged)]
    plan = plan_spans(workspace.pk, judged)
    scored = score_items(workspace, items, judged, {id_: plan.last_known(id_) for id_ in judged})
    causes = {mark.subject_id: mark.cause for mark in claimed}
    with repeatable():
        held = marking.hold(token, claimed)
        if len(held) < len(claimed):
            # Our lease ran out and another worker took some: what it wrote is newer than what we computed.
            return
        plan.write()
        write_values(workspace, scored, causes)
        hasty = _hasty(workspace, held)
        ready = {mark.subject_id for mark in held} - {mark.subject_id for mark in hasty}
        whole = {id_: one for id_, one in scored.items() if id_ in ready}
        flag_items(workspace, whole, plan.runs, causes)
        items_scored(workspace, whole)
        marking.settle(token, [mark for mark in held if mark.subject_id in ready])
        if hasty:
            marking.put_off(hasty, FLAGS_WAIT)


def _hasty(workspace: Workspace, held: Sequence[Claimed]) -> list[Claimed]:
    """The marks whose items are not to be flagged yet: more of their facts wait to be read, or they have
    changed since they were looked at.

    Values and verdicts follow the stream, but a flag asks for a person: it is raised on whole deliveries,
    not in the middle of a load. Marks that waited long are flagged on what there is.
    """
    recent = [mark for mark in held if mark.marked_at > timezone.now() - FLAGS_WAIT_AT_MOST]
    waiting = Delivery.objects.pending().filter(
        workspace=workspace, received_at__lt=timezone.now() - BACKLOG_AFTER
    )
    return recent if waiting.exists() else [mark for mark in recent if mark.has_moved_on]


def _rank_problems(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """Recompute how problems stand; mark the items that are for them."""
    refreshed = standing.refresh(workspace.pk, [mark.subject_id for mark in marks], workspace.today())
    cause = marks[0].cause
    for item_id in Link.objects.filter(problem_id__in=refreshed).values_list("item_id", flat=True):
        onward.add("item", item_id, from_on=_TODAY, cause=cause)


def _settle_sources(workspace: Workspace, token: str, claimed: Sequence[Claimed]) -> None:
    """Tell what a batch of sources was heard of; flag those that are silent, or resolve their flags."""
    with repeatable():
        held = marking.hold(token, claimed)
        if not held:
            return
        onward = Marks(workspace.pk)
        # Those of today alone were heard before and put off, or their day has turned.
        _hear_sources(workspace, [mark for mark in held if mark.from_on != _TODAY], onward)
        hasty = _half_heard(held)
        ready = [mark for mark in held if mark not in hasty]
        flag_sources(workspace, list(Source.objects.filter(id__in=[mark.subject_id for mark in ready])))
        marking.settle(token, ready)
        if hasty:
            marking.put_off(hasty, FLAGS_WAIT)
        onward.write()


def _half_heard(held: Sequence[Claimed]) -> list[Claimed]:
    """The marks whose sources are not to be called silent yet: more of what they said waits to be read, however
    short a time. Marks that waited long are flagged on what there is, as those of items are.
    """
    recent = [mark for mark in held if mark.marked_at > timezone.now() - FLAGS_WAIT_AT_MOST]
    waiting = Delivery.objects.pending().filter(source_id__in=[mark.subject_id for mark in recent])
    speaking = set(waiting.values_list("source_id", flat=True).distinct())
    return [mark for mark in recent if mark.has_moved_on or mark.subject_id in speaking]


def _hear_sources(workspace: Workspace, marks: Sequence[Claimed], onward: Marks) -> None:
    """A source reported on days it had not: what it does not name there is now known to be zero."""
    first = {mark.subject_id: mark.from_on for mark in marks}
    causes = {mark.subject_id: mark.cause for mark in marks}
    for item_id, source_id in ItemSource.objects.filter(source_id__in=first).values_list(
        "item_id", "source_id"
    ):
        onward.add("item", item_id, from_on=first[source_id], cause=causes[source_id])
    metrics = dict(MetricSource.objects.filter(source_id__in=first).values_list("metric_id", "source_id"))
    for item_id, metric_id in Outcome.objects.filter(metric_id__in=metrics).values_list(
        "item_id", "metric_id"
    ):
        onward.add("item", item_id, from_on=_TODAY, cause=causes[metrics[metric_id]])
    mark_effects_since(
        workspace.pk,
        {metric_id: first[source_id] for metric_id, source_id in metrics.items()},
        {metric_id: causes[source_id] for metric_id, source_id in metrics.items()},
        onward,
    )


def _settle_effects(workspace: Workspace, token: str, claimed: Sequence[Claimed]) -> None:
    """Estimate a batch of effects: read and compute first, then write in one short transaction.

    What there was no time for is given back, to be the oldest of the next batch.
    """
    until = time.monotonic() + EFFECTS_SECONDS
    oldest_first = sorted(claimed, key=lambda mark: (mark.marked_at, mark.id))
    causes = {mark.subject_id: mark.cause for mark in oldest_first}
    estimated = estimate_effects(workspace, causes, until=until)
    with repeatable():
        # Of those that our lease ran out on, what another worker wrote is newer than what we computed.
        held = marking.hold(token, [mark for mark in claimed if mark.subject_id in estimated.effects])
        onward = Marks(workspace.pk)
        write_effects(estimated.of({mark.subject_id for mark in held}), onward, causes)
        marking.settle(token, held)
        onward.write()
    if len(held) < len(claimed):
        # Not while others are locked: whoever marks does so in order, and would wait for us as we for them.
        marking.release(token)


def _is_time_for(kind: str) -> bool:
    """Whether a kind that waits for others may be settled: those are done, or it has waited long enough."""
    if kind not in _WAITS:
        return True
    others, at_most = _WAITS[kind]
    waiting = Mark.objects.filter(kind=kind).order_by("marked_at").values_list("marked_at", flat=True).first()
    if waiting is None:
        return False
    is_busy = (
        Delivery.objects.filter(state="pending").exists() or Mark.objects.filter(kind__in=others).exists()
    )
    return not is_busy or waiting < timezone.now() - at_most


# A first changed day beyond any: nothing but the day of judgement is judged again, and no day of a source was heard.
_TODAY = date.max

_STEPS: tuple[tuple[str, int, _Settler], ...] = (
    ("metric_day", 500, _at_once(roll_metric_days)),
    ("usage_day", 500, _at_once(roll_usage_days)),
    ("problem", 500, _at_once(_rank_problems)),
    ("source", 20, _settle_sources),
    ("effect", 20, _settle_effects),
    ("experiment", 50, _at_once(weigh_experiments)),
    ("item", 300, _settle_items),
    ("audience", 1, _at_once(roll_audiences)),
)

# What each of these waits for, and how long at most.
_WAITS: dict[str, tuple[tuple[str, ...], timedelta]] = {
    "audience": (tuple(kind for kind in MARK_KINDS if kind != "audience"), AUDIENCE_WAITS),
    "effect": (("metric_day", "source"), EFFECTS_WAIT),
}
