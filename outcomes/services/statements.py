"""Facts that are stated through the API: stored like a webhook's, interpreted while the sender waits."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from outcomes.models import Delivery, Source
from outcomes.pipeline import partitions
from outcomes.pipeline.interpret import interpret_now
from outcomes.sources import productops
from outcomes.sources.bodies import BodyRefused, NativeBody
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused, refuse_if_any
from productops.workspaces.models import Workspace

# What the API states comes from a source of this key, whose health tells whether it still reports.
API_SOURCE_KEY = "api"
MOST_ROWS = 10_000
# What is wrong with the body itself and not with a row of it: whoever waits for the answer can mend it at once.
_OF_THE_BODY = frozenset({"not_a_list", "unknown_section"})
# In which a body may want room.
MOST_TABLES = len(partitions.PARTITIONED)


def state_facts(*, workspace: Workspace, by: Actor, body: bytes, content_type: str) -> Delivery:
    """Store a native body and interpret it at once; the delivery says what became of each row.

    It comes back pending only when a row met a fault of ours: it is tried again, and shown to people. Raises
    Refused when the body is no native body, has a part that is none of its sections or no list, or holds more
    than MOST_ROWS rows, NoRoom when facts are for months that have no partition, and OperationalError when others
    are in the way; then nothing was stored.
    """
    now = timezone.now()
    _refuse_unreadable(body, content_type)
    with transaction.atomic(), _room_wanted():
        delivery = Delivery.objects.create(
            workspace=workspace,
            source=_api_source(workspace),
            # Every request is a statement of its own: the same bytes again may take back a correction.
            external_id=f"{by.name[:150]}:{uuid.uuid4().hex}",
            body=body,
            body_sha256=hashlib.sha256(body).digest(),
            body_bytes=len(body),
            content_type=content_type[:200],
            signed_at=now,
            received_at=now,
        )
        # Stored and taken are one: a worker never sees it pending.
        interpret_now(delivery.pk)
    return Delivery.objects.defer("body", "body_sha256").select_related("source").get(pk=delivery.pk)


class NoRoom(Exception):
    """Facts are for months that have no partition yet; `make_room` makes them."""

    def __init__(self, table: str, months: list[partitions.Month]) -> None:
        super().__init__(f"no room in {table} for {months}")
        self.table, self.months = table, months


def make_room(wanted: NoRoom) -> None:
    """Make the partitions that are wanted, each in a transaction of its own."""
    partitions.make(wanted.table, wanted.months)


@contextmanager
def _room_wanted() -> Iterator[None]:
    try:
        yield
    except partitions.Missing as missing:
        raise NoRoom(missing.table, missing.months) from missing


def _refuse_unreadable(body: bytes, content_type: str) -> None:
    try:
        read = productops.events(body, headers={"content-type": content_type}, path="", now=timezone.now())
    except BodyRefused as refusal:
        raise Refused([Complaint(refusal.part, "invalid", str(refusal))]) from refusal
    refuse_if_any(_complaints(read))


def _complaints(read: NativeBody) -> Iterator[Complaint]:
    for refusal in read.refusals:
        if refusal.code in _OF_THE_BODY:
            told = refusal.as_json()
            yield Complaint(told["row"].removeprefix("/"), told["code"], told["detail"])
    if read.row_count > MOST_ROWS:
        yield Complaint("", "too_many_rows", f"At most {MOST_ROWS} rows in one request.")


def _api_source(workspace: Workspace) -> Source:
    """The workspace's own source for the API, made with its first use. It has no secret: keys stand for it."""
    defaults = {"name": "REST API"}
    source, _ = Source.objects.get_or_create(workspace=workspace, key=API_SOURCE_KEY, defaults=defaults)
    return source
