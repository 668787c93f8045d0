"""Endpoints, notices and attempts over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from outcomes.models import Attempt, Endpoint, EndpointSecret, Notice, Occurrence
from outcomes.pipeline import backlog, retention, sending
from outcomes.services import endpoints as services
from productops.workspaces.actors import Actor
from productops.workspaces.models import Change, Workspace
from tests.callers import Caller
from tests.factories import a_member, a_notice, a_person, a_workspace, an_endpoint
from tests.outcomes.channels.receiving import Receiver
from tests.outcomes.notices.telling import tell_something, verified

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/secret-path?token=hush"
HOOK = {"name": "Ours", "url": URL}


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def api(workspace: Workspace) -> Caller:
    return Caller(workspace)


def made(api: Caller, **fields: Any) -> Any:
    answer = api.post("endpoints/", {**HOOK, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


def test_an_endpoint_says_its_secret_once(api: Caller) -> None:
    first = made(api)
    assert first["secret"].startswith("whsec_")
    shown = api.get(f"endpoints/{first['id']}/").json()
    assert "secret" not in shown
    assert (shown["url"], shown["host"], shown["channel"], shown["is_enabled"]) == (
        URL, "hooks.example.com", "webhook", True,
    )  # fmt: skip
    assert len(shown["events"]) == 8
    assert EndpointSecret.objects.get().secret not in api.get("endpoints/").content.decode()


def test_it_can_be_changed_and_removed_by_version(api: Caller) -> None:
    path = f"endpoints/{made(api)['id']}/"
    etag = api.get(path)["ETag"]
    changes = {"name": "Theirs", "events": ["item.released", "flag.opened", "item.released"]}
    changed = api.patch(path, changes, match=etag)
    assert changed.status_code == 200
    assert changed.json()["events"] == ["flag.opened", "item.released"]
    assert api.patch(path, {"name": "Late"}, match=etag).status_code == 412
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"url": ""}, "/url"),
        ({"url": "http://127.0.0.2.nip/\\x"}, "/url"),
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"url": "http://[::1]/"}, "/url"),
        ({"url": "https://user:word@example.com/"}, "/url"),
        ({"url": "ftp://example.com/"}, "/url"),
        ({"email": "ada@example.com"}, "/email"),
        ({"channel": "daily_digest"}, "/url"),
        ({"channel": "pigeon"}, "/channel"),
        ({"events": []}, "/events"),
        ({"events": ["flag.closed"]}, "/events/0"),
        ({"value_threshold": -1}, "/value_threshold"),
        ({"value_threshold": 101}, "/value_threshold"),
        ({"value_threshold": "5"}, "/value_threshold"),
        ({"owner": 10**12}, "/owner"),
        ({"disabled_at": None}, "/disabled_at"),
    ],
)
def test_what_cannot_be_is_refused_by_name(api: Caller, settings: Any, body: Any, pointer: str) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = ()
    assert pointer in pointers(api.post("endpoints/", {**HOOK, **body}))
    assert not Endpoint.objects.exists()


def test_a_digest_has_a_mailbox_and_no_secret(api: Caller) -> None:
    said = {"name": "Mondays", "channel": "weekly_digest", "email": "team@example.com"}
    answer = api.post("endpoints/", said)
    assert answer.status_code == 201
    assert answer.json()["secret"] is None
    assert answer.json()["digest_due_at"] is not None
    assert api.post(f"endpoints/{answer.json()['id']}/rotate-secret/").status_code == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": ""}, "/url"),
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"url": "https://user:word@example.com/"}, "/url"),
        ({"email": "ada@example.com"}, "/email"),
    ],
)
def test_an_edit_is_looked_at_as_a_new_endpoint_is(
    api: Caller, settings: Any, body: Any, pointer: str
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = ()
    path = f"endpoints/{made(api)['id']}/"
    assert pointers(api.patch(path, body)) == [pointer]
    assert api.get(path).json()["url"] == URL


def test_what_was_allowed_when_it_was_made_does_not_hinder_another_edit(api: Caller, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("10.0.0.0/8")]
    path = f"endpoints/{made(api, url='http://10.0.0.1/')['id']}/"
    settings.WEBHOOK_PRIVATE_NETWORKS = ()
    assert api.patch(path, {"name": "Theirs"}).status_code == 200


def test_a_channel_stays(api: Caller) -> None:
    path = f"endpoints/{made(api)['id']}/"
    assert pointers(api.patch(path, {"channel": "slack"})) == ["/channel"]


def test_an_owner_is_a_member_of_one_s_own(api: Caller, workspace: Workspace) -> None:
    ours, theirs = a_member(workspace), a_member(a_workspace())
    assert made(api, owner=ours.pk)["owner"]["id"] == ours.pk
    assert pointers(api.post("endpoints/", {**HOOK, "owner": theirs.pk})) == ["/owner"]


def test_who_may_not_set_it_up_sees_neither_address_nor_mailbox(workspace: Workspace, api: Caller) -> None:
    path = f"endpoints/{made(api)['id']}/"
    reader = Caller(workspace, ["outcomes:read"])
    shown = reader.get(path).json()
    assert (shown["url"], shown["email"], shown["host"]) == ("", "", "hooks.example.com")
    assert "hush" not in reader.get("endpoints/").content.decode()
    assert reader.post(f"{path}test/").status_code == 403


def test_neither_secret_nor_address_is_in_the_record_of_changes(api: Caller) -> None:
    endpoint = made(api)
    api.post(f"endpoints/{endpoint['id']}/rotate-secret/")
    api.patch(f"endpoints/{endpoint['id']}/", {"url": "https://other.example.com/hush", "name": "Other"})
    told = str(list(Change.objects.values_list("type", "values")))
    assert "endpoint" in told
    assert "other.example.com" in told
    assert "hush" not in told
    assert "whsec_" not in told


def test_a_rotation_says_the_new_secret_and_until_when_the_old_one_signs(api: Caller) -> None:
    endpoint = made(api)
    answer = api.post(f"endpoints/{endpoint['id']}/rotate-secret/", {"overlap_hours": 2})
    assert answer.json()["secret"] not in (None, endpoint["secret"])
    newest, old = answer.json()["secrets"]
    assert newest["expires_at"] is None
    assert datetime.fromisoformat(old["expires_at"]) < datetime.now(UTC) + timedelta(hours=3)


def test_it_is_disabled_and_enabled_and_says_so(api: Caller) -> None:
    path = f"endpoints/{made(api)['id']}/"
    off = api.post(f"{path}disable/").json()
    assert (off["is_enabled"], off["disabled_reason"]) == (False, "by_hand")
    assert api.post(f"{path}disable/").json()["version"] == off["version"]
    assert [row["id"] for row in api.get("endpoints/?is_enabled=false").json()["results"]] == [off["id"]]
    on = api.post(f"{path}enable/").json()
    assert (on["is_enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    stale = {"If-Match": f'"{off["version"]}"'}
    assert api.post(f"{path}disable/", **stale).status_code == 412


def test_a_test_is_answered_with_its_notice_and_goes_out(api: Caller, receiver: Receiver) -> None:
    endpoint = made(api, url=receiver.url)
    answer = api.post(f"endpoints/{endpoint['id']}/test/")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    sending.send_due(max_seconds=60)
    shown = api.get(answer["Location"].partition("/api/v1/")[2]).json()
    assert (shown["state"], shown["attempts"], shown["due_at"]) == ("delivered", 1, None)
    told = verified(receiver.received[0], endpoint["secret"])
    assert told == shown["payload"]


def test_attempts_are_listed_newest_first_in_pages(api: Caller, workspace: Workspace) -> None:
    endpoint = an_endpoint(workspace)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for number in range(5):
        Attempt.objects.create(
            workspace=workspace, notice=a_notice(endpoint), endpoint=endpoint, number=1, started_at=at,
            took_ms=3, status=500 if number == 2 else 200, error="status: 500" if number == 2 else "",
        )  # fmt: skip
    seen, url = [], f"endpoints/{endpoint.pk}/attempts/?page_size=2"
    while url:
        page = api.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = (page["next"] or "").partition("/api/v1/")[2]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5
    failed = api.get(f"endpoints/{endpoint.pk}/attempts/?is_success=false").json()["results"]
    assert [row["status"] for row in failed] == [500]
    assert api.get(f"endpoints/{an_endpoint(a_workspace()).pk}/attempts/").status_code == 404


def test_a_receiver_s_answer_is_shown_to_administrators_alone(api: Caller, workspace: Workspace) -> None:
    endpoint = an_endpoint(workspace)
    Attempt.objects.create(
        workspace=workspace, notice=a_notice(endpoint), endpoint=endpoint, number=1, answer="inside",
        started_at=datetime(2026, 5, 1, tzinfo=UTC), took_ms=3, status=200,
    )  # fmt: skip
    path = f"endpoints/{endpoint.pk}/attempts/"
    assert api.get(path).json()["results"][0]["answer"] == "inside"
    assert Caller(workspace, ["outcomes:read"]).get(path).json()["results"][0]["answer"] == ""


def test_a_notice_is_sent_again_unless_it_waits_or_its_endpoint_is_disabled(
    api: Caller, workspace: Workspace, receiver: Receiver
) -> None:
    endpoint = an_endpoint(workspace, url=receiver.url)
    tell_something(workspace)
    path = f"notices/{Notice.objects.get().pk}/redeliver/"
    assert api.post(path).status_code == 409
    sending.send_due(max_seconds=60)
    again = api.post(path)
    assert (again.status_code, again.json()["state"]) == (200, "pending")
    sending.send_due(max_seconds=60)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len(receiver.received) == 2
    api.post(f"endpoints/{endpoint.pk}/disable/")
    assert api.post(path).status_code == 409


def test_notices_are_filtered_by_endpoint_event_and_state(api: Caller, workspace: Workspace) -> None:
    one, other = an_endpoint(workspace), an_endpoint(workspace)
    first, _ = a_notice(one), a_notice(other, state="failed")
    for query in (f"endpoint={one.pk}", "state=delivered", "event=endpoint.test&state=delivered"):
        rows = api.get(f"notices/?{query}").json()["results"]
        assert [row["id"] for row in rows] == [first.pk]
    assert api.get("notices/?event=flag.opened").json()["results"] == []
    assert api.get("notices/?event=nonsense").status_code == 400


def test_lists_cost_the_same_however_long_they_are(api: Caller, workspace: Workspace) -> None:
    def ask(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get(path).status_code == 200
        return len(seen)

    owner = a_member(workspace)
    a_notice(an_endpoint(workspace, owner=owner))
    ask("endpoints/")
    before = {path: ask(path) for path in ("endpoints/", "notices/")}
    for _ in range(8):
        a_notice(an_endpoint(workspace, owner=a_member(workspace)))
    assert {path: ask(path) for path in before} == before


def test_finished_notices_and_attempts_are_forgotten_after_a_month_and_what_was_met_stays_known(
    workspace: Workspace,
) -> None:
    now = datetime(2026, 6, 15, tzinfo=UTC)
    endpoint = an_endpoint(workspace)
    old, kept = a_notice(endpoint, event="flag.opened"), a_notice(endpoint, event="outcome.met")
    young = a_notice(endpoint, finished_at=now - timedelta(days=3))
    waiting = a_notice(endpoint, state="pending", finished_at=None)
    for notice in (old, kept, young, waiting):
        at = now - timedelta(days=3) if notice is young else notice.created_at
        Attempt.objects.create(workspace=workspace, notice=notice, endpoint=endpoint, number=1, started_at=at)
    retention.forget_notices(max_seconds=60, now=now)
    assert set(Notice.objects.all()) == {young, waiting}
    assert [attempt.notice for attempt in Attempt.objects.all()] == [young]
    assert set(Occurrence.objects.all()) == {kept.occurrence, young.occurrence, waiting.occurrence}


def test_what_waits_and_what_fails_is_counted_for_prometheus(workspace: Workspace, client: Client) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    endpoint = an_endpoint(workspace, failing_since=at)
    an_endpoint(workspace, disabled_at=at, disabled_reason="gone")
    an_endpoint(workspace, disabled_at=at, disabled_reason="by_hand")
    a_notice(endpoint, state="pending", finished_at=None)
    text = client.get("/metrics").content.decode()
    for line in ("notices_pending 1.0", "endpoints_failing 1.0", "endpoints_given_up 1.0"):
        assert f"\nproductops_{line}" in text
    assert backlog.measure_outgoing(a_workspace().pk) == backlog.Outgoing(0, 0, 0, 0)


def test_an_endpoint_goes_with_all_that_was_told_it(
    api: Caller, workspace: Workspace, receiver: Receiver
) -> None:
    endpoint, other = an_endpoint(workspace, url=receiver.url), an_endpoint(workspace, url=receiver.url)
    for one in (endpoint, other):
        tell_something(workspace)
        services.send_test(workspace=workspace, by=Actor("Ada", None, "api"), endpoint_id=one.pk)
    sending.send_due(max_seconds=60)
    assert api.delete(f"endpoints/{endpoint.pk}/").status_code == 204
    assert {attempt.endpoint for attempt in Attempt.objects.all()} == {other}
    assert {notice.endpoint for notice in Notice.objects.all()} == {other}


def test_whoever_leaves_leaves_an_endpoint_without_an_owner(api: Caller, workspace: Workspace) -> None:
    owner = a_member(workspace, "admin", a_person())
    path = f"endpoints/{made(api, owner=owner.pk)['id']}/"
    owner.delete()
    assert api.get(path).json()["owner"] is None
