"""Dirty marks: what is out of date, and the claim on putting it right.

A mark carries a generation. A worker claims marks in a short transaction, computes from facts, writes while
it holds its marks, and deletes them only at the generation it had claimed: a change that lands in between
raises the generation, the mark stays and is computed again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from outcomes.models.marks import MARK_KINDS
from outcomes.pipeline import doorbell
from outcomes.pipeline.repeatable import repeatable

# Longer than computing a batch takes; a worker that died leaves its claim for this long at most.
LEASE_SECONDS = 20
# What changes again right after it was put right waits this long at most, so that a stream's news comes together.
NEWS_WAITS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class MarkKey:
    """What a mark is about."""

    kind: str
    subject_id: int
    series: str = ""
    on: date | None = None

    @property
    def place(self) -> tuple[int, int, str, str]:
        """Where it comes among marks, which are always written in this order, so that writers never deadlock.

        By kind it is the order of settling: a worker holds marks of one kind while it writes marks of later ones.
        """
        return MARK_KINDS.index(self.kind), self.subject_id, self.series, str(self.on)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mark claimed by this worker, as it stood then."""

    id: int
    workspace_id: int
    kind: str
    subject_id: int
    series: str
    on: date | None
    from_on: date | None
    generation: int
    cause: dict[str, Any]
    marked_at: datetime
    # Something has changed since it was claimed, so that it will be computed again; known once it is held.
    has_moved_on: bool = False


class Marks:
    """Marks collected during one transaction and written once, in order."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id
        self._from: dict[MarkKey, date | None] = {}
        self._cause: dict[MarkKey, dict[str, Any]] = {}

    def add(
        self,
        kind: str,
        subject_id: int,
        *,
        series: str = "",
        on: date | None = None,
        from_on: date | None = None,
        cause: dict[str, Any] | None = None,
    ) -> None:
        key = MarkKey(kind, subject_id, series, on)
        if key in self._from:
            known = self._from[key]
            from_on = None if known is None or from_on is None else min(known, from_on)
        self._from[key] = from_on
        self._cause[key] = cause or self._cause.get(key) or {}

    def add_all(
        self,
        kind: str,
        subject_ids: Iterable[int],
        *,
        from_on: date | None = None,
        cause: dict[str, Any] | None = None,
    ) -> None:
        """Add marks of subjects that are out of date from a day on or (without one) altogether."""
        for subject_id in subject_ids:
            self.add(kind, subject_id, from_on=from_on, cause=cause)

    def merge(self, other: Marks) -> None:
        for key, from_on in other._from.items():
            self.add(
                key.kind,
                key.subject_id,
                series=key.series,
                on=key.on,
                from_on=from_on,
                cause=other._cause[key],
            )

    def write(self) -> None:
        """Write them in the running transaction and ring the doorbell when it has committed."""
        if not self._from:
            return
        keys = sorted(self._from, key=lambda key: key.place)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO outcomes_mark (workspace_id, kind, subject_id, series, "on", from_on, cause,
                                           generation, marked_at, claimed_by)
                SELECT %s, kind, subject_id, series, "on", from_on, cause::jsonb, 1, clock_timestamp(), ''
                FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::date[], %s::date[], %s::text[])
                     AS new (kind, subject_id, series, "on", from_on, cause)
                ON CONFLICT (kind, subject_id, series, "on") DO UPDATE SET
                    generation = outcomes_mark.generation + 1,
                    -- No first day means every day.
                    from_on = CASE WHEN outcomes_mark.from_on IS NULL OR excluded.from_on IS NULL THEN NULL
                                   ELSE least(outcomes_mark.from_on, excluded.from_on) END,
                    cause = CASE WHEN excluded.cause = '{}' THEN outcomes_mark.cause ELSE excluded.cause END,
                    -- Put off, it waited for nothing but its flags; now there is news.
                    claimed_until = CASE
                        WHEN outcomes_mark.claimed_by = ''
                         AND outcomes_mark.claimed_until > clock_timestamp() + make_interval(secs => %s)
                        THEN clock_timestamp() + make_interval(secs => %s) ELSE outcomes_mark.claimed_until END
                """,
                [
                    self.workspace_id,
                    [key.kind for key in keys],
                    [key.subject_id for key in keys],
                    [key.series for key in keys],
                    [key.on for key in keys],
                    [self._from[key] for key in keys],
                    [json.dumps(self._cause[key]) for key in keys],
                    NEWS_WAITS_SECONDS,
                    NEWS_WAITS_SECONDS,
                ],
            )
        doorbell.ring_after_commit("settle")


