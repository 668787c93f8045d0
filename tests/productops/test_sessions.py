"""Signing in from a browser frontend, with CSRF as a browser meets it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.utils import timezone

from productops.workspaces import sign_in
from productops.workspaces.models import Invitation, Member, Session, User
from tests.callers import Caller, SignedIn, pointers
from tests.factories import a_member, a_person, a_workspace

pytestmark = pytest.mark.django_db
PASSWORD = "open sesame"  # that of every person of the factories


@pytest.fixture(autouse=True)
def _forgetful_and_quick(settings, monkeypatch) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    # A person waits for Redis half a second at most and then goes uncounted; one of these is about the count.
    monkeypatch.setattr(sign_in, "_PATIENCE_S", 60.0)
    sign_in._redis.cache_clear()
    client = sign_in._redis()
    if names := list(client.scan_iter("productops:sign-in:*", count=1000)):
        client.delete(*names)
    yield
    sign_in._redis.cache_clear()


class Browser(Caller):
    """Keeps cookies, and sends the CSRF token that it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        self.look()

    def look(self) -> dict:
        body = self.get("session/").json()
        self.headers = {**self.headers, "X-CSRFToken": body["csrf_token"]}
        return body

    def sign_in(self, username: str, password: str = PASSWORD):
        answer = self.post("session/", {"username": username, "password": password})
        if answer.status_code == 200:
            self.headers = {**self.headers, "X-CSRFToken": answer.json()["csrf_token"]}
        return answer

    def sign_out(self):
        return self.client.delete("/api/v1/session/", headers=self.headers)


def test_nobody_is_an_answer_and_comes_with_a_token() -> None:
    answer = Client().get("/api/v1/session/")
    assert (answer.status_code, answer.json()["person"], answer.json()["memberships"]) == (200, None, [])
    assert len(answer.json()["csrf_token"]) == 64
    assert answer["Cache-Control"] == "no-store"
    assert "csrftoken" in answer.cookies


def test_a_person_signs_in_works_and_signs_out() -> None:
    workspace = a_workspace(key="acme", name="Acme")
    member = a_member(workspace, "editor")
    browser = Browser()
    body = browser.sign_in(member.user.username).json()
    assert body["person"]["username"] == member.user.username
    assert body["memberships"][0]["workspace"] == {"id": workspace.pk, "key": "acme", "name": "Acme"}
    assert (body["memberships"][0]["role"], body["memberships"][0]["id"]) == ("editor", member.pk)
    assert "roadmap:write" in body["memberships"][0]["scopes"]
    assert "admin" not in body["memberships"][0]["scopes"]
    assert browser.post("problems/", {"title": "Slow"}).status_code == 201
    assert browser.look()["person"]["id"] == member.user_id
    assert browser.sign_out().status_code == 204
    assert browser.look()["person"] is None
    assert browser.get("problems/").status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_answered_alike() -> None:
    person = a_person()
    answers = [Browser().sign_in(person.username, "guess"), Browser().sign_in("nobody", "guess")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert answers[0]["Content-Type"] == "application/problem+json"


def test_somebody_who_was_made_inactive_cannot_sign_in() -> None:
    person = a_person(is_active=False)
    assert Browser().sign_in(person.username).status_code == 401


def test_signing_in_without_the_token_is_refused() -> None:
    person = a_person()
    bare = Caller()
    bare.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    refused = bare.post("session/", {"username": person.username, "password": PASSWORD})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:productops:problem:csrf")
    browser = Browser()
    browser.sign_in(person.username)
    browser.headers = {}
    assert browser.sign_out().status_code == 403
    assert browser.get("session/").json()["person"] is not None


def test_the_session_s_name_changes_at_sign_in() -> None:
    person = a_person()
    browser = Browser()
    browser.sign_in(person.username)
    first = browser.client.cookies["sessionid"].value
    browser.sign_in(person.username)
    assert browser.client.cookies["sessionid"].value != first


def test_guessing_is_stopped_before_anything_is_hashed(monkeypatch) -> None:
    person = a_person()
    browser = Browser()
    for _ in range(10):
        assert browser.sign_in(person.username, "guess").status_code == 401

    def hash_it(*args, **kwargs):
        raise AssertionError("a password was looked at")

    monkeypatch.setattr("productops.workspaces.sign_in.authenticate", hash_it)
    stopped = browser.sign_in(person.username)
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "900")
    assert stopped.json()["type"] == "urn:productops:problem:too_many_attempts"


def test_a_body_that_is_not_credentials_is_400() -> None:
    browser = Browser()
    answer = browser.post("session/", {"user": "x"})
    assert (answer.status_code, pointers(answer)) == (400, {"/user", "/username", "/password"})
    answer = browser.post("session/", {"username": "x"})
    assert (answer.status_code, pointers(answer)) == (400, {"/password"})


