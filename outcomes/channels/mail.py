"""Mails: the digests, and what an endpoint's owner has to know. Which server sends them is a setting."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from outcomes.channels.wire import KEPT_CHARACTERS, Answer
from outcomes.channels.words import told_of


def send(emails: Sequence[str], message_id: str, payload: Mapping[str, Any]) -> Answer:
    """Send one mail and say what became of it; never raises for what the mail server does."""
    started = time.monotonic()
    error = ""
    try:
        mail_of(emails, message_id, payload).send()
    except (SMTPException, OSError, ValueError) as failed:
        error = f"mail: {type(failed).__name__} {failed}"[:KEPT_CHARACTERS]
    return Answer(None, error, round((time.monotonic() - started) * 1000))


def mail_of(emails: Sequence[str], message_id: str, payload: Mapping[str, Any]) -> EmailMessage:
    """The mail: the headline is its subject. Its Message-ID is the notice's, so that a repeat is known as one."""
    told = told_of(payload)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    text = "\n".join([told.headline, "", *told.lines, "", settings.PUBLIC_URL])
    return EmailMessage(
        subject=f"[{payload['workspace']}] {told.headline}",
        body=text,
        to=list(emails),
        headers={"Message-ID": f"<{message_id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
