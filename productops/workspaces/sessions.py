"""Sessions in the database, found together with the person and their memberships.

Named by the setting SESSION_ENGINE. What is signed out, expired or of somebody inactive opens nothing with the next
request: every request asks.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.sessions.backends import db
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from productops.workspaces.models import Member, Session, User


class SessionStore(db.SessionStore):
    """Django's own, whose rows say whose they are."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        assert isinstance(row, Session)
        row.user_id = data.get(SESSION_KEY)
        return row


def members_of_session(request: HttpRequest, members: QuerySet[Member]) -> list[Member]:
    """Up to two of these memberships that are of whoever's session the request carries, read in one question.

    Then the request has its session and its person, too, and nobody asks for them again. Empty when there are no
    such memberships or anything about the session is amiss: Django's own way, question by question, tells what.
    """
    session: Any = request.session
    if session.session_key is None or hasattr(session, "_session_cache") or hasattr(request, "_cached_user"):
        return []
    found: list[Any] = list(
        members.filter(
            user__sessions__session_key=session.session_key, user__sessions__expire_date__gt=timezone.now()
        )
        .select_related("workspace", "user")
        .annotate(session_data=F("user__sessions__session_data"))[:2]
    )
    told = session.decode(found[0].session_data) if found else {}
    if not found or not _stands(told, found[0].user):
        return []
    # What reads a session says that its answer is this browser's alone.
    session._session_cache, session.accessed = told, True
    request._cached_user = found[0].user  # type: ignore[attr-defined]
    return found


def _stands(told: dict[str, Any], user: User) -> bool:
    """Whether the session is the person's, as `django.contrib.auth.get_user` asks."""
    named = told.get(BACKEND_SESSION_KEY, "")
    if named not in settings.AUTHENTICATION_BACKENDS:
        return False
    backend: Any = load_backend(named)
    return (
        told.get(SESSION_KEY) == str(user.pk)
        and backend.user_can_authenticate(user)
        and constant_time_compare(told.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )
