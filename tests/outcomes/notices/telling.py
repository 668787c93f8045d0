"""Short ways to have something told, and to see what was received."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from standardwebhooks import Webhook

from outcomes.models import Endpoint, Notice
from outcomes.pipeline.outbox import News, subscriptions, tell
from productops.workspaces.models import Workspace
from tests.factories import an_endpoint
from tests.outcomes.channels.receiving import Received, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_numbers = count(1)


def an_endpoint_at(receiver: Receiver, workspace: Workspace, **fields: Any) -> Endpoint:
    return an_endpoint(workspace, url=receiver.url, host=f"127.0.0.1:{receiver.port}", **fields)


def release_news(number: int = 0) -> News:
    number = number or next(_numbers)
    item = {"id": number, "key": f"item-{number}", "title": f"Item {number}", "released_on": "2026-05-01"}
    return News("item.released", f"item.released:{number}", {"item": item})


def tell_something(workspace: Workspace, number: int = 0) -> None:
    """Let an item have been released."""
    tell(workspace, [release_news(number)], subscriptions(workspace.pk, ("item.released",)))


def the_notice(endpoint: Endpoint) -> Notice:
    return Notice.objects.get(endpoint=endpoint, recipient="endpoint")


def verified(received: Received, secret: str = SECRET) -> Any:
    """The body, if the reference library of Standard Webhooks takes its signature."""
    return Webhook(secret).verify(received.body, received.headers)


def body_of(received: Received) -> Any:
    return json.loads(received.body)
