"""Endpoints: where news goes. Make and change them, rotate their secrets, try them, send something again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from outcomes.channels.wire import complaint_about, host_of
from outcomes.models import Endpoint, EndpointSecret, Notice, Occurrence
from outcomes.models.endpoints import CHANNELS, DIGESTS
from outcomes.models.notices import WAITING
from outcomes.models.told import EVENTS, TEST
from outcomes.pipeline import claims, doorbell
from outcomes.pipeline.digests import next_digest_at
from outcomes.pipeline.news import know_met_outcomes
from outcomes.pipeline.outbox import BELL
from outcomes.pipeline.told_values import know_values
from outcomes.services.refusals import ImpossibleMove
from outcomes.services.sources import new_webhook_secret
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere, StaleEdit, guarded_update
from roadmap.services import rows

# How long the secrets before a new one go on signing beside it, so that receivers can change in their own time.
ROTATION_OVERLAP = timedelta(hours=24)
_SAID = ("name", "url", "email", "events", "value_threshold")


@transaction.atomic
def create_endpoint(*, workspace: Workspace, by: Actor, **fields: Any) -> tuple[Endpoint, str | None]:
    """Create an endpoint. Returns it and, for a webhook, its secret, which is told here and never again.

    It is told what happens from now on: values and outcomes as they stand are known to it. Raises Refused.
    """
    endpoint = Endpoint(workspace=workspace, **_written(fields))
    rows.check(endpoint, problems_with_endpoint(endpoint))
    endpoint.digest_due_at = next_digest_at(workspace, endpoint.channel, timezone.now())
    endpoint.save(force_insert=True)
    _let_know(endpoint, endpoint.events)
    secret = _new_secret(endpoint) if endpoint.channel == "webhook" else None
    return endpoint, secret


@transaction.atomic
def edit_endpoint(
    *, workspace: Workspace, by: Actor, endpoint_id: int, version: int | None, changes: dict[str, Any]
) -> None:
    """Change an endpoint; its channel stays. Raises Refused, StaleEdit or NotHere."""
    endpoint = rows.find(Endpoint, workspace, endpoint_id)
    events = set(endpoint.events)
    # What did not change stays as it is, also where the networks that webhooks may go to are others by now.
    rules = [
        *problems_with_channel(endpoint.channel, changes.get("channel", endpoint.channel)),
        *problems_with_fields(changes, endpoint.channel),
    ]
    before = rows.edit(endpoint, version, _written(changes), rules)
    if "url" in before or "email" in before:
        # How the old address behaved says nothing of the new one.
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
    _let_know(endpoint, set(endpoint.events) - events)


@transaction.atomic
def remove_endpoint(*, workspace: Workspace, by: Actor, endpoint_id: int, version: int | None) -> None:
    """Delete an endpoint with its notices and their log. Raises StaleEdit or NotHere."""
    held = Endpoint.objects.in_workspace(workspace.pk)
    guarded_update(held, endpoint_id, version, {})
    # A month of notices is too much to be read first, as deleting by the ORM would.
    with connection.cursor() as cursor:
        for statement in _FORGET:
            cursor.execute(statement, [endpoint_id])
    held.filter(pk=endpoint_id).delete()


@transaction.atomic
def rotate_secret(
    *,
    workspace: Workspace,
    by: Actor,
    endpoint_id: int,
    version: int | None = None,
    overlap: timedelta = ROTATION_OVERLAP,
) -> str:
    """Give an endpoint a new secret; those before it sign beside it for `overlap` more (0 ends them at once).

    Returns the secret, told here and never again. Raises StaleEdit, NotHere, or ImpossibleMove for a channel
    that signs nothing.
    """
    guarded_update(Endpoint.objects.in_workspace(workspace.pk), endpoint_id, version, {})
    endpoint = rows.find(Endpoint, workspace, endpoint_id)
    if endpoint.channel != "webhook":
        raise ImpossibleMove("Only webhooks are signed.")
    end = timezone.now() + overlap
    still_valid = Q(expires_at=None) | Q(expires_at__gt=end)
    EndpointSecret.objects.filter(still_valid, endpoint=endpoint).update(expires_at=end)
    return _new_secret(endpoint)


@transaction.atomic
def enable_endpoint(*, workspace: Workspace, by: Actor, endpoint_id: int, version: int | None = None) -> None:
    """Let an endpoint be told again, of what happens from now on; one that is enabled stays as it is.

    Raises StaleEdit or NotHere.
    """
    if not _is_moved(workspace, endpoint_id, version, is_disabled=True):
        return
    endpoint, now = rows.find(Endpoint, workspace, endpoint_id), timezone.now()
    Endpoint.objects.filter(pk=endpoint.pk).update(
        disabled_at=None,
        disabled_reason="",
        failing_since=None,
        digest_due_at=next_digest_at(workspace, endpoint.channel, now),
        version=F("version") + 1,
        updated_at=now,
    )
    _let_know(endpoint, endpoint.events)


@transaction.atomic
def disable_endpoint(
    *, workspace: Workspace, by: Actor, endpoint_id: int, version: int | None = None
) -> None:
    """Tell an endpoint nothing more; what waits for it is dropped. One that is disabled stays as it is.

    Raises StaleEdit or NotHere.
    """
    if _is_moved(workspace, endpoint_id, version, is_disabled=False):
        claims.disable(rows.find(Endpoint, workspace, endpoint_id), "by_hand", timezone.now())


@transaction.atomic
def send_test(*, workspace: Workspace, by: Actor, endpoint_id: int) -> Notice:
    """Have a test sent to an endpoint, once, also to a disabled one. Returns the notice. Raises NotHere."""
    endpoint = rows.find(Endpoint, workspace, endpoint_id)
    now = timezone.now()
    occurrence = Occurrence.objects.create(
        workspace=workspace,
        event=TEST,
        identity=f"{TEST}:{uuid.uuid4()}",
        payload={
            "type": TEST,
            "timestamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "workspace": workspace.key,
            "data": {"endpoint": {"id": endpoint.pk, "name": endpoint.name}, "by": by.name},
        },
        occurred_at=now,
        endpoint=endpoint,
    )
    notice = Notice.objects.create(
        workspace=workspace, occurrence=occurrence, endpoint=endpoint, due_at=now, created_at=now
    )
    doorbell.ring_after_commit(BELL)
    return notice


@transaction.atomic
def redeliver(*, workspace: Workspace, by: Actor, notice_id: int) -> None:
    """Have a notice sent again, now, and if that fails by the schedule from its beginning.

    It keeps its id, by which the receiver knows it. Raises NotHere, or ImpossibleMove for one that is waiting,
    or whose endpoint is disabled.
    """
    held = Notice.objects.in_workspace(workspace.pk).select_related("endpoint", "occurrence")
    notice = held.select_for_update(of=("self",)).filter(pk=notice_id).first()
    if notice is None:
        raise NotHere
    if notice.state in WAITING:
        raise ImpossibleMove("It is still waiting to be sent.")
    if notice.endpoint.disabled_at is not None and notice.recipient == "endpoint":
        raise ImpossibleMove("Its endpoint is disabled. Enable it first.")
    Notice.objects.filter(pk=notice.pk).update(
        state="pending",
        finished_at=None,
        due_at=timezone.now(),
        claimed_by="",
        attempts_before=F("attempts"),
    )
    doorbell.ring_after_commit(BELL)


def with_waiting(endpoints: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    """Annotate how many notices are not delivered yet, as `waiting`."""
    held = Notice.objects.filter(endpoint=OuterRef("pk"), state="pending").order_by()
    counted = held.values("endpoint").annotate(number=Count("id")).values("number")
    return endpoints.annotate(waiting=Coalesce(Subquery(counted, output_field=IntegerField()), 0))


def problems_with_channel(held: str, wanted: str) -> list[Complaint]:
    """What is wrong with another channel than the one that an endpoint was made with."""
    if held == wanted:
        return []
    detail = "An endpoint keeps its channel. Make another endpoint instead."
    return [Complaint("channel", "cannot_change", detail)]


def problems_with_endpoint(endpoint: Endpoint) -> list[Complaint]:
    """What is wrong with an endpoint as it is to be."""
    fields = {name: getattr(endpoint, name) for name in _SAID}
    return problems_with_fields(fields, endpoint.channel)


def problems_with_fields(fields: Mapping[str, Any], channel: str | None) -> list[Complaint]:
    """What is wrong with these fields of an endpoint of this channel (None: nobody can tell which), each for itself."""
    complaints = []
    if not fields.get("name", "?").strip():
        complaints.append(Complaint("name", "blank", "An endpoint has a name."))
    if channel is not None and channel not in CHANNELS:
        complaints.append(Complaint("channel", "invalid_choice", f"Must be one of {', '.join(CHANNELS)}."))
        channel = None
    if channel is not None:
        complaints += _about_addresses(fields, channel)
    if (url := fields.get("url")) and (said := complaint_about(url, settings.WEBHOOK_PRIVATE_NETWORKS)):
        complaints.append(Complaint("url", "invalid", said))
    return [*complaints, *_about_wishes(fields)]


def _about_addresses(fields: Mapping[str, Any], channel: str) -> list[Complaint]:
    own, other = ("email", "url") if channel in DIGESTS else ("url", "email")
    complaints = []
    if fields.get(other):
        detail = f"A {channel} has an address in {own}; leave this blank."
        complaints.append(Complaint(other, "not_of_channel", detail))
    if not fields.get(own, "?"):
        complaints.append(Complaint(own, "required", f"A {channel} needs an address here."))
    return complaints


def _about_wishes(fields: Mapping[str, Any]) -> list[Complaint]:
    complaints = []
    events = fields.get("events", EVENTS)
    if unknown := sorted(set(events) - set(EVENTS)):
        detail = f"{unknown[0]!r} is none of {', '.join(EVENTS)}."
        complaints.append(Complaint("events", "invalid_choice", detail))
    if not events:
        complaints.append(Complaint("events", "empty", "Name at least one event."))
    if not 0 <= fields.get("value_threshold", 0) <= 100:
        detail = "Proven value is 0 to 100, and so is what it moves by."
        complaints.append(Complaint("value_threshold", "out_of_range", detail))
    return complaints


def _written(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are stored: each event once, in the order of the list; the host beside its address."""
    written = dict(fields)
    if "events" in written:
        said = list(dict.fromkeys(written["events"]))
        written["events"] = sorted(said, key=lambda event: EVENTS.index(event) if event in EVENTS else 99)
    if "url" in written:
        written["host"] = host_of(written["url"])[:300]
    return written


