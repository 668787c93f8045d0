from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError

from outcomes.models import Delivery, Observation, Source
from outcomes.pipeline import partitions
from outcomes.pipeline.interpret import interpret_now
from outcomes.pipeline.settle import settle_all
from outcomes.services import statements
from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_metric, a_workspace, an_item

pytestmark = pytest.mark.django_db(transaction=True)

AT = "2026-05-01T10:00:00Z"


@pytest.fixture
def workspace() -> Workspace:
    workspace = a_workspace()
    a_metric(workspace, key="checkout.conversion")
    partitions.make("outcomes_observation", [(2026, 5)])
    return workspace


@pytest.fixture
def ingrid(workspace: Workspace) -> Caller:
    return Caller(workspace, ["ingest"])


def observed(**row: Any) -> dict[str, Any]:
    return {"observations": [{"metric": "checkout.conversion", "at": AT, "value": 12.5, **row}]}


def test_an_observation_is_taken_while_the_sender_waits(ingrid: Caller) -> None:
    response = ingrid.post("observations/", observed())
    assert response.status_code == 200, response.content
    told = response.json()
    assert (told["state"], told["taken"], told["refused"], told["source"]) == ("done", 1, 0, "api")
    assert Observation.objects.get().value == 12.5


def test_every_row_is_answered_for_itself(ingrid: Caller) -> None:
    body = observed()
    body["observations"] += [{"metric": "nobody.knows", "at": AT, "value": 1}, {"metric": "x", "at": "noon"}]
    told = ingrid.post("observations/", body).json()
    assert (told["state"], told["taken"], told["refused"]) == ("partial", 1, 2)
    assert {row["row"] for row in told["outcome"]["refused"]} == {"/observations/1", "/observations/2"}


def test_a_value_can_be_corrected_and_corrected_back(ingrid: Caller) -> None:
    for value in (12.5, 13.0, 12.5):
        assert ingrid.post("observations/", observed(value=value)).status_code == 200
    assert Observation.objects.get().value == 12.5


def test_a_body_may_be_packed(ingrid: Caller) -> None:
    packed = gzip.compress(json.dumps(observed()).encode())
    response = ingrid.send("post", "observations/", packed, **{"Content-Encoding": "gzip"})
    assert response.json()["taken"] == 1


def test_a_bomb_is_refused_before_it_unfolds(ingrid: Caller) -> None:
    bomb = gzip.compress(b" " * (9 * 1024 * 1024))
    response = ingrid.send("post", "observations/", bomb, **{"Content-Encoding": "gzip"})
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (b"[" * 1000, {}, 400),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"not gzip", {"Content-Encoding": "gzip"}, 415),
        (gzip.compress(b"{}", mtime=0)[:-6], {"Content-Encoding": "gzip"}, 415),
        (b"{}", {"content_type": "text/csv"}, 415),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole(
    ingrid: Caller, body: bytes, headers: dict[str, str], status: int
) -> None:
    response = ingrid.send("post", "observations/", body, **headers)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert not Delivery.objects.exists()


def test_more_rows_than_one_request_may_hold_are_refused(ingrid: Caller) -> None:
    row = {"metric": "checkout.conversion", "at": AT, "value": 1}
    response = ingrid.post("observations/", {"observations": [row] * 10_001})
    assert response.status_code == 400
    assert not Delivery.objects.exists()


def away(sqlstate: str) -> OperationalError:
    """What the driver raises when others are in the way for too long."""
    error, cause = OperationalError("busy"), Exception()
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}])
def test_whoever_meets_another_writer_waits_and_is_answered_for_each_row(
    ingrid: Caller, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    refusals = [away("40P01"), away("55P03")]

    def interpret(delivery_id: int) -> None:
        if refusals:
            raise refusals.pop()
        interpret_now(delivery_id)

    monkeypatch.setattr(statements, "interpret_now", interpret)
    response = ingrid.post("observations/", observed(), **headers)
    assert (response.status_code, response.json()["taken"]) == (200, 1)
    assert Delivery.objects.count() == 1


def test_what_cannot_be_done_in_time_is_503_and_not_stored(
    ingrid: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interpret(delivery_id: int) -> None:
        raise away("55P03")

    monkeypatch.setattr(statements, "interpret_now", interpret)
    response = ingrid.post("observations/", observed())
    assert (response.status_code, "Retry-After" in response) == (503, True)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}])
