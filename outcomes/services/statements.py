"""Facts that are stated through the API: stored like a webhook's, interpreted while the sender waits."""

from __future__ import annotations

import hashlib
import uuid

from django.db import transaction
from django.utils import timezone

from outcomes.models import Delivery, Source
from outcomes.pipeline import doorbell
from outcomes.pipeline.interpret import interpret_now
from outcomes.sources import productops
from outcomes.sources.bodies import BodyRefused
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import Workspace

# What the API states comes from a source of this key, whose health tells whether it still reports.
API_SOURCE_KEY = "api"
MOST_ROWS = 10_000


def state_facts(*, workspace: Workspace, by: Actor, body: bytes, content_type: str) -> Delivery:
    """Store a native body and interpret it at once; the delivery says what became of each row.

    It comes back pending when the worker has to do it: then it was stored, and will be. Raises Refused when
    the body is no native body or holds more than MOST_ROWS rows; then nothing was stored.
    """
    now = timezone.now()
    _refuse_unreadable(body, content_type)
    with transaction.atomic():
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
        # Stored and taken are one: a worker never sees it pending unless it is left to one.
        if not interpret_now(delivery.pk):
            doorbell.ring_after_commit("interpret")
    return Delivery.objects.defer("body", "body_sha256").select_related("source").get(pk=delivery.pk)


def _refuse_unreadable(body: bytes, content_type: str) -> None:
    try:
        read = productops.events(body, headers={"content-type": content_type}, path="", now=timezone.now())
    except BodyRefused as refusal:
        raise Refused([Complaint("", "invalid", str(refusal))]) from refusal
    if read.row_count > MOST_ROWS:
        raise Refused([Complaint("", "too_many_rows", f"At most {MOST_ROWS} rows in one request.")])


def _api_source(workspace: Workspace) -> Source:
    """The workspace's own source for the API, made with its first use. It has no secret: keys stand for it."""
    defaults = {"name": "REST API"}
    source, _ = Source.objects.get_or_create(workspace=workspace, key=API_SOURCE_KEY, defaults=defaults)
    return source