def _is_moved(workspace: Workspace, endpoint_id: int, version: int | None, *, is_disabled: bool) -> bool:
    """Whether the endpoint is as the move takes it; locked, and compared with the version that was seen."""
    held = Endpoint.objects.in_workspace(workspace.pk).select_for_update(no_key=True).filter(pk=endpoint_id)
    endpoint = held.first()
    if endpoint is None:
        raise NotHere
    if version is not None and endpoint.version != version:
        raise StaleEdit
    return (endpoint.disabled_at is not None) == is_disabled


def _let_know(endpoint: Endpoint, events: Any) -> None:
    """Of these it is told changes: how things stand is known to it."""
    if "value.changed" in events:
        know_values(endpoint)
    if "outcome.met" in events:
        know_met_outcomes(endpoint.workspace)


def _new_secret(endpoint: Endpoint) -> str:
    secret = new_webhook_secret()
    EndpointSecret.objects.create(workspace_id=endpoint.workspace_id, endpoint=endpoint, secret=secret)
    return secret


_FORGET = (
    "DELETE FROM outcomes_attempt WHERE endpoint_id = %s",
    "DELETE FROM outcomes_notice WHERE endpoint_id = %s",
    "DELETE FROM outcomes_occurrence WHERE endpoint_id = %s",
)
