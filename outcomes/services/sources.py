"""Create sources, change them, rotate their secrets."""

from __future__ import annotations

import base64
import secrets as randomness
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from outcomes.models import Delivery, ItemSource, MetricSource, Source, SourceDay, SourceSecret
from outcomes.models.sources import CADENCES, SOURCE_KINDS
from outcomes.services.marking import mark_source
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_update
from roadmap.rules import is_key
from roadmap.services import rows

# How long the secrets before a new one still prove a request, so that senders can be changed one by one.
ROTATION_OVERLAP = timedelta(hours=24)
_SECRET_BYTES = 32


def new_secret(kind: str) -> str:
    """A secret in the shape that senders of this kind take as their key."""
    if kind in ("productops", "cloudevents", "custom"):
        return new_webhook_secret()
    if kind in ("amplitude", "mixpanel"):
        return randomness.token_hex(16)
    if kind == "unleash":
        return f"*:production.{randomness.token_hex(28)}"
    if kind == "launchdarkly":
        return f"sdk-{uuid.UUID(bytes=randomness.token_bytes(16))}"
    return {"posthog": "phc_"}.get(kind, "") + randomness.token_urlsafe(_SECRET_BYTES)


def new_webhook_secret() -> str:
    """A Standard Webhooks secret: `whsec_` and the standard base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(randomness.token_bytes(_SECRET_BYTES)).decode("ascii")


@transaction.atomic
def create_source(
    *,
    workspace: Workspace,
    by: Actor,
    key: str,
    name: str = "",
    kind: str = "productops",
    cadence: str = "daily",
) -> tuple[Source, str]:
    """Create a source and its first secret, which is told here and never again.

    Raises Refused for a bad value and IntegrityError when the key is taken.
    """
    fields = {"key": key, "name": name or key, "kind": kind, "cadence": cadence}
    source = Source(workspace=workspace, **fields)
    rows.check(source, problems_with_source(fields))
    source.save(force_insert=True)
    secret = new_secret(source.kind)
    SourceSecret.objects.create(workspace=workspace, source=source, secret=secret)
    return source, secret


@transaction.atomic
def edit_source(
    *, workspace: Workspace, by: Actor, source_id: int, version: int | None, changes: dict[str, Any]
) -> Source:
    """Change key, name or cadence. Raises Refused, StaleEdit, NotHere or IntegrityError (key taken)."""
    source = rows.find(Source, workspace, source_id)
    before = rows.edit(source, version, changes, problems_with_source(changes))
    if "cadence" in before or "key" in before:
        # The cadence says which days are covered; the key breaks ties between the sources of an item.
        mark_source(workspace, source_id, by, is_calendar_changed=True)
    source.refresh_from_db()
    return source


@transaction.atomic
def remove_source(*, workspace: Workspace, by: Actor, source_id: int, version: int | None) -> None:
    """Delete a source nothing came from. Raises StaleEdit, NotHere, or ImpossibleMove when something did."""
    sources = Source.objects.in_workspace(workspace.id)
    guarded_update(sources, source_id, version, {})
    for model in (Delivery, SourceDay, ItemSource, MetricSource):
        if model._default_manager.filter(source_id=source_id).exists():
            raise ImpossibleMove("Facts came from this source; they would lose where they are from.")
    sources.filter(pk=source_id).delete()


@transaction.atomic
def rotate_secret(
    *,
    workspace: Workspace,
    by: Actor,
    source_id: int,
    version: int | None = None,
    overlap: timedelta = ROTATION_OVERLAP,
) -> tuple[Source, str]:
    """Give a source a new secret; those before it hold for `overlap` more (0 ends them at once).

    Returns the source and the secret, told here and never again. Raises StaleEdit or NotHere.
    """
    sources = Source.objects.in_workspace(workspace.id)
    guarded_update(sources, source_id, version, {})
    source = sources.get(pk=source_id)
    end = timezone.now() + overlap
    still_valid = Q(expires_at=None) | Q(expires_at__gt=end)
    SourceSecret.objects.in_workspace(workspace.id).filter(still_valid, source=source).update(expires_at=end)
    secret = new_secret(source.kind)
    SourceSecret.objects.create(workspace=workspace, source=source, secret=secret)
    return source, secret


@transaction.atomic
def revoke_old_secrets(*, workspace: Workspace, by: Actor, source_id: int, version: int | None = None) -> int:
    """End every secret of a source but the newest, now; return how many were ended.

    Raises StaleEdit, NotHere, or ImpossibleMove when there is none but the newest.
    """
    guarded_update(Source.objects.in_workspace(workspace.id), source_id, version, {})
    now = timezone.now()
    held = SourceSecret.objects.in_workspace(workspace.id).valid_at(now).filter(source_id=source_id)
    newest = held.order_by("-created_at", "-id").first()
    if newest is None or not (ended := held.exclude(pk=newest.pk).update(expires_at=now)):
        raise ImpossibleMove("Only the newest secret is valid.")
    return ended


def problems_with_source(fields: Mapping[str, Any]) -> list[Complaint]:
    """Return the complaints about those fields of a source that are given."""
    complaints = []
    if "key" in fields and not is_key(fields["key"]):
        detail = "A key is letters, digits, - and _, not all digits and not the word bulk."
        complaints.append(Complaint("key", "invalid", detail))
    if "name" in fields and not fields["name"]:
        complaints.append(Complaint("name", "blank", "A source has a name."))
    for field, allowed in (("kind", SOURCE_KINDS), ("cadence", CADENCES)):
        if field in fields and fields[field] not in allowed:
            complaints.append(Complaint(field, "invalid_choice", f"Must be one of {', '.join(allowed)}."))
    return complaints