def test_a_person_sees_their_workspaces_and_no_others() -> None:
    person = a_person()
    for name in ("Beta", "Alpha"):
        a_member(a_workspace(name=name), "viewer", person)
    a_workspace(name="Theirs")
    browser = Browser()
    assert browser.get("workspaces/").status_code == 401
    browser.sign_in(person.username)
    assert [row["workspace"]["name"] for row in browser.get("workspaces/").json()] == ["Alpha", "Beta"]


def test_a_key_is_not_a_person() -> None:
    caller = Caller(a_workspace())
    assert caller.get("session/").json()["person"] is None
    assert caller.get("workspaces/").status_code == 401


# --- Invitations ----------------------------------------------------------------------------------------


def invited(workspace, role: str = "editor", email: str = "Grace@Example.com") -> tuple[int, str]:
    answer = Caller(workspace).post("invitations/", {"email": email, "role": role})
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    return answer.json()["id"], answer.json()["token"]


NEW = {"name": "Grace Hopper", "password": "nanoseconds of wire"}


def test_somebody_new_is_invited_accepts_and_signs_in() -> None:
    workspace = a_workspace(key="acme")
    _, token = invited(workspace)
    assert token not in str(Invitation.objects.values().get())
    browser = Browser()
    answer = browser.post("invitations/accept/", {"token": token, **NEW})
    assert (answer.status_code, answer.json()["role"]) == (201, "editor")
    assert answer.json()["workspace"]["key"] == "acme"
    person = User.objects.get(username="grace@example.com")
    assert person.get_full_name() == "Grace Hopper"
    assert browser.sign_in("grace@example.com", NEW["password"]).status_code == 200


def test_a_token_is_good_once() -> None:
    _, token = invited(a_workspace())
    assert Browser().post("invitations/accept/", {"token": token, **NEW}).status_code == 201
    again = Browser().post("invitations/accept/", {"token": token, **NEW})
    unknown = Browser().post("invitations/accept/", {"token": "unknown", **NEW})
    assert (again.status_code, again.json()["detail"]) == (404, unknown.json()["detail"])


def test_an_invitation_ends_after_a_week() -> None:
    _, token = invited(a_workspace())
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert Browser().post("invitations/accept/", {"token": token, **NEW}).status_code == 404


