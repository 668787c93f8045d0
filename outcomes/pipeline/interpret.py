"""From stored bytes to facts: claim pending deliveries, read them, record their rows, say what became of each.

Up to two hundred deliveries share a transaction; if one of them fails, each is tried under a savepoint of its own. A
worker killed in the middle leaves them pending; a delivery that fails again and again is tried alone, then set
aside where a person can see it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from outcomes.instruments import ROWS, timed
from outcomes.models import Delivery, Source
from outcomes.pipeline import meaning, partitions, replays, turns
from outcomes.pipeline.candidates import Seen, Sightings, seen_in
from outcomes.pipeline.record import Recorder
from outcomes.pipeline.repeatable import repeatable
from outcomes.pipeline.statement import Tally, Trail
from outcomes.sources.bodies import BodyRefused
from outcomes.sources.signatures import Signed

logger = logging.getLogger(__name__)

# Of a delivery's refused rows this many are kept one by one; the rest are counted.
KEPT_REFUSALS = 100
_RETRIABLE = ("40P01", "40001", "55P03")
# What a body can bring about that we did not foresee.
_POISONED = (DatabaseError, ValueError, TypeError, ArithmeticError, LookupError)


def interpret_pending(*, max_seconds: float, is_turn: bool = False) -> int:
    """Interpret pending deliveries until none is left or the time is up; return how many were.

    What is to be read again waits until nothing else does. A turn ends once it has caught up: under a steady
    stream there is always another delivery, and what it marked would never be settled.
    """
    until = time.monotonic() + max_seconds
    done = 0
    while time.monotonic() < until:
        ids, is_more_waiting = turns.claim()
        if ids:
            done += _interpret_or_give_back(ids)
            if is_turn and not is_more_waiting:
                break
        elif not replays.feed():
            break
    return done


# Longer than a page may take: ten thousand rows are written by one statement a table.
_STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = '10s'"


def interpret_now(delivery_id: int) -> None:
    """Interpret one stored delivery in the transaction at hand, for a sender who waits for the answer.

    Raises partitions.Missing when a month has no partition yet, and OperationalError when another transaction is
    in the way for too long.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT_TIMEOUT)
    _interpret_locked([delivery_id], is_apart=True)


