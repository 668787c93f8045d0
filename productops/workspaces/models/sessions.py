from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from productops.workspaces.models.people import User


class Session(AbstractBaseSession):
    """A browser's session, which says whose it is: one question finds it with the person and where they belong."""

    # Null while nobody has signed in.
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")

    @classmethod
    def get_session_store_class(cls) -> type:
        store: type = import_module(settings.SESSION_ENGINE).SessionStore
        return store
