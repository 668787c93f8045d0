"""Rows become facts: by identity, the highest statement wins, and everything else is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from outcomes.models import (
    Delivery,
    MetricDay,
    Observation,
    Source,
    SourceDay,
    UsageDay,
    UsageEvent,
    UsageSnapshot,
)
from outcomes.pipeline import interpret, settle, turns
from outcomes.pipeline.receive import DeliveryConflict
from outcomes.sources.signatures import Signed
from roadmap.models import Customer, Evidence, Item
from tests.factories import a_metric, a_problem
from tests.outcomes.pipeline.stating import Team, dump, people, used

pytestmark = pytest.mark.django_db

AT = "2026-04-30T10:00:00Z"
EARLY, LATE = datetime(2026, 5, 1, 8, tzinfo=UTC), datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def team() -> Team:
    return Team()


def observed(value: float, **fields: Any) -> dict[str, Any]:
    return {"observations": [{"metric": "m", "at": AT, "value": value, **fields}]}


def test_a_delivery_says_what_was_taken_known_and_refused(team: Team) -> None:
    a_metric(team.workspace, key="m")
    row = {"metric": "m", "at": AT, "value": 1}
    delivery = team.state({"observations": [row, {**row, "series": "eu"}, row, {**row, "metric": "nobody"}]})
    team.settle()
    told = team.told(delivery)
    assert (told.state, told.taken, told.duplicates, told.refused) == ("partial", 2, 1, 1)
    assert told.outcome["refused"] == [
        {"row": "/observations/3", "code": "unknown_metric", "detail": "No metric has the key 'nobody'."}
    ]


def test_another_workspaces_keys_are_unknown(team: Team) -> None:
    other = Team()
    other.item("theirs")
    delivery = team.state({"usage": used("theirs", ["u"], [date(2026, 4, 30)])})
    team.settle()
    assert team.told(delivery).outcome["refused"][0]["code"] == "unknown_item"
    assert not UsageEvent.objects.exists()


def test_the_same_id_and_bytes_are_one_delivery_and_other_bytes_are_not_taken(team: Team) -> None:
    first = team.state({"covers": []}, message_id="msg")
    assert team.state({"covers": []}, message_id="msg") == first
    with pytest.raises(DeliveryConflict):
        team.state({"covers": ["2026-05-01"]}, message_id="msg")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_later_statement_corrects_an_earlier_one_whichever_arrives_first(team: Team, order: Any) -> None:
    a_metric(team.workspace, key="m")
    statements = [(observed(1), EARLY), (observed(2), LATE)]
    for index in order:
        body, signed_at = statements[index]
        team.state(body, signed_at=signed_at)
        team.settle()
    assert Observation.objects.get().value == 2
    assert MetricDay.objects.get().total == 2


def test_what_the_sender_says_of_when_counts_more_than_when_it_was_signed(team: Team) -> None:
    a_metric(team.workspace, key="m")
    team.state({"sent_at": "2026-05-01T07:00:00Z", **observed(1)}, signed_at=LATE)
    team.state({"sent_at": "2026-05-01T08:00:00Z", **observed(2)}, signed_at=EARLY)
    team.settle()
    assert Observation.objects.get().value == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_a_retraction_holds_whether_it_comes_before_or_after(team: Team, is_first: bool) -> None:
    team.item()
    row = {"item": "saved-carts", "actor": "u", "at": AT, "id": "evt"}
    stated = ({"usage": [row]}, EARLY)
    retracted = ({"retract": [{"kind": "usage", "item": "saved-carts", "id": "evt", "at": AT}]}, LATE)
    for body, signed_at in (retracted, stated) if is_first else (stated, retracted):
        team.state(body, signed_at=signed_at)
        team.settle()
    assert UsageEvent.objects.get().is_retracted
    assert not UsageDay.objects.exists()


def test_what_was_retracted_can_be_stated_again(team: Team) -> None:
    a_metric(team.workspace, key="m")
    team.state(observed(1), signed_at=EARLY)
    team.state({"retract": [{"kind": "observation", "metric": "m", "at": AT}]}, signed_at=LATE)
    team.settle()
    assert not MetricDay.objects.exists()
    team.state(observed(3), signed_at=LATE + timedelta(minutes=1))
    team.settle()
    assert MetricDay.objects.get().total == 3


def test_without_an_id_an_actor_uses_an_item_once_an_instant(team: Team) -> None:
    team.item()
    row = {"item": "saved-carts", "actor": "u", "at": AT}
    delivery = team.state({"usage": [row, row, {**row, "actor": "v"}]})
    team.settle()
    assert UsageEvent.objects.count() == 2
    assert team.told(delivery).duplicates == 1


def test_actors_are_kept_only_as_a_hash_of_the_workspaces_own(team: Team) -> None:
    other = Team()
    for one in (team, other):
        one.item()
        one.state({"usage": used("saved-carts", ["mara@example.com"], [date(2026, 4, 30)])})
    team.settle()
    hashes = {bytes(event.actor) for event in UsageEvent.objects.all()}
    assert len(hashes) == 2
    assert all(b"mara" not in actor and len(actor) == 16 for actor in hashes)


def test_snapshots_of_a_day_and_of_a_month_are_kept_beside_each_other(team: Team) -> None:
    team.item()
    day = {"item": "saved-carts", "on": "2026-04-30", "active": 120, "eligible": 4000}
    team.state({"snapshots": [day, {**day, "active": 900, "days": 28}]})
    team.settle()
    assert sorted(UsageSnapshot.objects.values_list("days", "active")) == [(1, 120), (28, 900)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_customer_is_the_same_whether_its_usage_or_its_name_arrives_first(team: Team, order: Any) -> None:
    team.item()
    bodies = [
        {"usage": used("saved-carts", ["u"], [date(2026, 4, 30)], customer="acme")},
        {"customers": [{"key": "acme", "name": "Acme Ltd", "mrr": 420}]},
    ]
    for index in order:
        team.state(bodies[index])
        team.settle()
    customer = Customer.objects.get()
    assert (customer.name, customer.mrr) == ("Acme Ltd", 420)
    assert UsageDay.objects.get().customer == customer


def test_releases_in_any_order_give_the_earliest_day_and_freeze_the_inputs(team: Team) -> None:
    item = team.item(status="delivery", released_on=None, is_release_stated=False, reach=100.0)
    for day in ("2026-04-10", "2026-04-02", "2026-04-20"):
        team.state({"releases": [{"item": "saved-carts", "at": f"{day}T09:00:00Z"}]})
        team.settle()
    item.refresh_from_db()
    assert (item.status, item.released_on) == ("released", date(2026, 4, 2))
    assert item.inputs_at_release == {"reach": 100, "impact": None, "confidence": None, "effort": None}


def test_a_day_of_release_that_a_person_stated_stays(team: Team) -> None:
    item = team.item(released_on=date(2026, 3, 1))
    team.state({"releases": [{"item": "saved-carts", "at": "2026-02-01T09:00:00Z"}]})
    team.settle()
    item.refresh_from_db()
    assert item.released_on == date(2026, 3, 1)


def test_when_its_only_release_was_a_mistake_the_item_is_in_delivery_again(team: Team) -> None:
    item = team.item(status="delivery", released_on=None, is_release_stated=False)
    team.state({"releases": [{"item": "saved-carts", "at": AT}]}, signed_at=EARLY)
    team.state({"retract": [{"kind": "release", "item": "saved-carts", "at": AT}]}, signed_at=LATE)
    team.settle()
    assert Item.objects.get(pk=item.pk).status == "delivery"


def test_evidence_is_corrected_by_its_id_and_the_problem_follows(team: Team) -> None:
    problem = a_problem(team.workspace, key="lost-baskets")
    row = {"problem": "lost-baskets", "kind": "ticket", "id": "zd-1", "customer": "acme", "importance": 3}
    team.state({"evidence": [row]}, signed_at=EARLY)
    team.settle()
    problem.refresh_from_db()
    assert problem.standing.demand == 3
    team.state({"evidence": [{**row, "importance": 1}]}, signed_at=LATE)
    team.settle()
    assert Evidence.objects.get().importance == 1
    problem.standing.refresh_from_db()
    assert problem.standing.demand == 1


def test_a_days_total_is_that_of_the_workspaces_zone_also_when_the_clocks_change() -> None:
    team = Team(pin=date(2026, 5, 1), options={"time_zone": "Europe/Berlin"})
    a_metric(team.workspace, key="m", aggregation="sum")
    # 29 March 2026 has 23 hours in Berlin: from 23:00 to 22:00 UTC.
    instants = [
        "2026-03-28T22:59:59Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T21:59:59Z",
        "2026-03-29T22:00:00Z",
    ]
    team.state({"observations": [{"metric": "m", "at": at, "value": 1} for at in instants]})
    team.settle()
    totals = dict(MetricDay.objects.values_list("on", "total"))
    assert totals == {date(2026, 3, 28): 1, date(2026, 3, 29): 2, date(2026, 3, 30): 1}


def test_replaying_a_delivery_changes_nothing_that_was_taken(team: Team) -> None:
    a_metric(team.workspace, key="m")
    team.item()
    delivery = team.state({**observed(1), "usage": used("saved-carts", people(3), [date(2026, 4, 30)])})
    team.settle()
    before = dump(team.workspace)
    Delivery.objects.filter(pk=delivery).update(state="pending")
    team.settle()
    told = team.told(delivery)
    assert dump(team.workspace) == before
    assert (told.state, told.taken, told.duplicates) == ("done", 0, 4)


def test_a_metric_that_was_added_later_takes_its_rows_on_replay(team: Team) -> None:
    delivery = team.state(observed(1))
    team.settle()
    assert team.told(delivery).state == "partial"
    a_metric(team.workspace, key="m")
    Delivery.objects.filter(pk=delivery).update(state="pending")
    team.settle()
    assert team.told(delivery).state == "done"
    assert Observation.objects.count() == 1


def test_a_body_that_cannot_be_read_fails_with_its_reason_and_the_next_goes_on(team: Team) -> None:
    a_metric(team.workspace, key="m")
    broken, whole = team.state(b"{"), team.state(observed(1))
    team.settle()
    assert team.told(broken).state == "failed"
    assert "JSON" in team.told(broken).outcome["error"]
    assert team.told(whole).state == "done"


def test_a_poison_is_tried_again_then_set_aside_and_blocks_nobody(
    team: Team, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DELIVERY_MAX_ATTEMPTS = 2
    a_metric(team.workspace, key="m")
    real = interpret._take

    def take(delivery: Delivery, *rest: Any) -> Any:
        if delivery.external_id == "poison":
            raise ValueError("boom")
        return real(delivery, *rest)

    monkeypatch.setattr(interpret, "_take", take)
    poison = team.state({"covers": []}, message_id="poison")
    good = team.state(observed(1))
    interpret.interpret_pending(max_seconds=60)
    assert (team.told(poison).state, team.told(good).state) == ("pending", "done")
    Delivery.objects.filter(pk=poison).update(retry_at=None)
    interpret.interpret_pending(max_seconds=60)
    told = team.told(poison)
    assert (told.state, told.attempts) == ("quarantined", 2)
    assert told.outcome["error"] == "ValueError: boom"


def test_a_delivery_whose_workers_all_died_is_set_aside(team: Team, settings: Any) -> None:
    delivery = team.state({"covers": []})
    Delivery.objects.filter(pk=delivery).update(attempts=settings.DELIVERY_MAX_ATTEMPTS)
    interpret.interpret_pending(max_seconds=60)
    assert team.told(delivery).state == "quarantined"


def test_whatever_was_tried_before_is_tried_alone(team: Team) -> None:
    ids = [team.state({"covers": []}) for _ in range(3)]
    Delivery.objects.filter(pk=ids[0]).update(attempts=1)
    assert turns.claim()[0] == [ids[0]]


def test_a_dry_run_tells_and_writes_nothing(team: Team) -> None:
    a_metric(team.workspace, key="m")
    told = interpret.preview(
        team.source, Signed("msg", LATE), b'{"observations": [{"metric": "m"}]}', now=LATE
    )
    assert (told["taken"], told["refused"]) == (0, 1)
    body = b'{"observations": [{"metric": "m", "at": "2026-04-30T10:00:00Z", "value": 1}]}'
    assert interpret.preview(team.source, Signed("msg", LATE), body, now=LATE)["taken"] == 1
    assert not Observation.objects.exists()
    assert not Delivery.objects.exists()
    assert not SourceDay.objects.exists()


def test_a_source_is_known_to_have_been_heard_from(team: Team) -> None:
    team.state({"covers": ["2026-05-01"]})
    team.settle()
    assert Source.objects.get(pk=team.source.pk).last_seen_at is not None


def test_facts_of_any_year_find_a_place(team: Team) -> None:
    a_metric(team.workspace, key="m")
    rows = [
        {"metric": "m", "at": f"{year}-02-28T10:00:00Z", "value": 1}
        for year in ("1901", "1999", "2000", "2024")
    ]
    delivery = team.state({"observations": rows})
    team.settle()
    assert team.told(delivery).taken == 4


def test_two_hundred_deliveries_are_one_batch(team: Team, django_assert_max_num_queries: Any) -> None:
    a_metric(team.workspace, key="m")
    for n in range(200):
        team.state({"observations": [{"metric": "m", "at": AT, "series": str(n), "value": n}]})
    with django_assert_max_num_queries(200 * 6 + 40):
        interpret.interpret_pending(max_seconds=60)
    assert Delivery.objects.filter(state="done").count() == 200
    settle.settle_all(120)
    assert MetricDay.objects.count() == 200


def test_what_one_worker_has_claimed_is_not_counted_as_an_attempt_of_another(team: Team) -> None:
    delivery = team.state({"covers": ["2026-04-30"]})
    assert turns.claim()[0] == [delivery]
    assert turns.claim()[0] == []
    assert team.told(delivery).attempts == 1


def test_a_delivery_whose_worker_died_is_tried_again_after_longer_and_longer(team: Team) -> None:
    delivery = team.state({"covers": ["2026-04-30"]})
    waits = []
    for _ in range(3):
        Delivery.objects.filter(pk=delivery).update(retry_at=None)
        turns.claim()
        before = datetime.now(UTC)
        waits.append((team.told(delivery).retry_at - before).total_seconds())  # type: ignore[operator]
    assert waits[0] < 2 < waits[1] < 4 < waits[2] < 8
    Delivery.objects.filter(pk=delivery).update(retry_at=None)
    team.settle()
    told = team.told(delivery)
    assert (told.state, told.retry_at) == ("done", None)
