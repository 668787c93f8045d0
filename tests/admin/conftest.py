"""The people of the admin's tests: Ada runs the workspace, Eve edits, Vic looks; Olga works elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from productops.workspaces.models import User, Workspace
from tests.admin.browsing import browser, page, said
from tests.admin.furnishing import Furniture, furnish
from tests.factories import a_member, a_person, a_workspace

__all__ = ["browser", "page", "said"]


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """A real hash costs most of a second, by design; no test here is about it."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page leaves out what takes too long, which on a busy machine may be anything."""
    monkeypatch.setattr("outcomes.admin.insights.tiles._PATIENCE_SECONDS", 600.0)


@pytest.fixture
def workspace(db: None) -> Workspace:
    return a_workspace(name="Acme")


@pytest.fixture
def own(workspace: Workspace) -> Furniture:
    return furnish(workspace, "Ours")


@pytest.fixture
def foreign(db: None) -> Furniture:
    return furnish(a_workspace(name="Globex"), "Theirs")


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def person_in(workspace: Workspace, role: str, username: str) -> User:
    person = a_person(username=username, is_staff=True)
    a_member(workspace, role, person)
    return person


@pytest.fixture
def ada(workspace: Workspace) -> Client:
    """An admin of the workspace."""
    return signed_in(person_in(workspace, "admin", "ada"))


@pytest.fixture
def eve(workspace: Workspace) -> Client:
    """An editor of the workspace."""
    return signed_in(person_in(workspace, "editor", "eve"))


@pytest.fixture
def vic(workspace: Workspace) -> Client:
    """A viewer of the workspace."""
    return signed_in(person_in(workspace, "viewer", "vic"))


@pytest.fixture
def olga(db: None) -> Client:
    """An admin of another workspace, with nothing to do here."""
    return signed_in(person_in(a_workspace(name="Elsewhere"), "admin", "olga"))


@pytest.fixture
def root(db: None) -> Client:
    """A superuser who is nobody's member."""
    return signed_in(a_person(username="root", is_staff=True, is_superuser=True))