def test_a_withdrawn_or_replaced_invitation_opens_nothing() -> None:
    workspace = a_workspace()
    first, token = invited(workspace)
    _, newer = invited(workspace)
    assert Browser().post("invitations/accept/", {"token": token, **NEW}).status_code == 404
    admin = Caller(workspace)
    assert admin.get(f"invitations/{first}/").status_code == 404
    second = admin.get("invitations/").json()["results"][0]["id"]
    assert admin.delete(f"invitations/{second}/").status_code == 204
    assert Browser().post("invitations/accept/", {"token": newer, **NEW}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_password_is_hashed_while_nothing_is_locked(monkeypatch) -> None:
    _, token = invited(a_workspace())

    def hash_it(password: str) -> str:
        assert not connection.in_atomic_block
        return make_password(password)

    monkeypatch.setattr("productops.workspaces.people.make_password", hash_it)
    assert Browser().post("invitations/accept/", {"token": token, **NEW}).status_code == 201


def test_somebody_with_an_account_signs_in_and_then_accepts() -> None:
    person = a_person(email="grace@example.com")
    workspace = a_workspace()
    _, token = invited(workspace)
    browser = Browser()
    refused = browser.post("invitations/accept/", {"token": token, **NEW})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:productops:problem:sign_in_first")
    browser.sign_in(person.username)
    assert browser.post("invitations/accept/", {"token": token}).status_code == 201
    assert Member.objects.get(user=person).workspace_id == workspace.pk
    assert User.objects.count() == 1


def test_another_site_cannot_accept_for_a_person() -> None:
    person = a_person()
    _, token = invited(a_workspace())
    browser = Browser()
    browser.sign_in(person.username)
    browser.headers = {}
    assert browser.post("invitations/accept/", {"token": token}).status_code == 403


def test_accepting_never_lowers_a_role() -> None:
    workspace = a_workspace()
    admin = a_member(workspace, "admin")
    _, token = invited(workspace, "viewer")
    browser = Browser()
    browser.sign_in(admin.user.username)
    assert browser.post("invitations/accept/", {"token": token}).json()["role"] == "admin"


def test_a_weak_password_is_refused_with_its_reasons() -> None:
    _, token = invited(a_workspace())
    answer = Browser().post("invitations/accept/", {"token": token, "name": "G", "password": "1234"})
    assert (answer.status_code, pointers(answer)) == (400, {"/password"})
    assert Browser().post("invitations/accept/", {"token": token}).status_code == 400
    assert Browser().post("invitations/accept/", {"token": token, **NEW}).status_code == 201


def test_a_member_is_not_invited_again() -> None:
    workspace = a_workspace()
    a_member(workspace, "viewer", a_person(email="grace@example.com"))
    answer = Caller(workspace).post("invitations/", {"email": "grace@example.com", "role": "admin"})
    assert (answer.status_code, pointers(answer)) == (409, {"/email"})


@pytest.mark.parametrize("email", ["", "grace", "grace@", "x" * 250 + "@example.com", 7])
def test_an_address_has_to_be_one(email: object) -> None:
    answer = Caller(a_workspace()).post("invitations/", {"email": email, "role": "viewer"})
    assert (answer.status_code, pointers(answer)) == (400, {"/email"})


# --- Members --------------------------------------------------------------------------------------------


def test_an_admin_changes_a_role_and_removes_a_member() -> None:
    workspace = a_workspace()
    a_member(workspace, "admin")
    member = a_member(workspace, "viewer")
    admin = Caller(workspace)
    assert admin.patch(f"members/{member.pk}/", {"role": "editor"}).json()["role"] == "editor"
    assert admin.patch(f"members/{member.pk}/", {"role": "viewer"}, match='"1"').status_code == 412
    assert admin.delete(f"members/{member.pk}/").status_code == 204
    assert User.objects.filter(pk=member.user_id).exists()


def test_a_workspace_keeps_its_last_admin() -> None:
    workspace = a_workspace()
    last = a_member(workspace, "admin")
    a_member(workspace, "admin", a_person(is_active=False))
    admin = Caller(workspace)
    for answer in (
        admin.patch(f"members/{last.pk}/", {"role": "viewer"}),
        admin.delete(f"members/{last.pk}/"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "last_admin")
    a_member(workspace, "admin")
    assert admin.patch(f"members/{last.pk}/", {"role": "viewer"}).status_code == 200


def test_who_was_removed_is_out_at_once() -> None:
    workspace = a_workspace()
    a_member(workspace, "admin")
    member = a_member(workspace, "editor")
    browser = Browser()
    browser.sign_in(member.user.username)
    assert browser.get("items/").status_code == 200
    Caller(workspace).delete(f"members/{member.pk}/")
    assert browser.get("items/").status_code == 403


def test_addresses_are_shown_to_admins_alone() -> None:
    workspace = a_workspace()
    member = a_member(workspace, "viewer", a_person(email="grace@example.com"))
    path = f"members/{member.pk}/"
    assert Caller(workspace).get(path).json()["email"] == "grace@example.com"
    assert Caller(workspace, ["roadmap:read"]).get(path).json()["email"] is None


def sign_out_elsewhere(member: Member) -> None:
    Session.objects.filter(user=member.user).delete()


def leave(member: Member) -> None:
    member.delete()


def grow_old(member: Member) -> None:
    Session.objects.filter(user=member.user).update(expire_date=timezone.now())


def be_dismissed(member: Member) -> None:
    User.objects.filter(pk=member.user_id).update(is_active=False)


def change_the_password(member: Member) -> None:
    User.objects.filter(pk=member.user_id).update(password="other")


def be_deleted(member: Member) -> None:
    member.user.delete()


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (sign_out_elsewhere, 401),
        (grow_old, 401),
        (be_dismissed, 401),
        (change_the_password, 401),
        (be_deleted, 401),
        (leave, 403),
    ],
)
def test_what_ends_a_session_ends_it_with_the_next_request(happens, status) -> None:
    member = a_member(a_workspace())
    browser = SignedIn(member.user)
    assert browser.get("items/").status_code == 200
    happens(member)
    assert browser.get("items/").status_code == status


def test_a_role_that_was_changed_counts_with_the_next_request() -> None:
    member = a_member(a_workspace(), role="admin")
    browser = SignedIn(member.user)
    assert browser.get("api-keys/").status_code == 200
    Member.objects.filter(pk=member.pk).update(role="viewer")
    assert browser.get("api-keys/").status_code == 403


def test_an_answer_to_a_person_is_not_kept_for_another() -> None:
    assert "Cookie" in SignedIn(a_member(a_workspace()).user).get("items/")["Vary"]


def test_a_session_that_somebody_tampered_with_is_nobody_s() -> None:
    member = a_member(a_workspace())
    browser = SignedIn(member.user)
    other = SignedIn(a_member(a_workspace()).user)
    mine, theirs = (who.client.session.session_key for who in (browser, other))
    data = Session.objects.get(session_key=theirs).session_data
    Session.objects.filter(session_key=mine).update(session_data=data[:-3] + "xyz")
    assert browser.get("items/").status_code == 401
