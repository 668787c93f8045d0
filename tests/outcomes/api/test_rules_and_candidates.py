"""Rules over the API, and names that become items, metrics and rules with one call."""

from __future__ import annotations

from typing import Any

import pytest

from outcomes.models import Candidate, Delivery, Metric, Rule, UsageEvent
from tests.callers import Caller, codes, pointers
from tests.factories import a_metric, a_source, a_workspace
from tests.outcomes.api.sending import Vendor, at_path, basic

pytestmark = pytest.mark.django_db

REVENUE = {
    "match": "name == 'Order Completed'",
    "to": "observation",
    "metric": "revenue",
    "value": "properties.revenue",
}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor("segment")


@pytest.fixture
def pm(vendor: Vendor) -> Caller:
    return Caller(vendor.workspace)


def tracked(vendor: Vendor, *names: str, **properties: Any) -> Any:
    """Send a batch with one event of each name; ids follow from the names."""
    batch = [
        {
            "type": "track",
            "event": name,
            "userId": "ann",
            "messageId": f"m-{name}-{index}",
            "timestamp": "2026-05-01T10:00:00Z",
            "properties": properties,
        }
        for index, name in enumerate(names)
    ]
    return vendor.send("POST", "/v1/batch", {"batch": batch}, Authorization=basic(vendor.secret))


def test_a_source_of_a_kind_tells_its_key_once(vendor: Vendor, pm: Caller) -> None:
    for kind in ("segment", "posthog", "amplitude", "mixpanel", "unleash", "otlp", "github", "custom"):
        answer = pm.post("sources/", {"key": f"new-{kind}", "kind": kind})
        assert (answer.status_code, bool(answer.json()["secret"])) == (201, True)


def test_a_rule_is_added_beneath_its_source_and_read_changed_and_removed(vendor: Vendor, pm: Caller) -> None:
    answer = pm.post("sources/segment/rules/", REVENUE)
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    assert (told["source"], told["metric"], told["item"]) == ("segment", "revenue", None)
    path = f"rules/{told['id']}/"
    assert pm.get(answer["Location"]).json() == told
    assert pm.patch(path, {"value": "properties.total"}).json()["value"] == "properties.total"
    assert [rule["id"] for rule in pm.get("rules/?source=segment").json()["results"]] == [told["id"]]
    assert pm.delete(path).status_code == 204
    assert not Rule.objects.exists()


def test_what_is_wrong_with_a_tried_rule_is_said_of_the_rule(vendor: Vendor, pm: Caller) -> None:
    said = {"rule": {"match": "na me", "to": "usage"}, "sample": {"name": "x"}}
    answer = pm.post("sources/segment/rules/test/", said)
    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/rule/match", "/rule/item"}


def test_a_bad_rule_is_refused_with_the_place_of_each_complaint(vendor: Vendor, pm: Caller) -> None:
    answer = pm.post("sources/segment/rules/", {"match": "name ==", "to": "usage", "value": "x"})
    assert answer.status_code == 400
    assert pointers(answer) == {"/match", "/item", "/value"}
    assert pm.post("sources/segment/rules/", {**REVENUE, "metric": "nobody"}).status_code == 400
    assert not Rule.objects.exists()


def test_a_source_of_facts_has_no_rules(vendor: Vendor, pm: Caller) -> None:
    a_source(vendor.workspace, key="native")
    assert codes(pm.post("sources/native/rules/", REVENUE)) == {"not_events"}


def test_a_rule_of_another_workspace_is_not_there(vendor: Vendor, pm: Caller) -> None:
    rule = vendor.rule("name == 'x'")
    outsider = Caller(a_workspace())
    assert outsider.get(f"rules/{rule.pk}/").status_code == 404
    assert outsider.get("sources/segment/rules/").status_code == 404
    assert outsider.post("sources/segment/rules/test/", {"sample": {}}).status_code == 404
    assert outsider.get("candidates/").json()["results"] == []


def test_a_sample_shows_what_it_would_become_and_nothing_is_written(vendor: Vendor, pm: Caller) -> None:
    sample = {"name": "Order Completed", "at": "2026-05-01T10:00:00Z", "properties": {"revenue": 9}}
    answer = pm.post("sources/segment/rules/test/", {"rule": REVENUE, "sample": sample})
    (row,) = answer.json()["rows"]["observations"]
    assert (row["metric"], row["value"]) == ("revenue", 9)
    assert answer.json()["refused"] == []
    by_own_rules = pm.post("sources/segment/rules/test/", {"sample": sample}).json()
    assert [refusal["code"] for refusal in by_own_rules["refused"]] == ["unclaimed_event"]
    assert not Rule.objects.exists()


