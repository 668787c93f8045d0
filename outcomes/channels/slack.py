"""A message in the shape that Slack's incoming webhooks take, as do Mattermost's and Rocket.Chat's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from outcomes.channels.addresses import Network
from outcomes.channels.webhook import USER_AGENT
from outcomes.channels.wire import Answer, post
from outcomes.channels.words import Told, told_of

_LONGEST = 2900


def send(url: str, payload: Mapping[str, Any], allowed: Sequence[Network]) -> Answer:
    """POST what happened as a sentence. The address is the credential: nothing is signed."""
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    return post(url, msgspec.json.encode(body_of(payload)), headers, allowed=allowed)


def body_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Text for notifications, and the same as a block with its details."""
    told = told_of(payload)
    return {
        "text": escaped(told.headline),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": _marked(told)[:_LONGEST]}},
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": escaped(f"productops · {payload['workspace']}")}],
            },
        ],
    }


def escaped(text: str) -> str:
    """Text that Slack takes as it is: a title cannot mention a channel or make a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _marked(told: Told) -> str:
    lines = [f"*{escaped(told.headline)}*", *(escaped(line) for line in told.lines)]
    return "\n".join(lines)