def mark(
    kind: str,
    workspace_id: int,
    subject_ids: Iterable[int],
    *,
    from_on: date | None = None,
    cause: dict[str, Any] | None = None,
) -> None:
    """Mark subjects as out of date, from a day on or (without one) altogether.

    Several kinds in one transaction go in the order of MARK_KINDS, or together through `Marks`.
    """
    marks = Marks(workspace_id)
    marks.add_all(kind, subject_ids, from_on=from_on, cause=cause)
    marks.write()


def mark_every_item(workspace_id: int, *, cause: dict[str, Any], from_on: date = date.max) -> None:
    """Mark all items of a workspace; without a first day no fact about their use has changed.

    Set-wise and some at a time, whatever their number; in the order in which all marks are written.
    """
    after, text = 0, json.dumps(cause)
    with connection.cursor() as cursor:
        while after is not None:
            cursor.execute(
                """
                WITH page AS (
                    SELECT id FROM roadmap_item WHERE workspace_id = %(workspace)s AND id > %(after)s
                    ORDER BY id LIMIT 10000
                ), written AS (
                    INSERT INTO outcomes_mark AS held (workspace_id, kind, subject_id, series, "on", from_on, cause,
                                                       generation, marked_at, claimed_by)
                    SELECT %(workspace)s, 'item', id, '', NULL, %(from_on)s, %(cause)s::jsonb, 1,
                           clock_timestamp(), '' FROM page ORDER BY id
                    ON CONFLICT (kind, subject_id, series, "on") DO UPDATE SET
                        generation = held.generation + 1,
                        from_on = CASE WHEN held.from_on IS NULL THEN NULL
                                       ELSE least(held.from_on, excluded.from_on) END,
                        cause = excluded.cause
                )
                SELECT max(id) FROM page
                """,
                {"workspace": workspace_id, "after": after, "from_on": from_on, "cause": text},
            )
            (after,) = cursor.fetchone()
    doorbell.ring_after_commit("settle")


# The workspace whose marks of a kind this process claimed last.
_last_turn: dict[str, int] = {}


