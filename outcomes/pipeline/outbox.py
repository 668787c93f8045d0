"""What happened is written down, with a notice to everybody who wants it, in the transaction in which it happens.

An occurrence has an identity, and one identity occurs once: whatever is computed again, replayed or raced for
finds it there. Who wants nothing pays one look at an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection
from django.utils import timezone

from outcomes.models import Endpoint
from outcomes.models.endpoints import DIGESTS
from outcomes.models.told import FLAGS_DIGEST
from outcomes.pipeline import doorbell
from productops.api.numbers import as_shown
from productops.workspaces.models import Workspace

BELL = "notices"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one endpoint wants to hear."""

    endpoint_id: int
    events: frozenset[str]
    value_threshold: float

    def wants(self, event: str) -> bool:
        """Whether it is told of such an event; a digest of flags goes to whoever is told of flags."""
        if event == FLAGS_DIGEST:
            return not self.events.isdisjoint(("flag.opened", "flag.resolved"))
        return event in self.events


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened. `identity` says what is the same; `data` is what is told of it."""

    event: str
    identity: str
    data: dict[str, Any]
    # The only endpoint that it concerns, if it does not concern all.
    endpoint_id: int | None = None


def subscriptions(workspace_id: int, events: Iterable[str]) -> list[Subscription]:
    """The endpoints of a workspace that want to hear of any of these events: one look at an index."""
    rows = Endpoint.objects.filter(workspace_id=workspace_id, disabled_at=None).order_by("id")
    held = [
        Subscription(id_, frozenset(wanted), threshold)
        for id_, wanted, threshold in rows.values_list("id", "events", "value_threshold")
    ]
    asked = list(events)
    return [one for one in held if any(one.wants(event) for event in asked)]


def tell(
    workspace: Workspace, news: Sequence[News], listeners: Sequence[Subscription], *, is_quiet: bool = False
) -> None:
    """Write down what happened, in the running transaction, with a notice for every listener that wants it.

    What occurred before changes nothing. What is quiet is known from now on, and told to nobody.
    """
    once = {one.identity: one for one in news}
    rows = [row for one in once.values() if (row := _row(workspace, one, listeners, is_quiet)) is not None]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "rows": msgspec.json.encode(rows).decode(),
                "workspace": workspace.pk,
                "now": timezone.now(),
                "is_quiet": is_quiet,
                "digests": list(DIGESTS),
            },
        )
        if cursor.rowcount:
            doorbell.ring_after_commit(BELL)


def _row(
    workspace: Workspace, one: News, listeners: Sequence[Subscription], is_quiet: bool
) -> dict[str, Any] | None:
    wanting = [
        listener
        for listener in listeners
        if one.endpoint_id == listener.endpoint_id or (one.endpoint_id is None and listener.wants(one.event))
    ]
    if not wanting:
        return None
    return {
        "event": one.event,
        "identity": one.identity,
        "payload": {
            "type": one.event,
            "timestamp": timezone.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
            "workspace": workspace.key,
            "data": as_shown(one.data),
        },
        "endpoint_id": one.endpoint_id,
        "recipients": [] if is_quiet else [one.endpoint_id for one in wanting],
    }


_WRITE = """
    WITH new AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json)
            AS new (event text, identity text, payload jsonb, endpoint_id bigint, recipients bigint[])
    ), occurred AS (
        INSERT INTO outcomes_occurrence (workspace_id, event, identity, payload, occurred_at, endpoint_id, is_quiet)
        SELECT %(workspace)s, event, identity, payload, %(now)s, endpoint_id, %(is_quiet)s
        FROM new ORDER BY identity
        ON CONFLICT (workspace_id, identity) DO NOTHING
        RETURNING id, identity
    )
    INSERT INTO outcomes_notice (workspace_id, occurrence_id, endpoint_id, recipient, state, due_at, attempts,
                                 attempts_before, claimed_by, created_at)
    SELECT %(workspace)s, occurred.id, recipient.id, 'endpoint',
           CASE WHEN recipient.channel = ANY(%(digests)s) THEN 'gathered' ELSE 'pending' END,
           %(now)s, 0, 0, '', %(now)s
    FROM occurred JOIN new USING (identity)
    JOIN outcomes_endpoint AS recipient ON recipient.id = ANY(new.recipients)
    ORDER BY recipient.id, occurred.id
"""