def test_facts_of_months_without_a_partition_are_taken_at_once(
    ingrid: Caller, workspace: Workspace, headers: dict[str, str]
) -> None:
    an_item(workspace, key="carts")
    body = {
        "observations": [{"metric": "checkout.conversion", "at": f"20{year}-02-03T10:00:00Z", "value": 1}
                         for year in (11, 12, 13)],
        "usage": [{"item": "carts", "actor": "u1", "at": "2011-02-03T10:00:00Z"}],
        "snapshots": [{"item": "carts", "on": "2012-02-03", "active": 3, "eligible": 9}],
    }  # fmt: skip
    told = ingrid.post("observations/", body, **headers)
    assert (told.status_code, told.json()["state"], told.json()["taken"]) == (200, "done", 5)
    assert Delivery.objects.count() == 1


def test_only_a_key_that_may_ingest_states_facts(workspace: Workspace) -> None:
    erin = Caller(workspace, ["roadmap:write", "outcomes:write"])
    assert erin.post("observations/", observed()).status_code == 403
    assert Caller().post("observations/", observed()).status_code == 401
    assert Caller(workspace, ["ingest"]).get("observations/").status_code == 405


def test_an_outsider_cannot_state_facts_about_our_items(workspace: Workspace) -> None:
    an_item(workspace, key="carts", status="released", released_on=datetime(2026, 1, 1, tzinfo=UTC).date())
    olga = Caller(a_workspace(), ["ingest"])
    told = olga.post("observations/", observed()).json()
    assert (told["taken"], told["refused"]) == (0, 1)
    assert not Observation.objects.exists()
    assert not Source.objects.in_workspace(workspace.pk).exists()


def lines(*rows: Any) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def test_rows_may_come_one_a_line_each_answered_for_itself(ingrid: Caller) -> None:
    row = {"metric": "checkout.conversion", "at": AT, "value": 1}
    body = lines(row, {**row, "series": "eu"}, "not json", {"value": 1}, {**row, "metric": "nobody"}, "", row)
    response = ingrid.send("post", "observations/", body, content_type="application/x-ndjson")
    told = response.json()
    assert (response.status_code, told["taken"], told["duplicates"], told["refused"]) == (200, 2, 1, 3)
    refused = {row["row"]: row["code"] for row in told["outcome"]["refused"]}
    assert refused == {"/2": "bad_value", "/3": "unknown_kind", "/4": "unknown_metric"}


def test_lines_of_usage_and_snapshots_are_told_by_what_they_name(
    ingrid: Caller, workspace: Workspace
) -> None:
    an_item(workspace, key="carts")
    for table in ("outcomes_usageevent", "outcomes_usageday", "outcomes_usagesnapshot"):
        partitions.make(table, [(2026, 5)])
    body = lines(
        {"item": "carts", "actor": "u1", "at": AT},
        {"item": "carts", "on": "2026-05-01", "active": 3, "eligible": 9},
    )
    packed = gzip.compress(body)
    headers = {"content_type": "application/x-ndjson", "Content-Encoding": "gzip"}
    assert ingrid.send("post", "observations/", packed, **headers).json()["taken"] == 2


def test_a_body_without_a_line_is_refused_whole(ingrid: Caller) -> None:
    response = ingrid.send("post", "observations/", b"\n \n", content_type="application/x-ndjson")
    assert response.status_code == 400
    assert not Delivery.objects.exists()


