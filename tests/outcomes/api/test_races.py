"""The same delivery sent eight ways at once is one, and has one effect."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from outcomes.models import Delivery, Observation, UsageEvent
from outcomes.pipeline import settle
from outcomes.services.deliveries import replay_source
from productops.workspaces.actors import Actor
from tests.outcomes.api.sending import Vendor, at_path, basic

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = 8


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What eight threads that begin together come back with."""
    begin, answers = threading.Barrier(WAYS), []

    def run(number: int) -> None:
        begin.wait()
        try:
            answers.append(work(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WAYS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == WAYS
    return answers


def tracked(number: int) -> dict[str, Any]:
    call = {"type": "track", "event": "Checkout Completed", "userId": f"u{number}", "messageId": f"m{number}"}
    return {**call, "timestamp": "2026-05-01T10:00:00Z", "properties": {"revenue": 2}}


def test_three_hundred_duplicates_in_eight_way_races_have_one_effect_each() -> None:
    vendor = Vendor("segment")
    vendor.rule("name == 'Checkout Completed'")
    vendor.rule("name == 'Checkout Completed'", "observation", value="properties.revenue")

    def send_all(_: int) -> set[int]:
        sender = Vendor.__new__(Vendor)
        sender.__dict__ = {**vendor.__dict__, "client": type(vendor.client)(raise_request_exception=False)}
        headers = {"Authorization": basic(vendor.secret)}
        return {
            sender.send("POST", "/v1/track", tracked(number), **headers).status_code for number in range(40)
        }

    statuses = at_once(send_all)
    vendor.settle()

    assert set().union(*statuses) == {200}
    assert Delivery.objects.count() == 40
    assert (UsageEvent.objects.count(), vendor.observed()) == (40, [2.0] * 40)


def test_workers_and_replays_at_once_take_everything_once() -> None:
    vendor = Vendor("unleash")
    request = at_path("/api/client/metrics")[0]
    body = request["body"].encode()
    for number in range(30):
        headers = {**request["headers"], "Authorization": vendor.secret, "unleash-connection-id": str(number)}
        headers.pop("Content-Length", None)
        assert vendor.send("POST", "/client/metrics", body, **headers).status_code == 202
    by = Actor("pm", None, "api")
    replay_source(workspace=vendor.workspace, by=by, source=vendor.source)

    at_once(lambda _: settle.settle_all(120))
    vendor.settle()

    assert vendor.exposed() == (30 * 4, 0)
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"done", "partial"}
    assert Observation.objects.count() <= 1
