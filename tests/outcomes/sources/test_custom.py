"""Which requests of kind `custom` are the same one again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outcomes.sources import custom

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
