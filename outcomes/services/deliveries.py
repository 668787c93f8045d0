"""Have stored deliveries interpreted again, after a metric, an item or a rule was added."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import (
    BinaryField,
    Count,
    F,
    Func,
    IntegerField,
    Max,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from outcomes.models import Candidate, Delivery, Replay, Source
from outcomes.pipeline import doorbell, replays
from outcomes.pipeline.quiet import begin_quiet_run
from outcomes.services.marking import edit_by
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere

# Of a body this much is shown.
SHOWN_BYTES = 256 * 1024


@transaction.atomic
def replay_delivery(*, workspace: Workspace, by: Actor, delivery_id: int) -> Delivery:
    """Put a delivery back into the queue, due now; what was taken before stays taken.

    Raises NotHere, or ImpossibleMove when its bytes are no longer kept or it is waiting already.
    """
    deliveries = Delivery.objects.in_workspace(workspace.id)
    delivery = deliveries.defer("body").select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise NotHere
    if delivery.state == "pending":
        raise ImpossibleMove("This delivery is waiting to be interpreted already.")
    if deliveries.filter(pk=delivery_id, body=None).exists():
        raise ImpossibleMove("The bytes of this delivery are no longer kept.")
    # It waits for a person now: counted as a replay's, it would take back what that had done.
    deliveries.filter(pk=delivery_id).update(
        state="pending", attempts=0, retry_at=timezone.now(), replay_id=None
    )
    doorbell.ring_after_commit("interpret")
    return deliveries.defer("body").select_related("source").get(pk=delivery_id)


@transaction.atomic
def replay_source(
    *, workspace: Workspace, by: Actor, source: Source, candidate: Candidate | None = None
) -> Replay:
    """Have a source's stored deliveries read again, or those that spoke of a candidate; return the replay.

    The worker does it, after everything that comes in. What was taken before stays as it is. Raises
    ImpossibleMove when all of them are being read again already.
    """
    # Whoever asks at the same moment waits, and is told.
    Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if candidate is None and Replay.objects.filter(source=source, candidate=None, finished_at=None).exists():
        raise ImpossibleMove("The deliveries of this source are being read again already.")
    # Of all sources: the newest of one that has been silent for long would be searched for among all of them.
    newest = Delivery.objects.aggregate(newest=Max("id"))["newest"] or 0
    replay = Replay(
        workspace=workspace, source=source, candidate=candidate, asked_by=by.name[:200], last_id=newest
    )
    if candidate is not None:
        replay.total = replays.meant(replay)
    replay.save()
    if replay.total != 0:
        # History that comes all at once is told all at once.
        begin_quiet_run(workspace.pk, "rules", edit_by(by))
    doorbell.ring_after_commit("interpret")
    return replay


def with_queued(rows: QuerySet[Replay]) -> QuerySet[Replay]:
    """Annotate replays with how many of their deliveries wait in the queue."""
    held = Delivery.objects.filter(replay_id=OuterRef("pk"), state="pending").order_by().values("replay_id")
    number = Subquery(held.annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    return rows.annotate(queued=Coalesce(number, 0))


def done_of(replay: Replay) -> int:
    """How far a replay from `with_queued` has come towards its total. This never goes back.

    What is read meanwhile without its doing counts when it ends; what turns up to be meant only later makes it
    no more than its total.
    """
    if replay.finished_at is not None:
        return replay.total or 0
    return min(replay.fed - replay.queued, replay.total or 0)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A stored body for a person: text (None when its bytes are gone), utf-8 or base64, and whether there is more."""

    text: str | None
    encoding: str
    is_cut: bool


def with_body_start(rows: QuerySet[Delivery], size: int = SHOWN_BYTES) -> QuerySet[Delivery]:
    """Annotate deliveries with the beginning of their bodies, for `body_of`."""
    start = Func(F("body"), Value(1), Value(size), function="substr", output_field=BinaryField())
    return rows.annotate(body_start=start).select_related("source").prefetch_related("source__secrets")


def stored_body(delivery: Delivery) -> StoredBody:
    """The beginning of a delivery's body, for a person."""
    return body_of(with_body_start(Delivery.objects.defer("body")).get(pk=delivery.pk))


def body_of(delivery: Delivery) -> StoredBody:
    """The body of a delivery that came from `with_body_start`, without the secrets that it may hold.

    Libraries put their key into the body; whoever may read deliveries need not be able to send some.
    """
    held: Any = delivery.body_start  # type: ignore[attr-defined]
    if held is None:
        return StoredBody(None, "utf-8", False)
    start = bytes(held)
    is_cut = delivery.body_bytes > len(start)
    for secret in sorted((one.secret for one in delivery.source.secrets.all()), key=len, reverse=True):
        start = start.replace(secret.encode(), b"***")
    try:
        # The end may be the middle of a character.
        text = start[: len(start) - _incomplete(start)].decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        return StoredBody(base64.b64encode(start).decode(), "base64", is_cut)
    return StoredBody(text, "utf-8", is_cut)


def _incomplete(data: bytes) -> int:
    """How many bytes at the end begin a character that is not there whole."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return back if length > back else 0
    return 0
