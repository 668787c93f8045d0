"""Which requests that have no id are the same one again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outcomes.sources import adapters, custom

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)


def sent(body: bytes, now: datetime, **headers: str) -> str:
    """The id that a request goes by."""
    proven = {"authorization": "Bearer s", **headers}
    return custom.verify(proven, body, ["s"], now=now, tolerance=timedelta(minutes=5)).message_id


@pytest.mark.parametrize(
    "body", [b'{"name": "Cart Saved", "actor": "u"}', b'[{"name": "A", "id": 1}, {"name": "B"}]']
)
def test_who_does_the_same_again_tomorrow_does_it_again(body: bytes) -> None:
    assert sent(body, NOW) == sent(body, NOW + timedelta(seconds=200)) != sent(body, TOMORROW)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"name": "Cart Saved", "id": 7}', {}),
        (b'[{"name": "A", "timestamp": 1795000000}, {"name": "B", "uuid": "b"}]', {}),
        (b'{"name": "Cart Saved"}', {"x-request-id": "r"}),
        (b"no JSON", {}),
        (b"[]", {}),
    ],
)
def test_what_says_which_or_when_it_is_can_be_sent_again_at_any_time(
    body: bytes, headers: dict[str, str]
) -> None:
    assert sent(body, NOW, **headers) == sent(body, TOMORROW, **headers)


_WITHOUT = {
    "segment": b'{"event": "E", "userId": "u"}',
    "posthog": b'{"api_key": "s", "event": "E", "distinct_id": "u"}',
    "amplitude": b'{"api_key": "s", "events": [{"event_type": "E", "user_id": "u"}]}',
}
_TOLD_BY = {"segment": "messageId", "posthog": "uuid", "amplitude": "insert_id"}


@pytest.mark.parametrize("kind", _WITHOUT)
def test_an_event_written_by_hand_counts_again_tomorrow_and_one_with_an_id_once(kind: str) -> None:
    def named(body: bytes, now: datetime) -> str:
        proof = {"authorization": "Basic czo="} if kind == "segment" else {}
        return (
            adapters.of(kind).verify(proof, body, ["s"], now=now, tolerance=timedelta(minutes=5)).message_id
        )

    body = _WITHOUT[kind]
    assert named(body, NOW) == named(body, NOW + timedelta(seconds=200)) != named(body, TOMORROW)
    told = body.replace(b'"E"', b'"E", "%s" : "7"' % _TOLD_BY[kind].encode())
    assert named(told, NOW) == named(told, TOMORROW)


@pytest.mark.parametrize(("told", "is_same"), [({}, False), ({"time": 1}, True), ({"$insert_id": "7"}, True)])
@pytest.mark.parametrize("proof", [{}, {"authorization": "Basic czo="}])
def test_what_mixpanels_library_for_node_sends_is_a_new_event_each_time(
    told: dict[str, Any], is_same: bool, proof: dict[str, str]
) -> None:
    body = json.dumps([{"event": "E", "properties": {"token": "s", "distinct_id": "u", **told}}]).encode()
    ids = {
        adapters.of("mixpanel").verify(proof, body, ["s"], now=now, tolerance=timedelta(minutes=5)).message_id
        for now in (NOW, NOW + timedelta(milliseconds=3))
    }
    assert len(ids) == (1 if is_same else 2)
