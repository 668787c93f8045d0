"""Slack's shape, and mails: a digest a day or a week, and nothing when nothing happened."""

from __future__ import annotations

import smtplib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from outcomes.api.events import SHAPES
from outcomes.channels.slack import body_of
from outcomes.channels.words import told_of
from outcomes.models import Attempt, Endpoint, Notice
from outcomes.pipeline import digests, sending
from outcomes.pipeline.digests import next_digest_at
from outcomes.pipeline.outbox import News, subscriptions, tell
from outcomes.services import endpoints as services
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from tests.factories import a_flag, a_workspace, an_item
from tests.outcomes.channels.receiving import Receiver
from tests.outcomes.notices import telling
from tests.outcomes.notices.telling import body_of as received_body

pytestmark = pytest.mark.django_db

# A Friday.
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADA = Actor("Ada", None, "api")


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace(time_zone="Europe/Berlin", key="acme")


def a_digest(workspace: Workspace, channel: str = "daily_digest", **fields: Any) -> Endpoint:
    said = {"name": "Team", "channel": channel, "email": "team@example.com", **fields}
    return services.create_endpoint(workspace=workspace, by=ADA, **said)[0]


def flag_news(workspace: Workspace, event: str, number: int) -> News:
    item = {"id": 1, "key": "carts", "title": f"Carts {number}", "released_on": None}
    flag = {"id": number, "reason": "under_used", "recommendation": "improve_adoption", "item": item,
            "outcome": None, "source": None, "resolved_cause": "recovered"}  # fmt: skip
    return News(event, f"{event}:{number}", {"flag": flag})


def happen(workspace: Workspace, *news: News) -> None:
    tell(workspace, news, subscriptions(workspace.pk, [one.event for one in news]))


def test_slack_is_told_a_sentence_that_cannot_mention_anybody(
    receiver: Receiver, workspace: Workspace
) -> None:
    endpoint = telling.an_endpoint_at(receiver, workspace, channel="slack")
    assert endpoint.channel == "slack"
    item = {"id": 1, "key": "x", "title": "<!channel> & <https://evil.example|carts>", "released_on": None}
    happen(workspace, News("item.released", "x", {"item": item}))
    sending.send_due(max_seconds=60)
    (received,) = receiver.received
    body = received_body(received)
    assert body["text"].startswith("&lt;!channel&gt; &amp; &lt;https://evil.example|carts&gt;")
    assert {block["type"] for block in body["blocks"]} == {"section", "context"}
    assert "<" not in str(body)
    assert "webhook-signature" not in received.headers


def test_every_event_has_words(workspace: Workspace) -> None:
    item = {"id": 1, "key": "carts", "title": "Carts", "released_on": "2026-05-01"}
    source = {"id": 1, "key": "shop", "name": "Shop"}
    outcome = {
        "id": 1,
        "metric": "m",
        "series": None,
        "role": "primary",
        "current": None,
        "target": 3.0,
        "due_on": None,
    }
    flag = {
        "reason": "declining",
        "recommendation": "",
        "resolved_cause": "edited",
        "item": None,
        "outcome": None,
        "source": source,
    }
    effect = {
        "metric": "m",
        "estimate": -1.5,
        "low": -2.0,
        "high": -1.0,
        "design": "before_after",
        "verdict": None,
    }
    data: dict[str, dict[str, Any]] = {
        "flag.opened": {"flag": flag},
        "flag.resolved": {"flag": flag},
        "value.changed": {"item": item, "before": None, "after": 12.0},
        "outcome.met": {"item": item, "outcome": outcome},
        "outcome.missed": {"item": item, "outcome": outcome},
        "effect.decided": {"item": item, "effect": effect},
        "source.stale": {"source": source, "newest_on": "2026-05-01", "days_since": 4},
        "item.released": {"item": item},
        "flags.digest": {"kind": "first_run", "opened": {"declining": 2}, "resolved": {}},
        "digest": {"since": "2026-05-01T08:00:00", "opened_count": 2, "resolved_count": 3, "total": 4,
                   "by_reason": {"declining": 4}, "news": ["Carts: declining"], "more": 1},
        "endpoint.test": {"endpoint": {"id": 1, "name": "Ours"}},
        "endpoint.disabled": {"endpoint": {"id": 1, "name": "Ours"}, "reason": "failing", "failing_since": "x"},
    }  # fmt: skip
    assert data.keys() == SHAPES.keys()
    for event, said in data.items():
        payload = {"type": event, "workspace": "acme", "data": said}
        assert told_of(payload).headline
        assert "None" not in str(body_of(payload))