def test_the_same_request_under_one_key_is_done_once(ingrid: Caller) -> None:
    first, again = (ingrid.post("observations/", observed(), **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["id"] == first.json()["id"]
    assert Delivery.objects.count() == 1


def test_the_same_rows_again_are_duplicates(ingrid: Caller) -> None:
    at = {"sent_at": "2026-05-01T10:00:05Z"}
    told = [ingrid.post("observations/", {**observed(), **at}).json() for _ in range(2)]
    assert [(one["taken"], one["duplicates"]) for one in told] == [(1, 0), (0, 1)]


def test_how_far_the_worker_is_behind_is_told(workspace: Workspace, ingrid: Caller) -> None:
    ingrid.post("observations/", observed())
    told = Caller(workspace, ["outcomes:read"]).get("insights/freshness/").json()
    assert told["summary"]["deliveries_pending"] == 0
    assert told["summary"]["marks_pending"] > 0
    assert {"kind": "metric_day", "waiting": 1} in told["results"]
    settle_all(120)
    told = Caller(workspace, ["outcomes:read"]).get("insights/freshness/").json()
    assert (told["summary"]["marks_pending"], told["summary"]["lag_seconds"]) == (0, 0)


@pytest.mark.parametrize(
    ("part", "code", "pointer"),
    [
        ({"releases": 3}, "not_a_list", "/releases"),
        ({"experiments": True}, "not_a_list", "/experiments"),
        ({"covers": "2026-05-01"}, "not_a_list", "/covers"),
        ({"observation": []}, "unknown_section", "/observation"),
        ({"a/b~": []}, "unknown_section", "/a~1b~0"),
        ({"sent_at": 7}, "invalid", "/sent_at"),
    ],
)
def test_a_body_that_is_wrong_around_its_rows_is_refused_whole(
    ingrid: Caller, part: dict[str, Any], code: str, pointer: str
) -> None:
    response = ingrid.post("observations/", {**observed(), **part})
    assert response.status_code == 400
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert not Delivery.objects.exists()


def test_all_that_is_wrong_around_the_rows_is_told_at_once(ingrid: Caller) -> None:
    body = b'{"usage": 1, "snapshots": {}, "\\ud800": 2}'
    response = ingrid.send("post", "observations/", body)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == ["/usage", "/snapshots", "/?"]


def test_a_section_may_be_null_and_a_row_that_is_none_refuses_itself_alone(ingrid: Caller) -> None:
    body = {**observed(), "usage": None, "covers": None, "sent_at": None}
    body["observations"].append(7)
    told = ingrid.post("observations/", body).json()
    assert (told["taken"], told["refused"]) == (1, 1)
    assert [row["row"] for row in told["outcome"]["refused"]] == ["/observations/1"]


MARK = b"\xef\xbb\xbf"


def test_a_body_and_lines_may_begin_with_the_mark_of_utf_8(ingrid: Caller) -> None:
    body = MARK + json.dumps(observed()).encode()
    answer = ingrid.send("post", "observations/", body, content_type="application/json")
    row = {"metric": "checkout.conversion", "at": AT, "value": 1, "series": "eu"}
    by_line = ingrid.send("post", "observations/", MARK + lines(row), content_type="application/x-ndjson")
    assert [(said.status_code, said.json()["taken"]) for said in (answer, by_line)] == [(200, 1), (200, 1)]


def test_the_last_nanosecond_of_a_day_is_of_that_day_and_corrected_by_no_other(
    ingrid: Caller, workspace: Workspace
) -> None:
    workspace.time_zone = "Europe/Berlin"
    workspace.save()
    for value, at in enumerate(("2026-05-20T21:59:59.999999999Z", "2026-05-20T22:00:00Z")):
        assert ingrid.post("observations/", observed(at=at, value=value)).json()["taken"] == 1
    found = Observation.objects.order_by("at").values_list("on", "value")
    assert [(str(on), value) for on, value in found] == [("2026-05-20", 0), ("2026-05-21", 1)]


def test_packed_in_several_parts_is_read_to_its_end(ingrid: Caller) -> None:
    rows = [{"metric": "checkout.conversion", "at": AT, "value": 1, "series": name} for name in ("eu", "us")]
    packed = b"".join(gzip.compress(lines(row) + b"\n") for row in rows)
    sent = {"content_type": "application/x-ndjson", "content-encoding": "gzip"}
    told = ingrid.send("post", "observations/", packed + b"\0\0", **sent)
    assert (told.status_code, told.json()["taken"]) == (200, 2)
    for broken in (packed[:-3], packed + b"junk"):
        assert ingrid.send("post", "observations/", broken, **sent).status_code == 415


def test_many_packed_parts_may_unpack_to_as_much_as_one(ingrid: Caller, settings: Any) -> None:
    sent = {"content_type": "application/x-ndjson", "content-encoding": "gzip"}
    assert ingrid.send("post", "observations/", gzip.compress(b"") * 1001, **sent).status_code == 415
    settings.WEBHOOK_MAX_UNPACKED_BYTES = 1000
    assert ingrid.send("post", "observations/", gzip.compress(b"\n" * 100) * 11, **sent).status_code == 413


# --- bodies in chunks ---------------------------------------------------------------------------------


ROW = {"metric": "checkout.conversion", "at": AT, "value": 1, "series": "eu"}
NDJSON = "application/x-ndjson"


def in_chunks(ingrid: Caller, body: bytes, content_type: str = NDJSON, **headers: str) -> Any:
    """As the web server hands it on: no length, and a stream that ends where the chunks did."""
    told = {**ingrid.headers, "transfer-encoding": "chunked", "content-length": "", **headers}
    stream = {"CONTENT_TYPE": content_type, "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    return ingrid.client.generic("POST", "/api/v1/observations/", b"", content_type, headers=told, **stream)


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
def test_lines_may_come_in_chunks_without_a_length(ingrid: Caller, end: bytes) -> None:
    body = lines(ROW, {**ROW, "series": "us"}).rstrip(b"\n") + end
    told = in_chunks(ingrid, body)
    assert (told.status_code, told.json()["taken"], told.json()["refused"]) == (200, 2, 0)


def test_lines_in_chunks_of_a_month_that_has_no_room_yet_are_taken(ingrid: Caller) -> None:
    told = in_chunks(ingrid, lines({**ROW, "at": "2003-07-28T10:00:00Z"}))
    assert (told.status_code, told.json()["taken"]) == (200, 1)


def test_so_may_a_document_and_packed_lines(ingrid: Caller) -> None:
    whole = in_chunks(ingrid, json.dumps(observed()).encode(), "application/json")
    packed = in_chunks(ingrid, gzip.compress(lines(ROW)), **{"content-encoding": "gzip"})
    assert [(said.status_code, said.json()["taken"]) for said in (whole, packed)] == [(200, 1), (200, 1)]


def test_what_is_cut_within_a_line_or_a_document_is_not_stored(ingrid: Caller) -> None:
    line, document = json.dumps(ROW).encode(), json.dumps(observed()).encode()
    answers = [in_chunks(ingrid, line + b"\n" + line[:length]) for length in range(1, len(line), 7)]
    answers += [
        in_chunks(ingrid, document[:length], "application/json") for length in range(0, len(document), 7)
    ]
    assert {answer.status_code for answer in answers} == {411}
    assert in_chunks(ingrid, gzip.compress(line)[:-3], **{"content-encoding": "gzip"}).status_code == 415
    assert not Delivery.objects.exists()


def test_no_more_of_a_body_in_chunks_is_read_than_it_may_be_long(ingrid: Caller, settings: Any) -> None:
    settings.WEBHOOK_MAX_UNPACKED_BYTES = 1000
    bomb = gzip.compress(b"\n" * 100_000)
    assert in_chunks(ingrid, b"\n" * 1001).status_code == 413
    assert in_chunks(ingrid, bomb, **{"content-encoding": "gzip"}).status_code == 413


def test_a_key_that_stands_for_a_whole_body_wants_its_length(ingrid: Caller) -> None:
    assert in_chunks(ingrid, lines(ROW), **{"idempotency-key": "once"}).status_code == 411
    assert not Delivery.objects.exists()


def test_a_server_that_tells_no_end_of_chunks_is_not_read_from(ingrid: Caller) -> None:
    told = {**ingrid.headers, "transfer-encoding": "chunked", "content-length": ""}
    stream = {"CONTENT_TYPE": NDJSON, "wsgi.input": io.BytesIO(lines(ROW))}
    said = ingrid.client.generic("POST", "/api/v1/observations/", b"", NDJSON, headers=told, **stream)
    assert said.status_code == 411


def test_another_type_in_chunks_is_415_as_it_is_with_a_length(ingrid: Caller) -> None:
    assert in_chunks(ingrid, b"a,b\n", "text/csv").status_code == 415