def free_kinds() -> frozenset[str]:
    """The kinds of which there are marks that nobody has claimed: one look instead of one a kind."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind FROM unnest(%s::text[]) AS kind WHERE EXISTS (
                SELECT FROM outcomes_mark WHERE outcomes_mark.kind = kind.kind
                   AND (claimed_until IS NULL OR claimed_until < clock_timestamp()))
            """,
            [list(MARK_KINDS)],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def claim(kind: str, limit: int) -> tuple[str, list[Claimed]]:
    """Claim up to `limit` of the oldest marks of a kind, in one workspace, for LEASE_SECONDS.

    Workspaces take turns, so that a flood in one holds up no other. Returns the claim's token and the marks. One
    statement, so one short transaction of its own.
    """
    token = uuid.uuid4().hex
    with repeatable(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH turn AS (
                SELECT coalesce(
                    (SELECT workspace_id FROM outcomes_mark
                     WHERE kind = %(kind)s AND workspace_id > %(last_turn)s
                       AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                     ORDER BY workspace_id LIMIT 1),
                    (SELECT workspace_id FROM outcomes_mark
                     WHERE kind = %(kind)s AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                     ORDER BY workspace_id LIMIT 1)) AS workspace_id
            ), free AS (
                SELECT id FROM outcomes_mark
                WHERE kind = %(kind)s AND workspace_id = (SELECT workspace_id FROM turn)
                  AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                ORDER BY marked_at, id LIMIT %(limit)s
                FOR UPDATE SKIP LOCKED
            )
            UPDATE outcomes_mark SET claimed_by = %(token)s,
                   claimed_until = clock_timestamp() + make_interval(secs => %(lease)s)
            FROM free WHERE outcomes_mark.id = free.id
            RETURNING outcomes_mark.id, workspace_id, kind, subject_id, series, "on", from_on, generation,
                      cause, marked_at
            """,
            {
                "kind": kind,
                "limit": limit,
                "token": token,
                "lease": LEASE_SECONDS,
                "last_turn": _last_turn.get(kind, 0),
            },
        )
        rows = cursor.fetchall()
    claimed = [
        Claimed(
            id=row[0],
            workspace_id=row[1],
            kind=row[2],
            subject_id=row[3],
            series=row[4],
            on=row[5],
            from_on=row[6],
            generation=row[7],
            cause=json.loads(row[8]) if isinstance(row[8], str) else row[8],
            marked_at=row[9],
        )
        for row in rows
    ]
    claimed.sort(key=lambda mark: (mark.subject_id, mark.series, mark.on or date.min))
    if claimed:
        _last_turn[kind] = claimed[0].workspace_id
    return token, claimed


def hold(token: str, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Lock the marks that are still ours, in the running transaction, before writing what was computed.

    A worker whose lease ran out while it computed may find its marks taken or done by another: what it
    computed is then older than what the other wrote, and must not be written.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, generation FROM outcomes_mark WHERE id = ANY(%s) AND claimed_by = %s
            ORDER BY kind, subject_id, series, "on" FOR UPDATE
            """,
            [[mark.id for mark in claimed], token],
        )
        ours = dict(cursor.fetchall())
    return [
        replace(mark, has_moved_on=mark.generation != ours[mark.id]) for mark in claimed if mark.id in ours
    ]


def settle(token: str, held: Sequence[Claimed]) -> None:
    """Delete the marks at the generation they were claimed at; release those that moved on meanwhile.

    `held` are locked, so that none of them moves on any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM outcomes_mark USING unnest(%s::bigint[], %s::bigint[]) AS done (id, generation)
            WHERE outcomes_mark.id = done.id AND outcomes_mark.generation = done.generation
              AND claimed_by = %s
            """,
            [[mark.id for mark in held], [mark.generation for mark in held], token],
        )
    if any(mark.has_moved_on for mark in held):
        # Those alone: they are locked already, and the lock of another would be taken out of order.
        release(token, held)


def put_off(held: Sequence[Claimed], wait: timedelta) -> None:
    """Keep these marks, to be looked at again after `wait`; nothing but today is left to be judged of them.

    Those that moved on meanwhile wait for their news only.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outcomes_mark SET claimed_by = '',
                   claimed_until = clock_timestamp() + make_interval(secs => CASE
                       WHEN outcomes_mark.generation = put_off.generation THEN %s ELSE %s END),
                   from_on = CASE WHEN outcomes_mark.generation = put_off.generation THEN '9999-12-31'::date
                                  ELSE from_on END
            FROM unnest(%s::bigint[], %s::bigint[]) AS put_off (id, generation)
            WHERE outcomes_mark.id = put_off.id
            """,
            [
                wait.total_seconds(),
                NEWS_WAITS_SECONDS,
                [mark.id for mark in held],
                [mark.generation for mark in held],
            ],
        )


def release(token: str, claimed: Sequence[Claimed] | None = None) -> None:
    """Give back what was claimed, or these marks of it, after a failure or when there is no time for them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outcomes_mark SET claimed_until = NULL, claimed_by = ''
            WHERE claimed_by = %s AND (%s::bigint[] IS NULL OR id = ANY(%s))
            """,
            [token, *[None if claimed is None else [mark.id for mark in claimed]] * 2],
        )
