"""API keys: `po_<id>_<secret>`, of which only the id and the SHA-256 of the secret are kept.

A fast hash is right here: the secret is 192 random bits, so there is nothing to guess, and a slow one would
cost most of a second on every request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.models import ApiKey, Workspace
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.versions import NotHere

PREFIX = "po"
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class KeyRefused(Exception):
    """The text is not a key that is in force. Why is not said: unknown, wrong, expired and revoked look alike."""


class KeyRevokesItself(Exception):
    """A key cannot revoke itself: the last key would lock the door behind it."""


def issue_key(
    workspace: Workspace,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    by: Actor | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its plain text, which is shown this once and cannot be read again.

    Raises Refused for a blank name, an unknown scope or no scope at all, or an expiry in the past.
    """
    wanted = sorted(set(scopes))
    _refuse_bad_key(name, wanted, expires_at)
    public_id, secret = secrets.token_hex(8), secrets.token_hex(24)
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name.strip(),
        public_id=public_id,
        secret_hash=_hash(secret),
        scopes=wanted,
        expires_at=expires_at,
        created_by_id=by.user_id if by else None,
    )
    return key, f"{PREFIX}_{public_id}_{secret}"


def find_key(plain_text: str) -> ApiKey:
    """Return the key in force that this text is, with its workspace; raises KeyRefused."""
    prefix, _, rest = plain_text.partition("_")
    public_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not public_id.isalnum() or not secret or len(plain_text) > 200:
        raise KeyRefused
    key = ApiKey.objects.select_related("workspace").filter(public_id=public_id).first()
    # Compared even when there is no such key, so that time does not tell which ids exist.
    expected = key.secret_hash if key else "0" * 64
    is_right = hmac.compare_digest(_hash(secret).encode(), expected.encode())
    if key is None or not is_right or not is_in_force(key):
        raise KeyRefused
    return key


def is_in_force(key: ApiKey, now: datetime | None = None) -> bool:
    """Whether the key opens anything: neither revoked nor expired. Keys expire by the wall clock."""
    if key.revoked_at is not None:
        return False
    return key.expires_at is None or key.expires_at > (now or timezone.now())


def note_use(key: ApiKey) -> None:
    """Remember that the key was used, at most once a minute: a write per request would cost more than it tells."""
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at > now - USE_IS_NOTED_EVERY:
        return
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
    ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def revoke_key(*, workspace: Workspace, key_id: int, by_key: ApiKey | None) -> ApiKey:
    """Revoke a key at once; revoking twice changes nothing. Raises NotHere and KeyRevokesItself."""
    key = ApiKey.objects.in_workspace(workspace.id).filter(pk=key_id).first()
    if key is None:
        raise NotHere
    if by_key is not None and by_key.pk == key.pk:
        raise KeyRevokesItself
    now = timezone.now()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        key.revoked_at = now
    return key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_bad_key(name: str, scopes: list[str], expires_at: datetime | None) -> None:
    complaints = []
    if not name.strip():
        complaints.append(
            Complaint("name", "blank", "A key needs a name, so that it can be told from others.")
        )
    if not scopes:
        complaints.append(Complaint("scopes", "required", "A key needs at least one scope."))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        detail = f"Unknown: {', '.join(unknown)}. The scopes are {', '.join(SCOPES)}."
        complaints.append(Complaint("scopes", "invalid_choice", detail))
    complaints += problems_with_expiry(expires_at)
    if complaints:
        raise Refused(complaints)


def problems_with_expiry(expires_at: datetime | None) -> list[Complaint]:
    """Return the complaint about the end of a new key that is over; None is never."""
    if expires_at is None or expires_at > timezone.now():
        return []
    return [Complaint("expires_at", "in_the_past", "The key would have expired already.")]