@pytest.mark.parametrize(
    ("channel", "after", "at"),
    [
        # In Berlin 8:00 is 6:00 UTC in summer and 7:00 in winter.
        ("daily_digest", datetime(2026, 5, 1, 5, 59, tzinfo=UTC), datetime(2026, 5, 1, 6, tzinfo=UTC)),
        ("daily_digest", datetime(2026, 5, 1, 6, tzinfo=UTC), datetime(2026, 5, 2, 6, tzinfo=UTC)),
        ("weekly_digest", datetime(2026, 5, 1, 6, tzinfo=UTC), datetime(2026, 5, 4, 6, tzinfo=UTC)),
        ("daily_digest", datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 7, tzinfo=UTC)),
        ("weekly_digest", datetime(2026, 12, 29, 12, tzinfo=UTC), datetime(2027, 1, 4, 7, tzinfo=UTC)),
        ("webhook", datetime(2026, 5, 1, tzinfo=UTC), None),
    ],
)
def test_a_digest_is_due_in_the_morning_of_the_workspace(
    workspace: Workspace, channel: str, after: datetime, at: datetime | None
) -> None:
    assert next_digest_at(workspace, channel, after) == at


def test_a_digest_says_how_many_stand_how_that_changed_and_what_happened(workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace)
        item = an_item(workspace)
        for reason in ("under_used", "declining", "abandoned"):
            a_flag(item, reason=reason)
        happen(workspace, *(flag_news(workspace, "flag.opened", number) for number in (1, 2, 3)))
        happen(workspace, flag_news(workspace, "flag.resolved", 4))
        assert sending.send_waiting(max_seconds=60) == 0
        clock.move_to(datetime(2026, 5, 2, 6, tzinfo=UTC))
        assert sending.send_waiting(max_seconds=60) == 1
        assert sending.send_waiting(max_seconds=60) == 0
    (told,) = mail.outbox
    assert told.to == ["team@example.com"]
    assert told.subject == "[acme] 3 flags stand, +2 since 2026-05-01"
    assert "By reason: 1 abandoned, 1 declining, 1 under used." in told.body
    assert "- Carts 2: under used" in told.body
    assert Attempt.objects.get().error == ""


def test_the_next_digest_says_only_what_happened_since(workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace)
        for day in range(3):
            if day != 1:
                happen(workspace, flag_news(workspace, "flag.opened", day))
            clock.move_to(datetime(2026, 5, 2 + day, 6, tzinfo=UTC))
            sending.send_waiting(max_seconds=60)
            clock.shift(timedelta(hours=2))
    assert len(mail.outbox) == 2
    assert "Carts 0" not in mail.outbox[1].body
    assert "Carts 2" in mail.outbox[1].body


def test_a_worker_that_was_away_for_days_makes_one_digest_of_them(workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace)
        happen(workspace, flag_news(workspace, "flag.opened", 1))
        clock.shift(timedelta(days=6))
        assert digests.make_digests() == 1
        assert digests.make_digests() == 0


def test_of_very_much_the_newest_is_named_and_the_rest_counted(workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace)
        happen(workspace, *(flag_news(workspace, "flag.opened", number) for number in range(100)))
        clock.shift(timedelta(days=1))
        sending.send_waiting(max_seconds=60)
    assert mail.outbox[0].body.count("Carts") == 40
    assert "and 60 more" in mail.outbox[0].body


def test_a_title_cannot_write_headers(workspace: Workspace) -> None:
    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace, name="x\r\nBcc: all@example.com")
        services.send_test(workspace=workspace, by=ADA, endpoint_id=Endpoint.objects.get().pk)
        clock.shift(timedelta(seconds=1))
        sending.send_waiting(max_seconds=60)
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["team@example.com"]


def test_a_mail_server_that_is_away_is_a_failure_and_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("away")

    with time_machine.travel(START, tick=False) as clock:
        a_digest(workspace)
        happen(workspace, flag_news(workspace, "flag.opened", 1))
        clock.shift(timedelta(days=1))
        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
            sending.send_waiting(max_seconds=60)
        mailed = Notice.objects.get(occurrence__event="digest")
        assert mailed.state == "pending"
        assert Attempt.objects.get().error.startswith("mail: SMTPServerDisconnected")
        clock.shift(timedelta(seconds=5))
        sending.send_waiting(max_seconds=60)
    mailed.refresh_from_db()
    assert mailed.state == "delivered"
    assert len(mail.outbox) == 1


def test_the_day_is_the_one_that_the_workspace_lives_in() -> None:
    tokyo = a_workspace(time_zone="Asia/Tokyo")
    at = next_digest_at(tokyo, "weekly_digest", START)
    assert at is not None
    assert at.astimezone(tokyo.zone).date() == date(2026, 5, 4)
    assert at == datetime(2026, 5, 3, 23, tzinfo=UTC)
