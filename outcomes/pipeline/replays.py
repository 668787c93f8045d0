"""Stored deliveries are read again, a few at a time: back in the queue whenever nothing newer waits in it.

A replay is a row that knows how far it has come. It moves in the transaction that puts deliveries back, so a
worker that is killed neither skips one nor counts one twice; it ends when it has passed the newest delivery that
is meant and none of those it put back is pending.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from outcomes.models import Delivery, Replay

# Put back at a time: what is pending of replays is never more than this ahead of what comes in.
_SLICE = 200
# Ids looked through in one statement: a source that was asked seldom has few among all the others'.
_SPAN = 20_000

# What a replay reads again. What is pending is among it: a worker may be reading it by the rules there were, so
# its row is waited for and looked at again.
_MEANT = """
    source_id = %(source)s AND id > %(after)s AND id <= %(until)s AND body IS NOT NULL
    AND (%(kind)s::text IS NULL OR state = 'pending'
         OR outcome ? 'unclaimed' AND outcome #> ARRAY['unclaimed', %(kind)s::text] ? %(name)s::text)
"""


def feed() -> bool:
    """Put the next deliveries of the oldest replay back into the queue, or look further for them.

    Ends replays that are done. False when there is nothing left to put back.
    """
    with transaction.atomic():
        replay = _next()
        if replay is None:
            return False
        _feed(replay)
        return True


def waiting(replay_id: int) -> int:
    """How many deliveries of a replay are in the queue."""
    return Delivery.objects.filter(replay_id=replay_id, state="pending").count()


def meant(replay: Replay) -> int:
    """How many deliveries a replay has before it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM outcomes_delivery WHERE {_MEANT}",  # noqa: S608
            _parameters(replay, replay.reached_id, replay.last_id),
        )
        count: int = cursor.fetchone()[0]
    return count


def _next() -> Replay | None:
    """The oldest replay that has something before it, locked. One that only waits for its last ones is passed over."""
    open_ = Replay.objects.filter(finished_at=None).select_related("candidate").order_by("id")
    for replay in open_.select_for_update(skip_locked=True, of=("self",)):
        if replay.reached_id < replay.last_id:
            return replay
        if not waiting(replay.pk):
            # What was meant and was read meanwhile, or is no longer kept, was not put back: it is done as well.
            replay.total = replay.fed if replay.total is None else replay.total
            replay.finished_at = timezone.now()
            replay.save(update_fields=["total", "finished_at"])
    return None


def _feed(replay: Replay) -> None:
    if replay.total is None:
        replay.total = meant(replay)
    until = min(replay.last_id, replay.reached_id + _SPAN)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            -- A subquery that locks may be asked again for every row, and then finds others: a CTE is asked once.
            WITH next AS MATERIALIZED (
                SELECT id FROM outcomes_delivery WHERE {_MEANT} ORDER BY id LIMIT {_SLICE} FOR UPDATE
            )
            UPDATE outcomes_delivery AS d SET state = 'pending', replay_id = %(replay)s,
                   attempts = CASE state WHEN 'pending' THEN attempts ELSE 0 END,
                   retry_at = CASE state WHEN 'pending' THEN retry_at END
            FROM next WHERE d.id = next.id
            RETURNING d.id
            """,  # noqa: S608
            {"replay": replay.pk, **_parameters(replay, replay.reached_id, until)},
        )
        ids = [row[0] for row in cursor.fetchall()]
    replay.reached_id = max(ids) if len(ids) == _SLICE else until
    replay.fed += len(ids)
    replay.save(update_fields=["total", "reached_id", "fed"])


def _parameters(replay: Replay, after: int, until: int) -> dict[str, Any]:
    candidate = replay.candidate
    return {
        "source": replay.source_id,
        "after": after,
        "until": until,
        "kind": candidate.kind if candidate else None,
        "name": candidate.name if candidate else None,
    }
