from __future__ import annotations

import base64
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outcomes.models import Delivery, Metric, Outcome, ScoringModel, Source, SourceDay, SourceSecret
from productops.workspaces.models import Workspace
from tests.callers import Caller, codes, pointers
from tests.factories import (
    a_delivery,
    a_metric,
    a_metric_day,
    a_source,
    a_value,
    a_workspace,
    an_item,
    an_outcome,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def paula(workspace: Workspace) -> Caller:
    return Caller(workspace)


def listed(response: Any, name: str = "key") -> list[Any]:
    assert response.status_code == 200, response.content
    return [row[name] for row in response.json()["results"]]


# --- metrics -------------------------------------------------------------------------------------------


def test_a_metric_is_made_found_by_its_dotted_key_and_changed(paula: Caller) -> None:
    made = paula.post("metrics/", {"key": "checkout.conversion", "unit": "%"})
    assert made.status_code == 201, made.content
    assert made["Location"].endswith("/api/v1/metrics/checkout.conversion/")
    assert made.json()["name"] == "checkout.conversion"
    changed = paula.patch("metrics/checkout.conversion/", {"direction": "decrease"}).json()
    assert (changed["direction"], changed["version"]) == ("decrease", 2)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/key"),
        ({"key": "42"}, "/key"),
        ({"key": "a b"}, "/key"),
        ({"key": "ok", "aggregation": "median"}, "/aggregation"),
        ({"key": "ok", "direction": "up"}, "/direction"),
        ({"key": "ok", "colour": "red"}, "/colour"),
        ({"key": "ok", "version": 7}, "/version"),
    ],
)
def test_a_bad_metric_is_refused_by_field(paula: Caller, body: dict[str, Any], pointer: str) -> None:
    response = paula.post("metrics/", body)
    assert (response.status_code, pointers(response)) == (400, {pointer})
    assert not Metric.objects.exists()


def test_a_metric_key_that_is_taken_is_409(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="sessions")
    response = paula.post("metrics/", {"key": "sessions"})
    assert (response.status_code, pointers(response)) == (409, {"/key"})


def test_an_edit_of_a_metric_needs_the_version_it_is_based_on(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="sessions")
    assert paula.send("patch", "metrics/sessions/", {"unit": "x"}).status_code == 428
    assert paula.patch("metrics/sessions/", {"unit": "x"}, match='"9.abc"').status_code == 412


def test_a_metric_with_history_is_archived_and_restored(workspace: Workspace, paula: Caller) -> None:
    a_metric_day(a_metric(workspace, key="sessions"), date(2026, 5, 1), 3)
    assert paula.delete("metrics/sessions/").status_code == 204
    assert listed(paula.get("metrics/")) == []
    assert listed(paula.get("metrics/?archived=true")) == ["sessions"]
    assert paula.post("metrics/sessions/restore/").status_code == 200
    assert listed(paula.get("metrics/")) == ["sessions"]


def test_a_metric_without_history_is_deleted(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="sessions")
    assert paula.delete("metrics/sessions/").status_code == 204
    assert paula.get("metrics/sessions/").status_code == 404


def test_a_metric_tells_its_newest_day(workspace: Workspace, paula: Caller) -> None:
    metric = a_metric(workspace, key="sessions")
    assert paula.get("metrics/sessions/").json()["last_on"] is None
    for day in (3, 1):
        a_metric_day(metric, date(2026, 5, day), 3)
    assert paula.get("metrics/sessions/").json()["last_on"] == "2026-05-03"


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [("sum", 10.0), ("count", 3.0), ("mean", 10 / 3), ("last", 6.0), ("min", 1.0), ("max", 6.0)],
)
def test_a_series_merges_its_labels_as_the_metric_aggregates(
    workspace: Workspace, paula: Caller, aggregation: str, expected: float
) -> None:
    Workspace.objects.update(pinned_on=date(2026, 5, 2))
    metric = a_metric(workspace, key="sessions", aggregation=aggregation)
    a_metric_day(metric, date(2026, 5, 1), 4, series="eu", count=2, low=1, high=3, last=3)
    a_metric_day(metric, date(2026, 5, 1), 6, series="us")
    told = paula.get("metrics/sessions/series/").json()
    assert told["labels"] == ["eu", "us"]
    assert told["results"] == [{"on": "2026-05-01", "value": pytest.approx(expected), "count": 3}]


