"""What is handed to a channel, and which channel takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outcomes.channels import mail, slack, webhook
from outcomes.channels.addresses import Network
from outcomes.channels.wire import Answer


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way: everything a channel needs, read before the way begins.

    `secrets` sign a webhook, the newest first. `emails` are whom a mail goes to. `payload` is the body.
    """

    message_id: str
    channel: str
    url: str
    emails: Sequence[str]
    secrets: Sequence[str]
    payload: Mapping[str, Any]


def deliver(parcel: Parcel, allowed: Sequence[Network]) -> Answer:
    """Send a message and say what became of it. Knows no database, so nothing is held while it is on its way."""
    if parcel.emails:
        return mail.send(parcel.emails, parcel.message_id, parcel.payload)
    if parcel.channel == "slack":
        return slack.send(parcel.url, parcel.payload, allowed)
    if parcel.channel == "webhook":
        return webhook.send(parcel.url, parcel.message_id, parcel.secrets, parcel.payload, allowed)
    return Answer(None, "no_address: there is nobody with an e-mail address to tell", 0)
