"""Never a 2xx for what did not come whole, and nothing of that is told to a stranger."""

from __future__ import annotations

import base64
import gzip
import io
import json
from typing import Any

import pytest
from django.test import Client
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from outcomes.models import Delivery, Source, SourceSecret
from tests.factories import a_source, a_workspace

pytestmark = pytest.mark.django_db

KEY = "write-key"
BATCH = b'{"batch": [{"type": "track", "event": "[a} \\" b"}]}'


def _source(kind: str) -> Source:
    source = a_source(a_workspace(), kind=kind)
    SourceSecret.objects.create(workspace=source.workspace, source=source, secret=KEY)
    return source


def _in_chunks(source: Source, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    return Client().post(
        f"/in/{source.token}/import",
        b"",
        "application/json",
        headers={
            "authorization": f"Basic {basic}",
            "transfer-encoding": "chunked",
            "content-length": "",
            **headers,
        },
        **{"CONTENT_TYPE": content_type, "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
    )


def test_json_in_chunks_is_stored_when_it_closes_what_it_opened() -> None:
    assert _in_chunks(_source("segment"), BATCH).status_code == 200
    assert bytes(Delivery.objects.get().body or b"") == BATCH


def test_json_in_chunks_that_was_cut_anywhere_is_not_stored() -> None:
    source = _source("segment")
    answers = [_in_chunks(source, BATCH[:length]) for length in range(len(BATCH))]
    told = {(answer.status_code, answer.json()["type"]) for answer in answers}
    assert told == {(411, "urn:productops:problem:length_required")}
    assert not Delivery.objects.exists()


def test_packed_in_chunks_is_stored_whole_and_refused_cut() -> None:
    source, packed = _source("segment"), gzip.compress(BATCH)
    cut = _in_chunks(source, packed[:-9], **{"content-encoding": "gzip"})
    assert (cut.status_code, cut.json()["type"]) == (400, "urn:productops:problem:cut_short")
    assert not Delivery.objects.exists()
    assert _in_chunks(source, packed, **{"content-encoding": "gzip"}).status_code == 200


def test_a_form_in_chunks_is_stored_when_the_document_in_it_is_whole() -> None:
    source = _source("mixpanel")
    event = json.dumps([{"event": "x", "properties": {"token": KEY}}]).encode()
    form = b"data=" + base64.b64encode(event).replace(b"=", b"%3D") + b"&verbose=1"
    kind = "application/x-www-form-urlencoded"
    assert _in_chunks(source, form[:-20], kind).status_code in (401, 411)
    assert not Delivery.objects.exists()
    assert _in_chunks(source, form, kind).status_code == 200


def test_lines_in_chunks_have_no_end_of_their_own() -> None:
    lines = b'{"event": "x", "properties": {}}\n{"event": "y", "properties": {}}\n'
    source = _source("mixpanel")
    assert _in_chunks(source, b"0\n" + lines, "application/x-ndjson").status_code == 411
    assert not Delivery.objects.exists()


def test_protobuf_in_chunks_is_stored_whole_and_refused_cut_anywhere() -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="m").gauge.data_points.add(as_double=1.5)
    raw, source = request.SerializeToString(), _source("otlp")
    kind, proof = "application/x-protobuf", {"authorization": f"Bearer {KEY}"}
    cut = [_in_chunks(source, raw[:length], kind, **proof).status_code for length in range(len(raw))]
    assert set(cut) == {411}
    assert not Delivery.objects.exists()
    assert _in_chunks(source, raw, kind, **proof).status_code == 200
    assert bytes(Delivery.objects.get().body or b"") == raw


def test_several_resources_in_chunks_are_stored_and_refused_cut_within_one() -> None:
    request = ExportMetricsServiceRequest()
    for value in (1.5, 2.5):
        metrics = request.resource_metrics.add().scope_metrics.add().metrics
        metrics.add(name="m").gauge.data_points.add(as_double=value)
    raw, source = request.SerializeToString(), _source("otlp")
    kind, proof = "application/x-protobuf", {"authorization": f"Bearer {KEY}"}
    assert _in_chunks(source, raw[:-1], kind, **proof).status_code == 411
    assert not Delivery.objects.exists()
    assert _in_chunks(source, raw, kind, **proof).status_code == 200
    assert bytes(Delivery.objects.get().body or b"") == raw


def test_what_is_wrong_with_a_packed_body_is_told_to_those_who_hold_the_key_alone(settings: Any) -> None:
    settings.WEBHOOK_MAX_UNPACKED_BYTES = 1000
    source = _source("posthog")
    bomb = gzip.compress(b"0" * 100_000)
    cut = gzip.compress(BATCH)[:-9]
    for body, status in ((bomb, 413), (b"no gzip", 415), (cut, 400)):
        for authorization, told in ((f"Bearer {KEY}", status), ("Bearer another", 401), ("", 401)):
            answer = Client().post(
                f"/in/{source.token}/batch",
                body,
                "application/json",
                headers={"content-encoding": "gzip", "authorization": authorization},
            )
            assert answer.status_code == told, (body[:9], authorization)


@pytest.mark.parametrize("path", ["", "/client/features", "/identities", "/batch?data=W10="])
def test_a_get_without_a_key_tells_nobody_which_address_is_real(path: str) -> None:
    kinds = ["productops", "unleash", "flagsmith", "launchdarkly", "mixpanel", "posthog"]
    tokens = ["nobody", *(_source(kind).token for kind in kinds)]
    answers = [Client().get(f"/in/{token}{path}") for token in tokens]
    assert len({answer.status_code for answer in answers}) == 1
    told = [{**answer.json(), "instance": "", "request_id": ""} for answer in answers]
    assert all(one == told[0] for one in told)