def test_a_series_is_cut_to_days_and_a_label(workspace: Workspace, paula: Caller) -> None:
    metric = a_metric(workspace, key="sessions")
    for day in (1, 2, 3):
        a_metric_day(metric, date(2026, 5, day), day, series="eu")
    a_metric_day(metric, date(2026, 5, 2), 100, series="us")
    told = paula.get("metrics/sessions/series/?from=2026-05-02&to=2026-05-03&series=eu").json()
    assert [(row["on"], row["value"]) for row in told["results"]] == [("2026-05-02", 2), ("2026-05-03", 3)]


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "from=2026-05-02&to=2026-05-01", "from=1990-01-01", "colour=red", "page_size=2"],
)
def test_a_series_that_cannot_be_told_is_400(workspace: Workspace, paula: Caller, query: str) -> None:
    a_metric(workspace, key="sessions")
    assert paula.get(f"metrics/sessions/series/?{query}").status_code == 400
    assert paula.get(f"metrics/sessions/series.csv?{query}").status_code == 400


def test_a_series_is_told_from_the_first_day_of_all(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="sessions")
    assert paula.get("metrics/sessions/series/?to=0001-01-01").status_code == 200


def test_a_series_is_exported_by_the_key_with_dots(workspace: Workspace, paula: Caller) -> None:
    Workspace.objects.update(pinned_on=date(2026, 5, 2))
    a_metric_day(a_metric(workspace, key="checkout.conversion"), date(2026, 5, 1), 2.5)
    response = paula.get("metrics/checkout.conversion/series.csv")
    assert b"".join(response.streaming_content) == b"on,value,count\r\n2026-05-01,2.5,1\r\n"


# --- outcomes ------------------------------------------------------------------------------------------


def test_an_outcome_takes_an_item_and_a_metric_and_nothing_more(workspace: Workspace, paula: Caller) -> None:
    item = an_item(workspace, key="carts")
    a_metric(workspace, key="checkout.conversion")
    response = paula.post("outcomes/", {"item": "carts", "metric": "checkout.conversion"})
    assert response.status_code == 201, response.content
    told = response.json()
    assert (told["item"], told["metric"], told["role"], told["weight"]) == (
        "carts",
        "checkout.conversion",
        "primary",
        1,
    )
    assert listed(paula.get(f"outcomes/?item={item.pk}"), "id") == [told["id"]]
    assert listed(paula.get("outcomes/?item=carts"), "id") == [told["id"]]
    assert [shown["id"] for shown in paula.get("items/carts/").json()["outcomes"]] == [told["id"]]


def test_an_outcome_tells_how_it_stands(workspace: Workspace, paula: Caller) -> None:
    outcome = an_outcome(an_item(workspace), target=2.6)
    reading = {"id": outcome.pk, "baseline": 2.0, "baseline_from": "measured", "current": 2.3}
    reading |= {"attainment": 0.5, "pace": 1.1, "grade": "observed", "missing": []}
    a_value(outcome.item, explanation={"outcomes": [reading]})
    told = paula.get(f"outcomes/{outcome.pk}/").json()
    assert (told["baseline"], told["baseline_used"], told["baseline_from"]) == (None, 2.0, "measured")
    assert (told["current"], told["attainment"], told["pace"], told["grade"]) == (2.3, 0.5, 1.1, "observed")


def test_an_outcome_is_changed_and_taken_away(workspace: Workspace, paula: Caller) -> None:
    outcome = an_outcome(an_item(workspace))
    changed = paula.patch(f"outcomes/{outcome.pk}/", {"target": 3, "due_on": "2026-06-30"}).json()
    assert (changed["target"], changed["due_on"], changed["version"]) == (3, "2026-06-30", 2)
    assert paula.delete(f"outcomes/{outcome.pk}/").status_code == 204
    assert not Outcome.objects.exists()


def test_replacing_an_outcome_clears_what_is_left_out(workspace: Workspace, paula: Caller) -> None:
    outcome = an_outcome(an_item(workspace), target=3, role="guardrail", controls=[])
    body = {"item": outcome.item.key, "metric": outcome.metric.key, "baseline": 1.5}
    told = paula.put(f"outcomes/{outcome.pk}/", body, match="*").json()
    assert (told["baseline"], told["target"], told["role"]) == (1.5, None, "primary")


def test_an_outcome_keeps_its_item_and_metric(workspace: Workspace, paula: Caller) -> None:
    outcome = an_outcome(an_item(workspace))
    other = an_item(workspace)
    response = paula.patch(f"outcomes/{outcome.pk}/", {"item": other.key})
    assert (response.status_code, pointers(response)) == (400, {"/item"})