def test_a_sample_that_is_a_body_and_no_event_is_refused_by_what_an_event_has_not(
    vendor: Vendor, pm: Caller
) -> None:
    answer = pm.post("sources/segment/rules/test/", {"sample": {"batch": [], "name": "x"}})
    assert answer.status_code == 400
    assert "'batch'" in answer.json()["errors"][0]["detail"]


def test_a_stored_delivery_shows_what_it_would_become(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Order Completed", "Other", revenue=3)
    told = pm.post("sources/segment/rules/test/", {"rule": REVENUE, "delivery": vendor.delivery.pk}).json()
    assert [event["name"] for event in told["events"]] == ["Order Completed", "Other"]
    assert [row["value"] for row in told["rows"]["observations"]] == [3]
    assert pm.post("sources/segment/rules/test/", {"delivery": 999999}).status_code == 404
    assert pm.post("sources/segment/rules/test/", {}).status_code == 400
    endless = {"sample": {"name": "x", "at": "9" * 400}}
    assert pm.post("sources/segment/rules/test/", endless).status_code == 400


def test_a_name_nobody_claimed_is_a_candidate_counted_once_a_delivery(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Cart Saved", "Cart Saved", "Other")
    vendor.settle()
    for _ in range(2):
        assert pm.post(f"deliveries/{vendor.delivery.pk}/replay/").status_code == 200
        vendor.settle()
    told = pm.get("candidates/").json()["results"]
    assert [(one["kind"], one["name"], one["count"]) for one in told] == [
        ("event", "Cart Saved", 2),
        ("event", "Other", 1),
    ]
    assert told[0]["first_seen_at"] == "2026-05-01T10:00:00Z"
    assert "ann" not in str(told)
    assert vendor.delivery.refused == 3


def test_accepting_an_event_makes_the_item_and_the_rule_and_takes_what_was_said(
    vendor: Vendor, pm: Caller
) -> None:
    tracked(vendor, "Cart Saved", "Other")
    vendor.settle()
    candidate = Candidate.objects.get(name="Cart Saved")
    answer = pm.post(f"candidates/{candidate.pk}/accept/")
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert (told["item"], told["state"], told["replayed"]) == ("cart-saved", "accepted", 1)
    assert Rule.objects.get().match == "name == 'Cart Saved'"
    vendor.settle()
    assert UsageEvent.objects.get().item.key == "cart-saved"
    assert (vendor.delivery.taken, vendor.delivery.refused) == (1, 1)
    assert pm.post(f"candidates/{candidate.pk}/accept/").status_code == 409


def test_what_is_in_use_is_out_since_a_day_that_is_said_with_it(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Cart Saved", "Order Placed", "Other")
    vendor.settle()
    pk = {one.name: one.pk for one in Candidate.objects.all()}
    assert pm.post(f"candidates/{pk['Other']}/accept/").status_code == 200
    assert pm.get("items/other/").json()["status"] == "idea"
    said = {"released_on": "2026-01-15"}
    assert pm.post(f"candidates/{pk['Cart Saved']}/accept/", said).status_code == 200
    item = pm.get("items/cart-saved/").json()
    assert (item["status"], item["released_on"]) == ("released", "2026-01-15")
    # Of one that is out already nothing is moved.
    again = {"item": "cart-saved", "released_on": "2026-02-01"}
    assert pm.post(f"candidates/{pk['Order Placed']}/accept/", again).status_code == 200
    assert pm.get("items/cart-saved/").json()["released_on"] == "2026-01-15"


def test_a_metric_is_not_out_since_any_day_and_a_bad_day_accepts_nothing(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Cart Saved")
    vendor.settle()
    address = f"candidates/{Candidate.objects.get().pk}/accept/"
    assert pointers(pm.post(address, {"to": "observation", "released_on": "2026-01-15"})) == {"/released_on"}
    assert pointers(pm.post(address, {"released_on": "2027-02-29"})) == {"/released_on"}
    assert pointers(pm.post(address, {"released_on": "2300-01-01"})) == {"/released_on"}
    assert Candidate.objects.get().state == "open"
    assert not Metric.objects.filter(key="cart-saved").exists()


def test_accepting_an_event_as_a_metric_takes_its_values(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Order's `Completed`", revenue=5)
    vendor.settle()
    said = {"to": "observation", "key": "turnover", "value": "properties.revenue"}
    answer = pm.post(f"candidates/{Candidate.objects.get().pk}/accept/", said)
    assert (answer.status_code, answer.json()["metric"]) == (200, "turnover")
    vendor.settle()
    assert vendor.observed() == [5]


def test_native_rows_with_unknown_keys_become_items_and_metrics() -> None:
    vendor = Vendor("custom")
    native = Caller(vendor.workspace)
    body = {
        "observations": [{"metric": "nps", "at": "2026-05-01T10:00:00Z", "value": 30}],
        "usage": [{"item": "saved-carts", "actor": "secret-person", "at": "2026-05-01T10:00:00Z"}],
        "snapshots": [{"item": "saved-carts", "on": "2026-05-02", "active": 3, "eligible": 9}],
    }
    native.post("observations/", body)
    found = {(one.kind, one.name): one for one in Candidate.objects.all()}
    assert {key: one.count for key, one in found.items()} == {
        ("metric", "nps"): 1,
        ("item", "saved-carts"): 2,
    }
    assert "secret-person" not in str([one.sample for one in found.values()])
    for one in found.values():
        assert native.post(f"candidates/{one.pk}/accept/").status_code == 200
    vendor.settle()
    assert (Delivery.objects.get().taken, Delivery.objects.get().refused) == (3, 0)


def test_toggles_that_nobody_claimed_are_candidates_too() -> None:
    vendor = Vendor("unleash")
    vendor.item.delete()
    vendor.replay(at_path("/api/client/metrics")[0])
    vendor.settle()
    candidate = Candidate.objects.get(kind="item", name="new-checkout")
    Caller(vendor.workspace).post(f"candidates/{candidate.pk}/accept/")
    vendor.settle()
    vendor.item = type(vendor.item).objects.get(key="new-checkout")
    assert vendor.exposed() == (4, 0)


def test_a_name_that_is_claimed_by_hand_is_a_candidate_no_more(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Cart Saved")
    vendor.settle()
    vendor.rule("name == 'Cart Saved'")
    pm.post(f"deliveries/{vendor.delivery.pk}/replay/")
    vendor.settle()
    assert not Candidate.objects.exists()


def test_a_dismissed_candidate_stays_so_while_it_is_counted(vendor: Vendor, pm: Caller) -> None:
    tracked(vendor, "Noise")
    vendor.settle()
    candidate = Candidate.objects.get()
    assert pm.post(f"candidates/{candidate.pk}/dismiss/").json()["state"] == "dismissed"
    tracked(vendor, "Noise", "Noise")
    vendor.settle()
    candidate.refresh_from_db()
    assert (candidate.state, candidate.count) == ("dismissed", 3)


def test_a_sender_that_makes_up_names_does_not_fill_the_table(vendor: Vendor, monkeypatch: Any) -> None:
    monkeypatch.setattr("outcomes.pipeline.candidates.MOST_NAMES_PER_SOURCE", 5)
    tracked(vendor, *(f"name {number}" for number in range(9)))
    vendor.settle()
    assert Candidate.objects.count() == 5
    assert vendor.delivery.refused == 9


def test_a_viewers_key_may_not_accept(vendor: Vendor) -> None:
    tracked(vendor, "Cart Saved")
    vendor.settle()
    viewer = Caller(vendor.workspace, ["outcomes:read"])
    assert viewer.post(f"candidates/{Candidate.objects.get().pk}/accept/").status_code == 403
    assert viewer.post("sources/segment/rules/", REVENUE).status_code == 403


def test_a_name_that_can_be_no_key_is_to_be_changed_where_it_comes_from(vendor: Vendor) -> None:
    pm = Caller(vendor.workspace)
    pm.post(
        "observations/",
        {"observations": [{"metric": "queue / size", "at": "2026-05-01T10:00:00Z", "value": 1}]},
    )
    answer = pm.post(f"candidates/{Candidate.objects.get().pk}/accept/")
    assert answer.status_code == 400
    assert "have its sender call it otherwise" in answer.json()["detail"]


def test_accepting_as_an_existing_metric_makes_no_second_one(vendor: Vendor, pm: Caller) -> None:
    a_metric(vendor.workspace, key="orders", aggregation="sum")
    tracked(vendor, "Order")
    vendor.settle()
    said = {"to": "observation", "key": "orders"}
    assert pm.post(f"candidates/{Candidate.objects.get().pk}/accept/", said).status_code == 200
    vendor.settle()
    assert vendor.observed() == [1]
