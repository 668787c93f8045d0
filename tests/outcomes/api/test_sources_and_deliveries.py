"""Sources with their health and secrets, deliveries with their bodies, and replays."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outcomes.models import Delivery, Flag, SourceSecret
from outcomes.pipeline import settle
from tests.callers import Caller
from tests.factories import a_delivery, a_flag, a_source, a_workspace
from tests.outcomes.api.sending import Vendor, basic

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor() -> Vendor:
    return Vendor("segment")


@pytest.fixture
def pm(vendor: Vendor) -> Caller:
    return Caller(vendor.workspace)


def sent(vendor: Vendor, name: str = "Cart Saved") -> Delivery:
    call = {"type": "track", "event": name, "userId": "ann", "timestamp": "2026-05-01T10:00:00Z"}
    body = {**call, "writeKey": vendor.secret}
    assert vendor.send("POST", "/v1/track", body, Authorization=basic(vendor.secret)).status_code == 200
    return Delivery.objects.latest("id")


# --- health ----------------------------------------------------------------------------------------------


def test_a_source_tells_when_it_was_last_heard_and_how_much_was_refused(vendor: Vendor, pm: Caller) -> None:
    assert pm.get("sources/segment/").json()["health"]["refused_share"] is None
    vendor.rule("name == 'Cart Saved'")
    sent(vendor)
    sent(vendor, "Nobody Knows")
    vendor.settle()
    health = pm.get("sources/segment/").json()["health"]
    assert health["refused_share"] == 0.5
    assert health["last_delivery_at"] == health["last_refused_at"]
    assert (health["state"], health["waiting"], health["set_aside"]) == ("silent", 0, 0)


def test_what_was_refused_the_day_before_yesterday_is_no_news(pm: Caller, vendor: Vendor) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    a_delivery(vendor.source, state="partial", taken=1, refused=9, received_at=long_ago)
    health = pm.get("sources/segment/").json()["health"]
    assert health["refused_share"] is None
    assert health["last_refused_at"] is not None


def test_a_delivery_that_could_not_be_read_counts_as_one_refusal(pm: Caller, vendor: Vendor) -> None:
    for state, taken in (("failed", 0), ("done", 3)):
        a_delivery(vendor.source, state=state, taken=taken, received_at=timezone.now())
    assert pm.get("sources/segment/").json()["health"]["refused_share"] == 0.25


def test_a_stale_flag_shows_until_it_is_resolved(pm: Caller, vendor: Vendor) -> None:
    a_flag(vendor.source, reason="stale_source")
    assert pm.get("sources/segment/").json()["health"]["has_stale_flag"] is True
    Flag.objects.update(state="resolved", resolved_on="2026-01-03")
    assert pm.get("sources/segment/").json()["health"]["has_stale_flag"] is False


# --- secrets ----------------------------------------------------------------------------------------------


def test_secrets_overlap_and_the_old_one_is_revoked(pm: Caller, vendor: Vendor) -> None:
    answer = pm.post("sources/segment/rotate-secret/", {"overlap_hours": 48})
    held = answer.json()["secrets"]
    assert [one["expires_at"] is None for one in held] == [True, False]
    assert "secret" not in held[0]
    assert vendor.send("POST", "/v1/track", {}, Authorization=basic(vendor.secret)).status_code == 200
    assert len(pm.post("sources/segment/revoke-old-secrets/").json()["secrets"]) == 1
    late = {"type": "track", "event": "Too Late", "userId": "u"}
    assert vendor.send("POST", "/v1/track", late, Authorization=basic(vendor.secret)).status_code == 401
    new = answer.json()["secret"]
    assert vendor.send("POST", "/v1/track", {}, Authorization=basic(new)).status_code == 200
    assert pm.post("sources/segment/revoke-old-secrets/").status_code == 409


def test_an_editor_revokes_no_secret(vendor: Vendor) -> None:
    erin = Caller(vendor.workspace, ["outcomes:read", "outcomes:write"])
    assert erin.post("sources/segment/revoke-old-secrets/").status_code == 403
    assert SourceSecret.objects.valid_at(timezone.now()).count() == 1


# --- bodies -----------------------------------------------------------------------------------------------


def test_a_stored_body_is_shown_to_an_administrator_without_its_key(vendor: Vendor, pm: Caller) -> None:
    delivery = sent(vendor)
    told = pm.get(f"deliveries/{delivery.pk}/?expand=body").json()["body"]
    assert json.loads(told["text"])["writeKey"] == "***"
    assert (told["encoding"], told["is_cut"]) == ("utf-8", False)
    assert "body" not in pm.get(f"deliveries/{delivery.pk}/").json()
    listed = pm.get("deliveries/?expand=body").json()["results"][0]["body"]
    assert listed == told


def test_a_stored_body_is_not_shown_to_a_reader(vendor: Vendor) -> None:
    delivery = sent(vendor)
    reader = Caller(vendor.workspace, ["outcomes:read"])
    assert reader.get(f"deliveries/{delivery.pk}/").status_code == 200
    assert reader.get(f"deliveries/{delivery.pk}/?expand=body").status_code == 403


@pytest.mark.parametrize(
    ("body", "text", "encoding"),
    [
        (b"\xff\xfe", "//4=", "base64"),
        (b"a\x00b", "YQBi", "base64"),
        ("ä".encode(), "ä", "utf-8"),
        (None, None, "utf-8"),
    ],
)
def test_what_is_no_text_is_shown_as_base64_and_what_is_gone_as_nothing(
    pm: Caller, vendor: Vendor, body: bytes | None, text: str | None, encoding: str
) -> None:
    delivery = a_delivery(vendor.source, body=body, body_bytes=len(body or b""))
    told = pm.get(f"deliveries/{delivery.pk}/?expand=body").json()["body"]
    assert told == {"text": text, "encoding": encoding, "is_cut": False}


def test_of_a_large_body_the_beginning_is_shown_and_no_half_character(pm: Caller, vendor: Vendor) -> None:
    body = ("x" + "ä" * 200_000).encode()
    delivery = a_delivery(vendor.source, body=body, body_bytes=len(body))
    told = pm.get(f"deliveries/{delivery.pk}/?expand=body").json()["body"]
    assert told["is_cut"] is True
    assert told["text"] == "x" + "ä" * (len(told["text"]) - 1)


# --- lists and replays -------------------------------------------------------------------------------------


def test_deliveries_are_found_by_the_beginning_of_their_id_and_by_what_was_refused(
    pm: Caller, vendor: Vendor
) -> None:
    a_delivery(vendor.source, external_id="order-1", refused=1, state="partial")
    a_delivery(vendor.source, external_id="order-2")
    a_delivery(vendor.source, external_id="cart-1")

    def found(query: str) -> list[str]:
        return [row["external_id"] for row in pm.get(f"deliveries/?ordering=id&{query}").json()["results"]]

    assert found("search=ORDER") == ["order-1", "order-2"]
    assert found("has_refused=true") == ["order-1"]
    assert found("has_refused=false&search=order") == ["order-2"]


def test_a_source_is_read_again_and_tells_how_far_it_has_come(pm: Caller, vendor: Vendor) -> None:
    sent(vendor)
    vendor.settle()
    vendor.rule("name == 'Cart Saved'")
    answer = pm.post("sources/segment/replay/")
    assert (answer.status_code, answer.json()["done"], answer.json()["is_finished"]) == (202, 0, False)
    assert pm.post("sources/segment/replay/").status_code == 409
    settle.settle_all(120)
    path = answer["Location"].partition("/api/v1/")[2]
    told = pm.get(path).json()
    assert (told["done"], told["total"], told["is_finished"]) == (1, 1, True)
    assert [row["id"] for row in pm.get("replays/?source=segment&is_finished=true").json()["results"]] == [
        told["id"]
    ]
    assert len(pm.get(f"deliveries/?replay={told['id']}").json()["results"]) == 1
    assert vendor.uses() == ["2026-05-01"]


def test_replays_of_another_workspace_are_not_there(pm: Caller) -> None:
    other = a_source(a_workspace(), kind="segment")
    stranger = Caller(other.workspace)
    replay = stranger.post(f"sources/{other.key}/replay/").json()
    assert pm.get(f"replays/{replay['id']}/").status_code == 404
    assert pm.get(f"deliveries/?replay={replay['id']}").status_code == 400
    assert pm.post(f"sources/{other.pk}/replay/").status_code == 404
    assert pm.get("replays/").json()["results"] == []


def test_the_list_of_sources_costs_the_same_however_many_there_are(pm: Caller, vendor: Vendor) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert pm.get("sources/").status_code == 200
        return len(seen)

    cost()
    first = cost()
    for _ in range(3):
        a_source(vendor.workspace)
    assert cost() == first