def test_a_second_outcome_on_the_same_metric_is_409(workspace: Workspace, paula: Caller) -> None:
    outcome = an_outcome(an_item(workspace))
    body = {"item": outcome.item.key, "metric": outcome.metric.key}
    assert paula.post("outcomes/", body).status_code == 409
    assert paula.post("outcomes/", {**body, "series": ""}).status_code == 409
    assert paula.post("outcomes/", {**body, "series": "eu"}).status_code == 201


def test_an_outcome_cannot_name_an_item_of_another_workspace(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="ok")
    foreign = an_item(a_workspace(), key="theirs")
    for ref in (foreign.pk, "theirs"):
        response = paula.post("outcomes/", {"item": ref, "metric": "ok"})
        assert (response.status_code, codes(response)) == (400, {"does_not_exist"})


# --- sources -------------------------------------------------------------------------------------------


def test_a_source_tells_its_secret_once(paula: Caller) -> None:
    response = paula.post("sources/", {"key": "warehouse", "name": "Warehouse", "cadence": "daily"})
    assert response.status_code == 201, response.content
    made = response.json()
    source = Source.objects.get()
    assert (made["key"], made["kind"]) == ("warehouse", "productops")
    assert made["url"].startswith("http")
    assert made["url"].endswith(f"/in/{source.token}")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) >= 24
    assert response["Cache-Control"] == "no-store"
    assert "secret" not in paula.get("sources/warehouse/").json()
    assert "secret" not in paula.get("sources/").json()["results"][0]
    assert made["secret"] not in str(paula.patch("sources/warehouse/", {"name": "W"}).content)


def test_a_rotated_secret_is_new_and_the_old_one_stays_valid_for_a_while(paula: Caller) -> None:
    first = paula.post("sources/", {"key": "warehouse"}).json()["secret"]
    second = paula.post("sources/warehouse/rotate-secret/").json()["secret"]
    assert first != second
    assert SourceSecret.objects.get(secret=first).expires_at > timezone.now()
    paula.post("sources/warehouse/rotate-secret/", {"overlap_hours": 0})
    assert not SourceSecret.objects.filter(secret__in=[first, second], expires_at__gt=timezone.now()).exists()


def test_only_an_administrator_makes_sources_and_sees_new_secrets(workspace: Workspace) -> None:
    source = a_source(workspace)
    erin = Caller(workspace, ["roadmap:read", "roadmap:write", "outcomes:read", "outcomes:write"])
    assert erin.get(f"sources/{source.key}/").status_code == 200
    assert erin.post("sources/", {"key": "warehouse"}).status_code == 403
    assert erin.post(f"sources/{source.key}/rotate-secret/").status_code == 403


def test_a_source_tells_its_health_as_of_the_day_of_judgement(workspace: Workspace, paula: Caller) -> None:
    Workspace.objects.update(pinned_on=date(2026, 5, 10))
    source = a_source(workspace, key="warehouse")
    assert paula.get("sources/warehouse/").json()["health"]["state"] == "never_seen"
    for day, state in ((7, "silent"), (8, "fresh"), (30, "fresh")):
        SourceDay.objects.create(workspace=workspace, source=source, on=date(2026, 5, day))
        assert paula.get("sources/warehouse/").json()["health"]["state"] == state
    a_delivery(source)
    a_delivery(source, state="quarantined")
    told = paula.get("sources/warehouse/").json()
    health = told["health"]
    assert told["last_seen_at"] == "2026-05-01T00:00:00Z"
    assert (health["last_covered_on"], health["waiting"], health["set_aside"]) == ("2026-05-08", 1, 1)


def test_a_source_keeps_its_kind_and_what_it_sent(workspace: Workspace, paula: Caller) -> None:
    source = a_source(workspace, key="warehouse")
    assert paula.put("sources/warehouse/", {"key": "warehouse", "name": "W"}, match="*").status_code == 200
    SourceDay.objects.create(workspace=workspace, source=source, on=date(2026, 5, 1))
    assert paula.delete("sources/warehouse/").status_code == 409
    assert Source.objects.exists()


def test_a_source_kind_nobody_speaks_is_refused(paula: Caller) -> None:
    response = paula.post("sources/", {"key": "warehouse", "kind": "telepathy"})
    assert (response.status_code, pointers(response)) == (400, {"/kind"})


# --- deliveries ----------------------------------------------------------------------------------------


def test_deliveries_tell_what_was_taken_repeated_and_refused(workspace: Workspace, paula: Caller) -> None:
    source = a_source(workspace, key="warehouse")
    refused = [{"row": "/usage/3", "code": "unknown_item", "detail": "There is no such item."}]
    a_delivery(
        source, state="partial", taken=9, duplicates=2, refused=1, outcome={"refused": refused, "more": 0}
    )
    told = paula.get("deliveries/?source=warehouse").json()["results"][0]
    assert (told["taken"], told["duplicates"], told["refused"]) == (9, 2, 1)
    assert (told["source"], told["state"], told["outcome"]["refused"]) == ("warehouse", "partial", refused)
    assert "body" not in told


