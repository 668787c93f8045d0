from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from productops.workspaces.complaints import Refused
from productops.workspaces.keys import KeyRefused, find_key, issue_key, note_use
from productops.workspaces.models import ApiKey
from tests.callers import Caller
from tests.factories import a_key, a_workspace

pytestmark = pytest.mark.django_db


def test_a_key_opens_its_own_workspace() -> None:
    key, plain_text = a_key(a_workspace(key="acme"))
    assert plain_text.startswith(f"po_{key.public_id}_")
    assert find_key(plain_text).workspace.key == "acme"


def test_the_secret_is_stored_only_as_a_hash() -> None:
    key, plain_text = a_key(a_workspace())
    secret = plain_text.split("_")[2]
    assert secret not in str(ApiKey.objects.values().get(pk=key.pk))


@pytest.mark.parametrize(
    "text",
    ["", "po", "po_", "po__", "po_x", "po_x_", "po_\x00_y", "po_ä_ö", "sk_a_b", "po_a_b" * 99, "po_a_\udc80"],
)
def test_junk_is_not_a_key(text: str) -> None:
    with pytest.raises(KeyRefused):
        find_key(text)


def test_a_wrong_secret_is_refused() -> None:
    _, plain_text = a_key(a_workspace())
    with pytest.raises(KeyRefused):
        find_key(plain_text[:-1] + ("0" if plain_text[-1] != "0" else "1"))


def test_an_expired_key_is_refused() -> None:
    _, plain_text = a_key(a_workspace(), expires_at=timezone.now() + timedelta(hours=1))
    with time_machine.travel(timezone.now() + timedelta(hours=2)), pytest.raises(KeyRefused):
        find_key(plain_text)


def test_a_key_that_would_have_expired_already_is_not_issued() -> None:
    with pytest.raises(Refused, match="expired"):
        issue_key(a_workspace(), "late", ["ingest"], expires_at=timezone.now())


def test_a_key_needs_a_name_and_known_scopes() -> None:
    with pytest.raises(Refused) as refused:
        issue_key(a_workspace(), " ", ["everything"])
    assert {complaint.field for complaint in refused.value.complaints} == {"name", "scopes"}


def test_use_is_noted_once_a_minute(django_assert_num_queries) -> None:
    key, plain_text = a_key(a_workspace())
    note_use(key)
    again = find_key(plain_text)
    with django_assert_num_queries(0):
        note_use(again)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        note_use(again)
    assert ApiKey.objects.get(pk=key.pk).last_used_at > again.last_used_at


def test_an_administrator_issues_a_key_that_is_shown_once() -> None:
    admin = Caller(a_workspace())
    made = admin.post("api-keys/", {"name": "CI", "scopes": ["ingest"]})
    assert made.status_code == 201
    plain_text = made.json()["key"]
    assert find_key(plain_text).scopes == ["ingest"]
    assert "key" not in admin.get(f"api-keys/{made.json()['id']}/").json()


def test_a_revoked_key_is_shut_out_at_once() -> None:
    workspace = a_workspace()
    key, plain_text = a_key(workspace)
    other = Caller(Authorization=f"Bearer {plain_text}")
    assert other.get("items/").status_code == 200
    assert Caller(workspace).post(f"api-keys/{key.pk}/revoke/").status_code == 200
    assert other.get("items/").status_code == 401


def test_a_key_cannot_revoke_itself() -> None:
    key, plain_text = a_key(a_workspace())
    caller = Caller(Authorization=f"Bearer {plain_text}")
    assert caller.post(f"api-keys/{key.pk}/revoke/").status_code == 403
    assert caller.get("items/").status_code == 200


def test_an_editor_s_key_cannot_see_keys() -> None:
    caller = Caller(a_workspace(), ["roadmap:read", "roadmap:write"])
    assert caller.get("api-keys/").status_code == 403
    assert caller.post("api-keys/", {"name": "mine", "scopes": ["admin"]}).status_code == 403
