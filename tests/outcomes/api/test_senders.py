"""What the vendors' libraries sent, replayed byte for byte: what they are told, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from outcomes.models import Delivery, Observation
from outcomes.sources.signatures import signed_headers
from tests.factories import a_metric, a_problem, an_item
from tests.outcomes.api.sending import Vendor, at_path, basic, hub_signature

pytestmark = pytest.mark.django_db

USED = "name == 'Checkout Completed'"


# --- Segment and RudderStack ----------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [one for one in at_path("/v1/batch") if "Checkout" in one["body"]])
def test_a_segment_batch_becomes_usage_and_revenue(request_: dict[str, Any]) -> None:
    vendor = Vendor("segment")
    vendor.rule(USED)
    vendor.rule(USED, "observation", value="properties.revenue")
    answer = vendor.replay(request_)
    vendor.settle()
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(vendor.uses()) == 1
    assert vendor.observed() == [12.5]
    assert (vendor.delivery.state, vendor.delivery.taken, vendor.delivery.refused) == ("done", 2, 0)


def test_a_batch_sent_twice_is_one_delivery_and_sent_anew_states_the_same_facts() -> None:
    vendor = Vendor("segment")
    vendor.rule(USED)
    vendor.rule(USED, "observation", value="properties.revenue")
    request = at_path("/v1/batch")[0]
    for _ in range(2):
        assert vendor.replay(request).status_code == 200
    again = json.loads(request["body"]) | {"sentAt": "2026-11-22T21:30:09Z"}
    assert vendor.replay({**request, "body": json.dumps(again)}).status_code == 200
    vendor.settle()
    assert Delivery.objects.count() == 2
    assert (vendor.uses(), vendor.observed()) == (["2026-11-01"], [12.5])


def test_a_packed_batch_is_read() -> None:
    vendor = Vendor("segment")
    vendor.rule("name == 'E'")
    (packed,) = [one for one in at_path("/v1/batch") if one["headers"].get("Content-Encoding") == "gzip"]
    assert vendor.replay(packed).status_code == 200
    vendor.settle()
    assert len(vendor.uses()) == 1


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import"])
def test_a_library_that_drops_the_path_is_found_by_its_write_key(path: str) -> None:
    vendor = Vendor("segment")
    vendor.rule(USED)
    request = at_path("/v1/batch")[0]
    headers = {"Authorization": basic("wk_test")}
    answer = Client().post(path, request["body"], "application/json", headers=headers)
    vendor.settle()
    assert (answer.status_code, vendor.uses()) == (200, ["2026-11-01"])


def test_a_write_key_of_nobody_is_a_stranger_at_the_root() -> None:
    Vendor("segment")
    for headers in ({"Authorization": basic("wk_other")}, {"Authorization": "Basic %%"}, {}):
        assert Client().post("/v1/batch", "{}", "application/json", headers=headers).status_code == 401


def test_a_clock_two_hours_behind_is_corrected_and_a_backfilled_time_is_kept() -> None:
    vendor = Vendor("segment")
    vendor.rule("name == 'E'")
    now = datetime.now(UTC)
    wrong = now - timedelta(hours=2)
    track = {"type": "track", "event": "E", "userId": "u"}
    batch = [
        {**track, "messageId": "live", "timestamp": wrong.isoformat()},
        {**track, "messageId": "old", "timestamp": "2026-03-01T10:00:00Z"},
    ]
    body = {"batch": batch, "sentAt": wrong.isoformat()}
    vendor.send("POST", "/v1/batch", body, Authorization=basic("wk_test"))
    vendor.settle()
    from outcomes.models import UsageEvent

    times = dict(UsageEvent.objects.values_list("event_id", "at"))
    assert abs(times["live"] - now) < timedelta(minutes=1)
    assert times["old"] == datetime(2026, 3, 1, 10, tzinfo=UTC)


# --- PostHog, Amplitude, Mixpanel ----------------------------------------------------------------------


def test_a_posthog_batch_becomes_usage_and_its_own_events_are_not_refused() -> None:
    vendor = Vendor("posthog")
    vendor.rule("name == 'checkout completed'")
    answer = vendor.replay(at_path("/batch/")[0])
    vendor.settle()
    assert (answer.status_code, answer.json()) == (200, {"status": 1})
    assert (vendor.uses(), vendor.delivery.refused) == (["2026-11-01"], 0)


def test_posthogs_newer_protocol_proves_itself_by_a_bearer_and_hears_results() -> None:
    vendor = Vendor("posthog")
    vendor.rule("name == 'checkout completed'")
    answer = vendor.replay(at_path("/i/v1/analytics/events")[0])
    vendor.settle()
    assert (answer.status_code, answer.json()) == (200, {"results": {}})
    assert len(vendor.uses()) == 1


def test_a_packed_posthog_batch_is_read() -> None:
    vendor = Vendor("posthog")
    vendor.rule("name == 'gz event'")
    assert vendor.replay(at_path("/batch/")[1]).status_code == 200
    vendor.settle()
    assert len(vendor.uses()) == 1


def test_posthog_asking_for_flags_is_answered_and_nothing_is_kept() -> None:
    vendor = Vendor("posthog")
    answer = vendor.replay(at_path("/flags/")[0])
    assert (answer.status_code, answer.json()["flags"]) == (200, {})
    assert not Delivery.objects.exists()


def test_amplitude_hears_a_code_in_the_body() -> None:
    vendor = Vendor("amplitude")
    vendor.rule("name == 'checkout_completed'", item_key="properties.feature")
    answer = vendor.replay(at_path("/2/httpapi")[0])
    vendor.settle()
    assert (answer.status_code, answer.json()["code"]) == (200, 200)
    assert vendor.uses() == ["2026-11-01"]


def test_a_mixpanel_form_becomes_usage() -> None:
    vendor = Vendor("mixpanel")
    vendor.rule(USED)
    answer = vendor.replay(at_path("/track")[0])
    vendor.settle()
    assert (answer.status_code, answer.json()["status"]) == (200, 1)
    assert len(vendor.uses()) == 1


def test_mixpanels_node_library_sends_base64_in_the_query_and_hears_1() -> None:
    vendor = Vendor("mixpanel")
    vendor.rule(USED)
    answer = vendor.replay(at_path("/track", "GET")[0])
    vendor.settle()
    assert (answer.status_code, answer.content) == (200, b"1")
    assert len(vendor.uses()) == 1


def test_a_mixpanel_import_proves_itself_by_basic() -> None:
    vendor = Vendor("mixpanel", secret="secret")
    vendor.rule("name == 'Old Event'")
    assert vendor.replay(at_path("/import")[0]).status_code == 200
    vendor.settle()
    assert len(vendor.uses()) == 1


def test_no_event_comes_in_on_the_back_of_anothers_token() -> None:
    vendor = Vendor("mixpanel")
    events = [{"event": "A", "properties": {"token": token}} for token in ("mp_token", "other")]
    assert vendor.send("POST", "/track", events).status_code == 401


# --- flags ----------------------------------------------------------------------------------------------


def test_unleash_counts_become_exposures_and_what_it_asks_for_is_answered() -> None:
    vendor = Vendor("unleash")
    register, metrics = at_path("/api/client/register")[0], at_path("/api/client/metrics")[0]
    assert vendor.replay(register).status_code == 202
    features = vendor.replay(at_path("/api/client/features", "GET")[0])
    assert (features.status_code, features.json()["features"]) == (200, [])
    for _ in range(2):
        assert vendor.replay(metrics).status_code == 202
    vendor.settle()
    assert vendor.exposed() == (4, 0)
    assert vendor.uses() == []


def test_unleash_counts_are_deltas_and_add_up_whatever_is_replayed() -> None:
    vendor = Vendor("unleash")
    first, second = at_path("/api/client/metrics")[:2]
    vendor.replay(first)
    vendor.replay(second)
    vendor.settle()
    Delivery.objects.update(state="pending", retry_at=None, attempts=0)
    vendor.settle()
    assert vendor.exposed() == (5, 0)


@pytest.mark.parametrize(
    ("start", "code"), [("9999-12-31T23:59:59Z", "in_the_future"), ("9" * 400, "bad_value")]
)
def test_unleash_counts_of_no_time_of_ours_are_refused_and_not_set_aside(start: str, code: str) -> None:
    vendor = Vendor("unleash")
    vendor.workspace.time_zone = "Europe/Berlin"
    vendor.workspace.save()
    body = {"bucket": {"start": start, "toggles": {"new-checkout": {"yes": 2, "no": 1}}}}
    tried = vendor.send("POST", "/client/metrics?dry_run=true", body, Authorization=vendor.secret)
    vendor.send("POST", "/client/metrics", body, Authorization=vendor.secret)
    vendor.settle()
    told = vendor.delivery
    assert (tried.status_code, tried.json()["refused"]) == (200, 1)
    assert (told.state, told.outcome["refused"][0]["code"], vendor.exposed()) == ("partial", code, (0, 0))


def test_unleashs_impact_metrics_become_observations() -> None:
    vendor = Vendor("unleash")
    a_metric(vendor.workspace, key="checkout_completed", aggregation="sum")
    for request in at_path("/api/client/metrics"):
        vendor.replay(request)
    vendor.settle()
    assert vendor.observed() == [2.0]


def test_flagsmith_counts_without_a_time_become_exposures() -> None:
    vendor = Vendor("flagsmith")
    flag = an_item(vendor.workspace, key="new_checkout")
    vendor.item = flag
    answer = vendor.replay(at_path("/api/v1/analytics/flags/")[0])
    vendor.settle()
    assert (answer.status_code, vendor.exposed()) == (200, (3, 0))


def test_flagsmith_is_told_of_the_items_as_flags_so_that_it_counts_them() -> None:
    vendor = Vendor("flagsmith")
    answer = vendor.replay(at_path("/api/v1/flags/", "GET")[0])
    assert [(flag["feature"]["name"], flag["enabled"]) for flag in answer.json()] == [("new-checkout", False)]
    stranger = {"method": "GET", "path": "/api/v1/flags/", "headers": {"X-Environment-Key": "x"}, "body": ""}
    assert vendor.replay(stranger).status_code == 401


def test_flagsmith_events_are_exposures_or_go_through_rules() -> None:
    vendor = Vendor("flagsmith")
    vendor.item = an_item(vendor.workspace, key="new_checkout")
    vendor.rule("name == 'purchase'", "observation", value="to_number(properties.value)")
    assert vendor.replay(at_path("/v1/events")[0]).status_code == 200
    vendor.settle()
    assert (vendor.exposed(), vendor.observed()) == ((1, 0), [12.5])


def test_launchdarkly_summaries_become_exposures_and_custom_events_go_through_rules() -> None:
    vendor = Vendor("launchdarkly")
    vendor.rule("name == 'checkout completed'", "observation", value="properties.metricValue")
    latest = vendor.replay(at_path("/sdk/latest-all", "GET")[0])
    assert latest.json() == {"flags": {}, "segments": {}}
    for _ in range(2):
        assert vendor.replay(at_path("/bulk")[0]).status_code == 202
    vendor.settle()
    assert (vendor.exposed(), vendor.observed()) == ((1, 0), [12.5])


# --- CloudEvents, OTLP -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["to_binary", "to_structured", "batched"])
def test_a_cloud_event_in_any_mode_becomes_an_observation(mode: str) -> None:
    vendor = Vendor("cloudevents")
    vendor.rule("name == 'com.example.outcome'", "observation", value="properties.value")
    bearer = {"Authorization": f"Bearer {vendor.secret}"}
    if mode == "batched":
        event = json.loads(at_path("/cloudevents/to_structured")[0]["body"])
        kind = "application/cloudevents-batch+json"
        answer = vendor.send("POST", "", [event], **bearer, **{"Content-Type": kind})
    else:
        answer = vendor.replay({**at_path(f"/cloudevents/{mode}")[0], "path": ""}, **bearer)
    vendor.settle()
    assert answer.status_code == 202
    assert vendor.observed() == [0.31]


def test_a_cloud_event_may_be_signed_by_standard_webhooks() -> None:
    vendor = Vendor("cloudevents")
    request = at_path("/cloudevents/to_structured")[0]
    headers = signed_headers(
        vendor.secret, "msg_1", int(datetime.now(UTC).timestamp()), request["body"].encode()
    )
    assert vendor.replay({**request, "path": ""}, **headers).status_code == 202
    assert vendor.replay({**request, "path": ""}, **{**headers, "webhook-id": "2"}).status_code == 401


def _otlp(points: list[tuple[int, int]], start: int = 1_777_600_000, kind: str = "sum") -> dict[str, Any]:
    """An export of a cumulative counter; points are (seconds after the start, value)."""
    data = [
        {
            "startTimeUnixNano": str(start * 10**9),
            "timeUnixNano": str((start + seconds) * 10**9),
            "asInt": str(value),
        }
        for seconds, value in points
    ]
    body = {"dataPoints": data, "aggregationTemporality": 2, "isMonotonic": True}
    metric = {"name": "revenue", kind: body if kind == "sum" else {"dataPoints": data}}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}


def _exported(vendor: Vendor, *bodies: dict[str, Any]) -> list[float]:
    for body in bodies:
        answer = vendor.send("POST", "/v1/metrics", body, Authorization=f"Bearer {vendor.secret}")
        assert (answer.status_code, answer.json()) == (200, {})
        vendor.settle()
    return vendor.observed()


def test_an_otlp_gauge_is_a_level_and_a_cumulative_sum_its_differences() -> None:
    assert _exported(Vendor("otlp"), _otlp([(10, 5), (20, 7)], kind="gauge")) == [5, 7]
    assert _exported(Vendor("otlp"), _otlp([(10, 3)]), _otlp([(20, 3)]), _otlp([(30, 10)])) == [3, 0, 7]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_the_differences_do_not_depend_on_the_order_of_the_points(order: tuple[int, ...]) -> None:
    bodies = [_otlp([(10, 3)]), _otlp([(20, 5)]), _otlp([(30, 10)])]
    vendor = Vendor("otlp")
    _exported(vendor, *(bodies[index] for index in order), bodies[order[0]])
    assert vendor.observed() == [3, 2, 5]


def test_a_counter_that_starts_again_counts_from_nothing() -> None:
    restarted = _otlp([(5, 4)], start=1_777_600_100)
    assert _exported(Vendor("otlp"), _otlp([(10, 3)]), restarted) == [3, 4]
    # The same start and a lower value: it was reset without saying so.
    assert _exported(Vendor("otlp"), _otlp([(10, 8), (20, 2)])) == [8, 2]


def test_the_captured_export_is_read_and_its_histogram_is_refused_by_name() -> None:
    vendor = Vendor("otlp")
    a_metric(vendor.workspace, key="feature.usage", aggregation="sum")
    a_metric(vendor.workspace, key="q")
    for request in at_path("/otlp-json/v1/metrics"):
        vendor.replay({**request, "path": "/v1/metrics"}, Authorization=f"Bearer {vendor.secret}")
    vendor.settle()
    by_metric = list(Observation.objects.order_by("metric__key", "at").values_list("metric__key", "value"))
    assert by_metric == [("feature.usage", 3.0), ("feature.usage", 0.0), ("q", 2.0), ("q", 2.0)]
    refused = Delivery.objects.order_by("id")[0].outcome["refused"]
    assert [row["code"] for row in refused] == ["unsupported"]


def test_bad_points_of_a_running_total_are_refused_and_the_good_ones_counted() -> None:
    vendor = Vendor("otlp")
    body = _otlp([(10, 3), (20, 5), (30, 7), (40, 9), (50, 11)])
    points = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"]
    points[1]["timeUnixNano"] = "9000000000000000000"
    points[2]["asDouble"] = 1.7e308
    points[3]["attributes"] = [{"key": "region", "value": {"stringValue": "\x00"}}]
    points[4]["attributes"] = [{"key": "region", "value": {"stringValue": "\ud800"}}]
    tried = vendor.send("POST", "/v1/metrics?dry_run=true", body, Authorization=f"Bearer {vendor.secret}")
    assert (tried.status_code, tried.json()["taken"], tried.json()["refused"]) == (200, 1, 4)
    assert _exported(vendor, body) == [3]
    assert (vendor.delivery.state, vendor.delivery.taken) == ("partial", 1)
    codes = [row["code"] for row in vendor.delivery.outcome["refused"]]
    assert codes == ["in_the_future", "out_of_range", "bad_value", "bad_value"]


def test_an_otlp_export_may_be_protobuf() -> None:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    vendor = Vendor("otlp")
    packed = ParseDict(_otlp([(10, 3), (20, 5)]), ExportMetricsServiceRequest()).SerializeToString()
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {vendor.secret}"}
    answer = vendor.send("POST", "/v1/metrics", packed, **headers)
    vendor.settle()
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/x-protobuf")
    assert vendor.observed() == [3, 2]


# --- trackers and anything else ---------------------------------------------------------------------------


def _github(vendor: Vendor, event: str, payload: dict[str, Any]) -> Any:
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": hub_signature(vendor.secret, body)}
    return vendor.send("POST", "", body, **headers)


def _release(**fields: Any) -> dict[str, Any]:
    told = {
        "tag_name": "new-checkout-v1.2.0",
        "name": "New checkout",
        "published_at": "2026-04-20T09:00:00Z",
        "html_url": "https://example.com/r/1",
        "draft": False,
        "prerelease": False,
        "body": "",
    }
    return {"action": "published", "release": {**told, **fields}, "repository": {"name": "shop"}}


@pytest.mark.parametrize(
    "fields",
    [{}, {"tag_name": "v3", "name": "v3", "body": "More speed.\n\nItems: `new-checkout`, other"}],
)
def test_a_published_release_releases_the_item_it_names(fields: dict[str, Any]) -> None:
    vendor = Vendor("github")
    assert _github(vendor, "release", _release(**fields)).status_code == 202
    vendor.settle()
    vendor.item.refresh_from_db()
    assert (vendor.item.status, str(vendor.item.released_on)) == ("released", "2026-04-20")


def test_a_draft_and_a_forged_signature_release_nothing() -> None:
    vendor = Vendor("github")
    _github(vendor, "release", _release(draft=True))
    vendor.settle()
    vendor.item.refresh_from_db()
    assert vendor.item.status == "idea"
    vendor.secret = "guessed"
    assert _github(vendor, "release", _release()).status_code == 401


def test_an_issue_with_a_problems_label_becomes_evidence_and_goes_with_the_label() -> None:
    vendor = Vendor("github")
    problem = a_problem(vendor.workspace, key="lost-baskets")
    issue = {
        "number": 7,
        "title": "My basket is gone",
        "body": "Again.",
        "html_url": "https://example.com/i/7",
        "created_at": "2026-04-20T09:00:00Z",
        "updated_at": "2026-04-20T09:00:00Z",
        "labels": [{"name": "problem: lost-baskets"}],
    }
    repository = {"full_name": "acme/shop"}
    _github(vendor, "issues", {"action": "labeled", "issue": issue, "repository": repository})
    vendor.settle()
    held = problem.evidence.get()
    assert (held.external_id, held.kind, str(held.observed_on)) == (
        "github:acme/shop#7",
        "ticket",
        "2026-04-20",
    )
    gone = {**issue, "labels": [], "updated_at": "2026-04-21T09:00:00Z"}
    label = {"name": "problem: lost-baskets"}
    _github(
        vendor, "issues", {"action": "unlabeled", "issue": gone, "label": label, "repository": repository}
    )
    vendor.settle()
    held.refresh_from_db()
    assert held.is_retracted


def test_a_done_issue_releases_the_item_that_names_it() -> None:
    vendor = Vendor("jira")
    vendor.item.url = "https://acme.example.com/browse/SHOP-12"
    vendor.item.save()
    payload = {
        "timestamp": 1777000000000,
        "webhookEvent": "jira:issue_updated",
        "issue": {"key": "SHOP-12", "fields": {"status": {"statusCategory": {"key": "done"}}}},
        "changelog": {"items": [{"field": "status", "toString": "Done"}]},
    }
    body = json.dumps(payload).encode()
    answer = vendor.send("POST", "", body, **{"X-Hub-Signature": hub_signature(vendor.secret, body)})
    vendor.settle()
    vendor.item.refresh_from_db()
    assert (answer.status_code, vendor.item.status) == (202, "released")


@pytest.mark.parametrize("proof", ["basic", "bearer", "hmac", "standard"])
def test_any_json_comes_in_by_any_of_four_proofs(proof: str) -> None:
    vendor = Vendor("custom")
    vendor.rule("properties.type == 'sale'", "observation", value="properties.amount")
    body = json.dumps({"type": "sale", "amount": 3, "at": "2026-05-01T10:00:00.123456789Z"}).encode()
    headers = {
        "basic": {"Authorization": basic("us", vendor.secret)},
        "bearer": {"Authorization": f"Bearer {vendor.secret}"},
        "hmac": {"X-Signature": hub_signature(vendor.secret, body)},
        "standard": signed_headers(vendor.secret, "msg_1", int(datetime.now(UTC).timestamp()), body),
    }[proof]
    assert vendor.send("POST", "", body, **headers).status_code == 202
    vendor.settle()
    assert vendor.observed() == [3]


# --- every kind -------------------------------------------------------------------------------------------

KINDS = (
    "segment",
    "posthog",
    "amplitude",
    "mixpanel",
    "cloudevents",
    "otlp",
    "unleash",
    "flagsmith",
    "launchdarkly",
    "github",
    "jira",
    "custom",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_hears_the_same_at_every_door(kind: str) -> None:
    vendor = Vendor(kind)
    told = [vendor.send("POST", "", body) for body in (b"{}", b"", b"\xff", b"[" * 100)]
    assert {(one.status_code, one.json()["detail"]) for one in told} == {
        (401, "The signature could not be verified.")
    }
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_fits_what_its_library_calls_a_key(kind: str) -> None:
    vendor = Vendor(kind, secret=None)
    assert vendor.secret
    assert vendor.source.secrets.get().secret == vendor.secret


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"7", b'"x"', b"[1, null, []]", b'{"batch": 1}', b"\xff\xfe", b"[" * 40],
)
@pytest.mark.parametrize(
    "kind", ["segment", "cloudevents", "otlp", "unleash", "flagsmith", "launchdarkly", "custom"]
)
def test_nonsense_with_a_good_key_is_kept_and_ends_with_a_reason(kind: str, body: bytes) -> None:
    vendor = Vendor(kind)
    keys = {
        "segment": {"Authorization": basic(vendor.secret)},
        "flagsmith": {"X-Environment-Key": vendor.secret},
        "unleash": {"Authorization": vendor.secret},
        "launchdarkly": {"Authorization": vendor.secret},
    }
    headers = keys.get(kind, {"Authorization": f"Bearer {vendor.secret}"})
    assert vendor.send("POST", "", body, **headers).status_code in (200, 202)
    vendor.settle()
    assert vendor.delivery.state in ("done", "partial", "failed")
    assert "Error" not in vendor.delivery.outcome.get("error", "")
