"""Notices on their way: signed, tried again by the schedule, given up, and never made twice."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from outcomes.channels.wire import SECONDS, Answer
from outcomes.models import Attempt, Endpoint, Notice, Occurrence
from outcomes.pipeline import claims, sending
from outcomes.services import endpoints as services
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from tests.factories import a_member, a_person, a_workspace
from tests.outcomes.channels.receiving import Receiver, receiving
from tests.outcomes.notices.telling import an_endpoint_at, tell_something, the_notice, verified

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
OFFSETS = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
ADA = Actor("Ada", None, "api")


def send() -> int:
    return sending.send_due(max_seconds=60)


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


def test_a_notice_is_a_signed_webhook(receiver: Receiver, workspace: Workspace) -> None:
    endpoint = an_endpoint_at(receiver, workspace)
    tell_something(workspace, 7)
    assert send() == 1
    (received,) = receiver.received
    told = verified(received)
    assert (told["type"], told["workspace"]) == ("item.released", workspace.key)
    assert told["data"]["item"]["key"] == "item-7"
    assert received.headers["webhook-id"] == the_notice(endpoint).message_id
    assert received.headers["content-type"] == "application/json"
    notice = the_notice(endpoint)
    attempt = Attempt.objects.get()
    assert (notice.state, notice.attempts) == ("delivered", 1)
    assert (attempt.number, attempt.status, attempt.error) == (1, 204, "")
    assert attempt.took_ms is not None


def test_while_a_secret_is_rotated_both_sign(receiver: Receiver, workspace: Workspace) -> None:
    endpoint = an_endpoint_at(receiver, workspace)
    new = services.rotate_secret(workspace=workspace, by=ADA, endpoint_id=endpoint.pk)
    tell_something(workspace)
    send()
    assert verified(receiver.received[0]) == verified(receiver.received[0], new)
    services.rotate_secret(workspace=workspace, by=ADA, endpoint_id=endpoint.pk, overlap=timedelta(0))
    tell_something(workspace)
    send()
    with pytest.raises(Exception, match="signature"):
        verified(receiver.received[1], new)


def test_what_fails_is_tried_by_the_schedule_with_one_id_and_one_body(workspace: Workspace) -> None:
    with (
        receiving(lambda number: (500, {}, b"")) as receiver,
        time_machine.travel(START, tick=False) as clock,
    ):
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        for offset in OFFSETS:
            clock.move_to(START + timedelta(seconds=offset) - timedelta(seconds=1))
            assert send() == 0
            clock.move_to(START + timedelta(seconds=offset))
            assert send() == 1
        clock.move_to(START + timedelta(days=4))
        assert send() == 0
    assert len(receiver.received) == 10
    assert {one.body for one in receiver.received} == {receiver.received[0].body}
    assert {one.headers["webhook-id"] for one in receiver.received} == {the_notice(endpoint).message_id}
    assert len({one.headers["webhook-timestamp"] for one in receiver.received}) == 10
    assert the_notice(endpoint).state == "failed"
    assert list(Attempt.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 11))


def test_after_a_failure_success_ends_it(workspace: Workspace) -> None:
    with (
        receiving(lambda number: (204 if number == 3 else 503, {}, b"")) as receiver,
        time_machine.travel(START, tick=False) as clock,
    ):
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        for _ in range(6):
            send()
            clock.shift(timedelta(minutes=5))
    assert len(receiver.received) == 3
    assert the_notice(endpoint).state == "delivered"
    assert Endpoint.objects.get().failing_since is None


def test_a_receiver_that_asks_for_time_is_given_it(workspace: Workspace) -> None:
    with (
        receiving(lambda number: (429, {"Retry-After": "600"}, b"")) as receiver,
        time_machine.travel(START, tick=False) as clock,
    ):
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        send()
        assert the_notice(endpoint).due_at == START + timedelta(seconds=600)
        clock.shift(timedelta(seconds=599))
        assert send() == 0
        clock.shift(timedelta(seconds=1))
        assert send() == 1


def test_410_disables_and_tells_the_owner(workspace: Workspace) -> None:
    owner = a_member(workspace, "admin", a_person(email="ada@example.com"))
    with receiving(lambda number: (410, {}, b"")) as receiver:
        endpoint = an_endpoint_at(receiver, workspace, owner=owner)
        for _ in range(3):
            tell_something(workspace)
        send()
        send()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"
    assert len(receiver.received) <= 2
    states = set(Notice.objects.filter(recipient="endpoint").values_list("state", flat=True))
    assert states <= {"failed", "dropped"}
    (told,) = mail.outbox
    assert told.to == ["ada@example.com"]
    assert "was disabled" in told.subject
    assert "410" in told.body


def test_five_days_of_nothing_but_failures_disable(workspace: Workspace) -> None:
    a_member(workspace, "admin", a_person(email="ada@example.com"))
    with (
        receiving(lambda number: (500, {}, b"")) as receiver,
        time_machine.travel(START, tick=False) as clock,
    ):
        endpoint = an_endpoint_at(receiver, workspace)
        for day in range(5):
            clock.move_to(START + timedelta(days=day))
            tell_something(workspace)
            send()
        assert Endpoint.objects.get().disabled_at is None
        clock.move_to(START + timedelta(days=5))
        tell_something(workspace)
        send()
        send()
    endpoint.refresh_from_db()
    assert (endpoint.disabled_reason, endpoint.failing_since) == ("failing", START)
    assert not Notice.objects.filter(state="pending").exists()
    assert mail.outbox[0].to == ["ada@example.com"]
    tell_something(workspace)
    assert not Notice.objects.filter(state="pending").exists()


def test_one_success_in_between_keeps_it(workspace: Workspace) -> None:
    with (
        receiving(lambda number: (200 if number == 4 else 500, {}, b"")) as receiver,
        time_machine.travel(START, tick=False) as clock,
    ):
        endpoint = an_endpoint_at(receiver, workspace)
        for day in range(7):
            clock.move_to(START + timedelta(days=day))
            Notice.objects.all().delete()
            tell_something(workspace)
            send()
    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.failing_since) == (None, START + timedelta(days=4))


def test_a_disabled_endpoint_is_told_nothing_and_an_enabled_one_what_happens_from_then_on(
    receiver: Receiver, workspace: Workspace
) -> None:
    endpoint = an_endpoint_at(receiver, workspace)
    tell_something(workspace)
    services.disable_endpoint(workspace=workspace, by=ADA, endpoint_id=endpoint.pk)
    tell_something(workspace)
    assert send() == 0
    services.enable_endpoint(workspace=workspace, by=ADA, endpoint_id=endpoint.pk)
    assert send() == 0
    tell_something(workspace)
    assert send() == 1
    assert mail.outbox == []


def test_a_notice_that_was_written_while_its_endpoint_was_disabled_is_dropped(
    receiver: Receiver, workspace: Workspace
) -> None:
    endpoint = an_endpoint_at(receiver, workspace)
    tell_something(workspace)
    Endpoint.objects.update(disabled_at=START, disabled_reason="by_hand")
    assert send() == 0
    assert the_notice(endpoint).state == "dropped"


def test_a_test_is_sent_once_even_to_a_disabled_endpoint(workspace: Workspace) -> None:
    with receiving(lambda number: (500, {}, b"")) as receiver:
        endpoint = an_endpoint_at(receiver, workspace)
        services.disable_endpoint(workspace=workspace, by=ADA, endpoint_id=endpoint.pk)
        notice = services.send_test(workspace=workspace, by=ADA, endpoint_id=endpoint.pk)
        assert send() == 1
        assert verified(receiver.received[0])["type"] == "endpoint.test"
    notice.refresh_from_db()
    assert notice.state == "failed"
    assert Endpoint.objects.get().failing_since is None


def test_what_was_given_up_can_be_sent_again_and_begins_the_schedule_anew(workspace: Workspace) -> None:
    with receiving(lambda number: (500, {}, b"")) as receiver:
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        Notice.objects.update(attempts=9)
        send()
        assert the_notice(endpoint).state == "failed"
        services.redeliver(workspace=workspace, by=ADA, notice_id=the_notice(endpoint).pk)
        send()
        notice = the_notice(endpoint)
        assert (notice.state, notice.attempts) == ("pending", 11)
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 1


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_something_is_on_its_way(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = a_workspace()
    an_endpoint_at(receiver, workspace)
    tell_something(workspace)
    open_ones: list[int] = []

    def deliver(parcel: Any, allowed: Any) -> Answer:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
            open_ones.append(cursor.fetchone()[0])
        connection.close()
        return Answer(204, "", 1)

    monkeypatch.setattr(sending, "deliver", deliver)
    assert send() == 1
    assert open_ones == [0]


def test_a_fault_of_ours_in_one_message_does_not_hold_up_the_others(
    receiver: Receiver, workspace: Workspace
) -> None:
    an_endpoint_at(receiver, workspace, channel="slack")
    tell_something(workspace)
    Occurrence.objects.update(payload={"type": "nonsense", "data": {}})
    tell_something(workspace)
    assert send() == 2
    assert len(receiver.received) == 1
    assert Attempt.objects.filter(error__startswith="internal").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("faults", [1, 2])
def test_a_result_that_cannot_be_written_is_written_at_the_second_try_or_sent_again_later(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    workspace = a_workspace()
    with time_machine.travel(START, tick=False) as clock:
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        left = [OperationalError("busy")] * faults

        def record(claimed: claims.Claimed, answer: Answer) -> None:
            if left:
                raise left.pop()
            claims.record(claimed, answer)

        monkeypatch.setattr(sending, "record", record)
        assert send() == 1
        assert (the_notice(endpoint).state == "delivered") == (faults == 1)
        clock.shift(claims.LEASE)
        assert send() == faults - 1
    assert the_notice(endpoint).state == "delivered"


def test_a_worker_that_died_leaves_an_attempt_without_a_result_and_the_next_is_another(
    receiver: Receiver, workspace: Workspace
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        assert len(claims.claim(10)) == 1
        assert claims.claim(10) == []
        clock.shift(claims.LEASE)
        assert send() == 1
    assert the_notice(endpoint).state == "delivered"
    assert list(Attempt.objects.order_by("number").values_list("number", "status")) == [(1, None), (2, 204)]


def test_what_kills_every_worker_is_given_up(receiver: Receiver, workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        for _ in range(12):
            claims.claim(10)
            clock.shift(claims.LEASE)
    assert the_notice(endpoint).state == "failed"
    assert Attempt.objects.count() == 10


def test_a_worker_whose_lease_ran_out_changes_nothing_of_what_another_did(
    receiver: Receiver, workspace: Workspace
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        endpoint = an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        (slow,) = claims.claim(10)
        clock.shift(claims.LEASE)
        send()
        claims.record(slow, Answer(500, "status: 500", 100))
    assert the_notice(endpoint).state == "delivered"
    assert Attempt.objects.get(number=1).error == "status: 500"


def test_of_one_endpoint_a_few_are_under_way_and_of_a_failing_one_a_single_one(
    receiver: Receiver, workspace: Workspace
) -> None:
    for fields in ({}, {"failing_since": START}):
        an_endpoint_at(receiver, workspace, **fields)
    for _ in range(5):
        tell_something(workspace)
    under_way = [one.endpoint_id for one in claims.claim(32)]
    well, ill = Endpoint.objects.order_by("id").values_list("id", flat=True)
    assert (under_way.count(well), under_way.count(ill)) == (2, 1)
    assert claims.claim(32) == []


def test_claiming_and_recording_cost_the_same_however_many_endpoints_there_are(
    receiver: Receiver, workspace: Workspace
) -> None:
    def queries(endpoints: int) -> int:
        Endpoint.objects.all().delete()
        for _ in range(endpoints):
            an_endpoint_at(receiver, workspace)
        tell_something(workspace)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert len(claims.claim(32)) == endpoints
        return len(seen)

    assert queries(1) == queries(12)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_never_make_the_same_attempt(receiver: Receiver) -> None:
    workspace = a_workspace()
    for _ in range(6):
        an_endpoint_at(receiver, workspace)
    for _ in range(10):
        tell_something(workspace)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while send() or Notice.objects.filter(state="pending").exists():
                pass
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert (len(ids), len(set(ids))) == (60, 60)
    assert list(Attempt.objects.exclude(error="").values_list("number", "error")) == []
    assert set(Notice.objects.values_list("state", "attempts")) == {("delivered", 1)}
    assert Attempt.objects.filter(number=1, status=204).count() == 60


@pytest.mark.django_db(transaction=True)
def test_a_slow_endpoint_does_not_hold_up_the_others() -> None:
    workspace = a_workspace()
    let_go = threading.Event()

    def dawdle(number: int) -> tuple[int, dict[str, str], bytes]:
        let_go.wait(60)
        return 204, {}, b""

    with receiving(dawdle) as slow, receiving() as quick:
        an_endpoint_at(slow, workspace)
        an_endpoint_at(quick, workspace)
        for _ in range(20):
            tell_something(workspace)

        def work() -> None:
            send()
            connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        until = time.monotonic() + SECONDS - 1  # then the slow one is given up, and called again
        while (len(quick.received) < 20 or len(slow.received) < 2) and time.monotonic() < until:
            time.sleep(0.02)
        served, waiting = len(quick.received), len(slow.received)
        let_go.set()
        worker.join(60)
    assert (served, waiting) == (20, 2)


@pytest.mark.django_db(transaction=True)
def test_while_one_worker_sends_another_leaves_it_alone(receiver: Receiver) -> None:
    workspace = a_workspace()
    an_endpoint_at(receiver, workspace)
    tell_something(workspace)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with sending.alone(sending._LOCK) as is_alone:
            assert is_alone
            entered.set()
            leave.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(60)
    assert sending.send_waiting(max_seconds=60) == 0
    leave.set()
    holder.join()
    assert sending.send_waiting(max_seconds=60) == 1