def test_deliveries_are_filtered_by_state_and_source(workspace: Workspace, paula: Caller) -> None:
    ours = a_delivery(a_source(workspace, key="warehouse"), state="done")
    a_delivery(a_source(workspace), state="failed")
    assert listed(paula.get("deliveries/?source=warehouse"), "id") == [ours.pk]
    assert listed(paula.get("deliveries/?state=done,partial"), "id") == [ours.pk]
    assert listed(paula.get(f"deliveries/?external_id={ours.external_id}"), "id") == [ours.pk]
    assert paula.get("deliveries/?state=lost").status_code == 400


def test_a_delivery_is_replayed_but_not_while_it_waits(workspace: Workspace, paula: Caller) -> None:
    delivery = a_delivery(a_source(workspace), state="partial")
    assert paula.post(f"deliveries/{delivery.pk}/replay/").json()["state"] == "pending"
    assert paula.post(f"deliveries/{delivery.pk}/replay/").status_code == 409


def test_an_outsider_sees_and_replays_no_delivery(workspace: Workspace) -> None:
    delivery = a_delivery(a_source(workspace), state="done")
    olga = Caller(a_workspace())
    assert listed(olga.get("deliveries/"), "id") == []
    assert olga.get(f"deliveries/{delivery.pk}/").status_code == 404
    assert olga.post(f"deliveries/{delivery.pk}/replay/").status_code == 404
    assert Delivery.objects.get().state == "done"


# --- scoring models and what all share ------------------------------------------------------------------


def test_scoring_models_are_read_newest_first(workspace: Workspace, paula: Caller) -> None:
    for version in (1, 2):
        ScoringModel.objects.create(
            workspace=workspace, version=version, weights={"adoption": 0.3}, is_active=version == 2
        )
    assert listed(paula.get("scoring-models/"), "version") == [2, 1]
    assert listed(paula.get("scoring-models/?is_active=true"), "version") == [2]


@pytest.mark.parametrize("resource", ["metrics", "outcomes", "sources"])
def test_an_outsider_finds_edits_and_deletes_nothing(workspace: Workspace, resource: str) -> None:
    made = {
        "metrics": lambda: a_metric(workspace),
        "outcomes": lambda: an_outcome(an_item(workspace)),
        "sources": lambda: a_source(workspace),
    }[resource]()
    olga = Caller(a_workspace())
    assert listed(olga.get(f"{resource}/"), "id") == []
    for ref in {str(made.pk), getattr(made, "key", str(made.pk))}:
        assert olga.get(f"{resource}/{ref}/").status_code == 404
        assert olga.patch(f"{resource}/{ref}/", {}, match="*").status_code == 404
        assert olga.delete(f"{resource}/{ref}/", match="*").status_code == 404
    made.refresh_from_db()


@pytest.mark.parametrize("resource", ["metrics", "outcomes", "sources", "deliveries", "scoring-models"])
def test_lists_take_as_many_queries_for_one_row_as_for_many(workspace: Workspace, resource: str) -> None:
    paula = Caller(workspace)
    paula.get(f"{resource}/")
    counts = []
    for number in range(1, 5):
        outcome = an_outcome(an_item(workspace))
        a_value(outcome.item)
        a_metric_day(outcome.metric, date(2026, 5, 1), 1)
        a_delivery(a_source(workspace))
        ScoringModel.objects.create(workspace=workspace, version=number, weights={}, is_active=False)
        with CaptureQueriesContext(connection) as queries:
            assert len(paula.get(f"{resource}/").json()["results"]) == number
        counts.append(len(queries))
    assert len(set(counts)) == 1


@pytest.mark.parametrize(
    "path",
    ["metrics/", "outcomes/", "sources/", "deliveries/", "flags/", "scoring-models/", "items/", "items.csv"],
)
def test_nobody_reads_without_a_key(path: str) -> None:
    assert Caller().get(path).status_code == 401


def test_a_representation_that_did_not_change_is_304(workspace: Workspace, paula: Caller) -> None:
    a_metric(workspace, key="sessions")
    etag = paula.get("metrics/sessions/")["ETag"]
    assert paula.get("metrics/sessions/", **{"If-None-Match": etag}).status_code == 304
    paula.patch("metrics/sessions/", {"unit": "x"})
    assert paula.get("metrics/sessions/", **{"If-None-Match": etag}).status_code == 200
