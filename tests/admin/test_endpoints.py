"""Endpoints in the admin: set up by administrators, tried by a button, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from outcomes.models import Endpoint, Notice
from tests.admin.furnishing import Furniture
from tests.admin.test_pages import add_of, list_of, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(own: Furniture) -> Endpoint:
    return Endpoint.objects.get(workspace=own.workspace)


def press(client: Client, row: Any, name: str, **data: str) -> str:
    """Press a button on a row's page and return the page that it leads to."""
    kind = type(row)._meta.model_name
    version = str(getattr(row, "version", ""))
    url = reverse(f"admin:outcomes_{kind}_act", args=[row.pk, name])
    answer = client.post(url, {"version": version, "next": page_of(row), **data}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_administrator_registers_one_and_is_told_its_secret_once(ada: Client, own: Furniture) -> None:
    said = {
        "name": "Ours",
        "channel": "webhook",
        "url": "https://hooks.example.com/path",
        "email": "",
        "events": ["flag.opened", "flag.resolved"],
        "value_threshold": "5",
        "owner": "",
        "seen_workspace": own.workspace.pk,
    }
    answer = ada.post(add_of(Endpoint), said, follow=True)
    assert "whsec_" in answer.content.decode()
    made = Endpoint.objects.get(name="Ours")
    assert (made.events, made.host) == (["flag.opened", "flag.resolved"], "hooks.example.com")
    assert "whsec_" not in ada.get(page_of(made)).content.decode()


def test_what_cannot_be_is_said_at_its_field(ada: Client, own: Furniture) -> None:
    said = {"name": "Ours", "channel": "webhook", "url": "http://127.0.0.1/", "events": ["flag.opened"]}
    said |= {"value_threshold": "5", "seen_workspace": str(own.workspace.pk)}
    text = ada.post(add_of(Endpoint), said).content.decode()
    assert "Webhooks do not go to this address" in text
    assert not Endpoint.objects.filter(name="Ours").exists()


def test_the_page_shows_the_newest_attempts(ada: Client, endpoint: Endpoint) -> None:
    text = ada.get(page_of(endpoint)).content.decode()
    assert "Newest attempts" in text
    assert "status: 500" in text
    assert "Internal Server Error" in text


def test_buttons_try_rotate_disable_and_enable(ada: Client, endpoint: Endpoint) -> None:
    assert "A test is on its way" in press(ada, endpoint, "try")
    assert Notice.objects.filter(endpoint=endpoint, state="pending").count() == 1
    assert "whsec_" in press(ada, endpoint, "rotate")
    endpoint.refresh_from_db()
    assert "is disabled" in press(ada, endpoint, "disable")
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "by_hand"
    assert "is enabled" in press(ada, endpoint, "enable")


def test_a_notice_is_sent_again_by_a_button(ada: Client, endpoint: Endpoint) -> None:
    failed = Notice.objects.get(endpoint=endpoint, state="failed")
    assert "on its way again" in press(ada, failed, "redeliver")
    failed.refresh_from_db()
    assert failed.state == "pending"
    assert "redeliver" not in ada.get(page_of(failed)).content.decode()


def test_who_is_no_administrator_sees_the_host_alone_and_no_button(
    eve: Client, vic: Client, own: Furniture, endpoint: Endpoint
) -> None:
    for client in (eve, vic):
        text = client.get(page_of(endpoint)).content.decode()
        assert endpoint.host in text
        assert endpoint.url not in text
        assert "Internal Server Error" not in text
        assert "/act/" not in text
        assert client.get(list_of(Endpoint)).status_code == 200
        assert client.get(add_of(Endpoint)).status_code == 403