def preview(
    source: Source,
    signed: Signed,
    body: bytes,
    *,
    now: datetime,
    path: str = "",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what a body would become, writing nothing."""
    delivery = Delivery(
        workspace_id=source.workspace_id,
        source=source,
        external_id=signed.message_id,
        body=body,
        signed_at=signed.signed_at,
        received_at=now,
        path=path,
        headers=dict(headers or {}),
    )
    recorder = Recorder(source.workspace, is_rehearsal=True)
    with transaction.atomic():
        one = _take(delivery, recorder, now)
        recorder.write()
        transaction.set_rollback(True)
    return {
        "status": "dry_run",
        "state": one.state,
        "taken": one.tally.taken,
        "duplicates": one.tally.duplicates,
        "refused": one.tally.refused,
        "outcome": one.outcome,
    }


def _interpret_or_give_back(ids: list[int]) -> int:
    """Interpret a batch; if that is ended, by a time limit say, those in it that are innocent do not pay."""
    try:
        return _interpret_together(ids)
    except BaseException:
        if len(ids) > 1:
            try:
                turns.give_back(ids)
            except DatabaseError:
                # The database is away: each has paid one attempt, and goes alone.
                logger.warning("attempts of %s deliveries could not be given back", len(ids))
        raise


def _interpret_together(ids: list[int]) -> int:
    conflicts = 0
    is_apart = False
    # A month can be missing at most once a table, and a batch states a bounded number of months.
    for _ in range(1000):
        try:
            with timed("interpret"), repeatable():
                return _interpret_locked(ids, is_apart=is_apart)
        except partitions.Missing as missing:
            # Made outside the batch's transaction, which is then done again: attaching takes locks.
            partitions.make(missing.table, missing.months)
        except OperationalError as error:
            # Two workers met in the wrong order: the work is whole either way, so it is simply done again.
            conflicts += 1
            if getattr(error.__cause__, "sqlstate", None) not in _RETRIABLE or conflicts == 3:
                raise
        except _POISONED:
            if is_apart:
                raise
            # One of them fails, and must not take the others down with it.
            is_apart = True
    raise RuntimeError("a batch went on asking for new partitions")


def _interpret_locked(ids: list[int], *, is_apart: bool) -> int:
    """Interpret those of `ids` that are still pending: all facts together, or each under a savepoint."""
    deliveries = list(
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(id__in=ids, state="pending")
        .prefetch_related("source", "workspace")
        .order_by("id")
    )
    recorders: dict[int, Recorder] = {}
    sightings = Sightings()
    taken: list[tuple[Recorder, _Taken]] = []
    for delivery in deliveries:
        recorder = recorders.setdefault(delivery.workspace_id, Recorder(delivery.workspace))
        one = _apart(delivery, recorder) if is_apart else _take(delivery, recorder, timezone.now())
        if one is not None:
            taken.append((recorder, one))
    for workspace_id in sorted(recorders):
        recorders[workspace_id].write()
    for recorder, one in taken:
        recorder.keep(one.trail)
        one.settle(sightings)
    _write_outcomes([one.delivery for _, one in taken])
    for workspace_id in sorted(recorders):
        recorders[workspace_id].finish()
    sightings.write()
    for name in ("taken", "duplicates", "refused"):
        ROWS.labels(name).inc(sum(getattr(delivery, name) for delivery in deliveries))
    return len(deliveries)


def _apart(delivery: Delivery, recorder: Recorder) -> _Taken | None:
    """Take one delivery under a savepoint of its own; None when it failed and was put off."""
    now = timezone.now()
    try:
        with transaction.atomic():
            one = _take(delivery, recorder, now)
            recorder.write()
            return one
    except OperationalError:
        raise
    except _POISONED as error:
        # Our own fault or a poison: the other deliveries go on, this one is tried again and then set aside.
        logger.exception("delivery %s failed", delivery.pk)
        recorder.forget()
        _put_off(delivery, error, now)
        return None


@dataclass(slots=True)
class _Taken:
    """A delivery that was read: what is to be said of it, once its facts are written."""

    delivery: Delivery
    state: str
    outcome: dict[str, Any]
    now: datetime
    trail: Trail
    tally: Tally = field(default_factory=Tally)
    seen: Seen = field(default_factory=dict)

    def settle(self, sightings: Sightings) -> None:
        """Put what became of it on the delivery's row, still unwritten."""
        delivery = self.delivery
        self.outcome |= sightings.add(delivery, self.seen)
        delivery.state, delivery.outcome = self.state, self.outcome
        delivery.taken, delivery.duplicates = self.tally.taken, self.tally.duplicates
        delivery.refused = self.tally.refused
        delivery.interpreted_at, delivery.retry_at = self.now, None


def _take(delivery: Delivery, recorder: Recorder, now: datetime) -> _Taken:
    """Read a delivery and have its rows recorded; its tally is whole once the recorder has written."""
    body = bytes(delivery.body) if delivery.body is not None else b""
    try:
        read = meaning.of(delivery, body, now=now)
    except BodyRefused as refused:
        outcome: dict[str, Any] = {"error": str(refused), "refused": [], "more": 0}
        return _Taken(delivery, "failed", outcome, now, Trail(delivery.workspace_id))
    tally, trail = recorder.record(delivery, read)
    refusals = [refusal.as_json() for refusal in read.refusals[:KEPT_REFUSALS]]
    outcome = {"refused": refusals, "more": max(0, len(read.refusals) - KEPT_REFUSALS)}
    state = "partial" if tally.refused else "done"
    return _Taken(delivery, state, outcome, now, trail, tally, seen_in(read.refusals))


def _write_outcomes(deliveries: list[Delivery]) -> None:
    """Write what became of deliveries, in one statement and in the order of their ids."""
    if not deliveries:
        return
    columns = zip(
        *[
            (
                one.pk,
                one.state,
                json.dumps(one.outcome),
                one.taken,
                one.duplicates,
                one.refused,
                one.interpreted_at,
            )
            for one in deliveries
        ],
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, [list(column) for column in columns])


_OUTCOMES = """
    UPDATE outcomes_delivery AS d SET state = o.state, outcome = o.outcome::jsonb, taken = o.taken,
           duplicates = o.duplicates, refused = o.refused, interpreted_at = o.interpreted_at, retry_at = NULL
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::integer[], %s::integer[], %s::integer[],
                %s::timestamptz[])
         AS o (id, state, outcome, taken, duplicates, refused, interpreted_at)
    WHERE d.id = o.id
"""


def _put_off(delivery: Delivery, error: Exception, now: datetime) -> None:
    kept = {name: value for name, value in delivery.outcome.items() if name == "unclaimed"}
    delivery.outcome = {
        "error": f"{type(error).__name__}: {str(error)[:500]}",
        "refused": [],
        "more": 0,
        **kept,
    }
    if delivery.attempts >= settings.DELIVERY_MAX_ATTEMPTS:
        delivery.state = "quarantined"
        delivery.retry_at = None
    else:
        delivery.retry_at = now + timedelta(seconds=2**delivery.attempts)
    delivery.save(update_fields=["state", "outcome", "retry_at"])
