"""Stored deliveries are read again, a few at a time, and what was taken stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from outcomes.models import Candidate, Delivery, Observation, Replay, UsageEvent
from outcomes.pipeline import interpret, replays, turns
from outcomes.pipeline.interpret import interpret_pending
from outcomes.services.candidates import accept_candidate
from outcomes.services.deliveries import done_of, replay_delivery, replay_source, with_queued
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from tests.outcomes.api.sending import Vendor, basic
from tests.plans import only_nested_loops

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")


@pytest.fixture
def vendor() -> Vendor:
    return Vendor("segment")


def tracked(vendor: Vendor, number: int, name: str = "Cart Saved", **properties: Any) -> None:
    call = {"type": "track", "event": name, "userId": f"u{number}", "messageId": f"m{number}"}
    body = {**call, "timestamp": "2026-05-01T10:00:00Z", "properties": properties}
    assert vendor.send("POST", "/v1/track", body, Authorization=basic(vendor.secret)).status_code == 200


def asked(vendor: Vendor) -> Replay:
    return replay_source(workspace=vendor.workspace, by=PAULA, source=vendor.source)


def how_far(replay: Replay) -> tuple[int, int | None, bool]:
    held: Any = with_queued(Replay.objects.all()).get(pk=replay.pk)
    return done_of(held), held.total, held.finished_at is not None


def test_a_rule_that_came_later_takes_what_was_stored(vendor: Vendor) -> None:
    for number in range(3):
        tracked(vendor, number)
    vendor.settle()
    vendor.rule("name == 'Cart Saved'")
    replay = asked(vendor)
    assert how_far(replay) == (0, None, False)
    vendor.settle()
    assert how_far(replay) == (3, 3, True)
    assert len(vendor.uses()) == 3


def test_it_goes_in_slices_and_says_how_far_it_has_come(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "_SLICE", 2)
    for number in range(5):
        tracked(vendor, number)
    vendor.settle()
    replay = asked(vendor)
    seen = []
    while replays.feed():
        seen.append(how_far(replay))
        assert Delivery.objects.filter(state="pending").count() <= 2
        interpret_pending_once()
    assert seen == [(0, 5, False), (2, 5, False), (4, 5, False)]
    assert how_far(replay) == (5, 5, True)


def test_a_slice_is_a_slice_however_the_database_goes_about_it(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "_SLICE", 2)
    for number in range(5):
        tracked(vendor, number)
    vendor.settle()
    asked(vendor)
    only_nested_loops()
    replays.feed()
    assert Delivery.objects.filter(state="pending").count() == 2


def interpret_pending_once() -> None:
    """Read what is pending, without putting more back."""
    while ids := turns.claim()[0]:
        interpret._interpret_together(ids)


def test_ids_of_others_in_between_do_not_end_it(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "_SPAN", 1)
    other = Vendor("posthog")
    for number in range(3):
        tracked(vendor, number)
        other.send("POST", "/batch/", {"api_key": other.secret, "batch": []})
    vendor.settle()
    replay = asked(vendor)
    vendor.settle()
    assert how_far(replay) == (3, 3, True)
    assert not Delivery.objects.filter(source=other.source, replay_id=replay.pk).exists()


def test_what_comes_in_goes_first(vendor: Vendor) -> None:
    tracked(vendor, 1)
    vendor.settle()
    asked(vendor)
    tracked(vendor, 2)
    newest = Delivery.objects.latest("id")

    assert turns.claim()[0] == [newest.pk]


def test_a_replay_changes_nothing_that_was_taken_even_by_a_rule_that_changed(vendor: Vendor) -> None:
    vendor.rule("name == 'Cart Saved'")
    value = vendor.rule("name == 'Cart Saved'", "observation", value="properties.revenue")
    tracked(vendor, 1, revenue=3, tax=1)
    vendor.settle()
    before = list(Observation.objects.values()), list(UsageEvent.objects.values())
    value.value = "properties.tax"
    value.save()
    vendor.rule("name != 'x'", "observation", value="properties.tax", at="'2026-05-02T00:00:00Z'")
    asked(vendor)
    vendor.settle()
    after = list(Observation.objects.exclude(on="2026-05-02").values()), list(UsageEvent.objects.values())
    assert after == before
    assert vendor.observed() == [3, 1]


def test_deliveries_whose_bytes_are_gone_are_passed_over(vendor: Vendor) -> None:
    tracked(vendor, 1)
    tracked(vendor, 2)
    vendor.settle()
    Delivery.objects.filter(pk=Delivery.objects.earliest("id").pk).update(body=None)
    replay = asked(vendor)
    vendor.settle()
    assert how_far(replay) == (1, 1, True)


def test_two_replays_of_everything_at_once_are_one_too_many(vendor: Vendor) -> None:
    tracked(vendor, 1)
    vendor.settle()
    asked(vendor)
    with pytest.raises(ImpossibleMove):
        asked(vendor)
    vendor.settle()
    asked(vendor)


def test_a_replay_of_nothing_ends(vendor: Vendor) -> None:
    replay = asked(vendor)
    interpret_pending(max_seconds=60)
    assert how_far(replay) == (0, 0, True)


def test_an_item_accepted_once_is_accepted_for_every_source_that_named_it() -> None:
    first, second = Vendor("unleash"), Vendor("unleash", secret="*:prod.second")
    second.source.workspace = first.workspace
    body = {"bucket": {"start": datetime.now(UTC).isoformat(), "toggles": {"new": {"yes": 2, "no": 1}}}}
    first.send("POST", "/client/metrics", body, Authorization=first.secret)
    other = replay_like(first)
    first.settle()
    assert Candidate.objects.count() == 2
    candidate = Candidate.objects.get(source=first.source)
    accept_candidate(workspace=first.workspace, by=PAULA, candidate_id=candidate.pk)
    first.settle()
    assert set(Candidate.objects.values_list("state", flat=True)) == {"accepted"}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert Replay.objects.filter(source=other.source).count() == 1


def test_what_was_said_to_be_read_stays_said_when_some_of_it_is_read_meanwhile(vendor: Vendor) -> None:
    for number in range(4):
        tracked(vendor, number)
    vendor.settle()
    Delivery.objects.filter(pk__gt=Delivery.objects.earliest("id").pk).update(state="pending")
    candidate = Candidate.objects.get()
    accept_candidate(workspace=vendor.workspace, by=PAULA, candidate_id=candidate.pk)
    replay = Replay.objects.get()
    seen = [how_far(replay)]
    interpret_pending_once()
    seen.append(how_far(replay))
    vendor.settle()
    assert [*seen, how_far(replay)] == [(0, 4, False), (0, 4, False), (4, 4, True)]
    assert replay.total == 4


def test_bytes_that_go_meanwhile_do_not_leave_it_short(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "_SLICE", 1)
    for number in range(3):
        tracked(vendor, number)
    vendor.settle()
    replay = asked(vendor)
    replays.feed()
    Delivery.objects.filter(pk=Delivery.objects.latest("id").pk).update(body=None)
    vendor.settle()
    assert how_far(replay) == (3, 3, True)


def test_what_a_person_has_read_again_takes_nothing_back_from_a_replay(vendor: Vendor) -> None:
    tracked(vendor, 1)
    vendor.settle()
    replay = asked(vendor)
    vendor.settle()
    replay_delivery(workspace=vendor.workspace, by=PAULA, delivery_id=vendor.delivery.pk)
    assert how_far(replay) == (1, 1, True)


def replay_like(first: Vendor) -> Delivery:
    """The same report from a second source of the workspace."""
    from outcomes.services.sources import create_source
    from tests.factories import a_delivery

    source, _ = create_source(workspace=first.workspace, by=PAULA, key="second", kind="unleash")
    told = Delivery.objects.get(source=first.source)
    same = {name: getattr(told, name) for name in ("body", "body_bytes", "path", "received_at")}
    return a_delivery(source, **same)
