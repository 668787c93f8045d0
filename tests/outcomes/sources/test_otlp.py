"""What OpenTelemetry points become: one bad point refuses itself, with the codes that rows have everywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from outcomes.sources import otlp
from outcomes.sources.reading import EventBody

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
GOOD = {"timeUnixNano": "1764187200000000000", "startTimeUnixNano": "1764187100000000000", "asInt": "5"}
SHAPES = {
    "total": {"sum": {"isMonotonic": True, "aggregationTemporality": 2}},
    "delta": {"sum": {"isMonotonic": True, "aggregationTemporality": 1}},
    "gauge": {"gauge": {}},
}


def export(*points: dict[str, Any], shape: str = "total", **of_metric: Any) -> dict[str, Any]:
    ((kind, told),) = SHAPES[shape].items()
    metric = {"name": "used", **of_metric, kind: {**told, "dataPoints": list(points)}}
    return {"resourceMetrics": [{"scopeMetrics": [{"scope": {"name": "s"}, "metrics": [metric]}]}]}


def read(document: Any) -> EventBody:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return otlp.events(body, headers={"content-type": "application/json"}, path="", now=NOW)


def read_protobuf(document: dict[str, Any]) -> EventBody:
    body = ParseDict(document, ExportMetricsServiceRequest()).SerializeToString()
    return otlp.events(body, headers={"content-type": "application/x-protobuf"}, path="", now=NOW)


def stated(found: EventBody) -> list[Any]:
    return [numbered.row for name in ("observations", "totals") for numbered in found.rows[name]]


def labelled(*attributes: tuple[str, Any]) -> dict[str, Any]:
    return {"attributes": [{"key": key, "value": value} for key, value in attributes]}


BAD = [
    ({"timeUnixNano": "9000000000000000000"}, "in_the_future"),
    ({"timeUnixNano": 1e300}, "bad_value"),
    ({"timeUnixNano": float("inf")}, "bad_value"),
    ({"timeUnixNano": float("nan")}, "bad_value"),
    ({"timeUnixNano": "-5"}, "bad_value"),
    ({"timeUnixNano": True}, "bad_value"),
    ({"asDouble": 1.7e308}, "out_of_range"),
    ({"asDouble": -1e308}, "out_of_range"),
    ({"asDouble": float("inf")}, "bad_value"),
    (labelled(("a", {"stringValue": "\x00"})), "bad_value"),
    (labelled(("a", {"stringValue": "\ud800"})), "bad_value"),
    (labelled(("\ud800", {"stringValue": "a"})), "bad_value"),
    (labelled(("a", {"stringValue": "x" * 300 + "\ud800"})), "bad_value"),
    (labelled(("a", {"arrayValue": {"values": [{"stringValue": "\x00"}]}})), "bad_value"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("spoilt", "code"), BAD)
def test_a_bad_point_of_any_shape_refuses_itself_alone(shape: str, spoilt: dict[str, Any], code: str) -> None:
    found = read(export({**GOOD, **spoilt}, GOOD, shape=shape))
    assert [refusal.code for refusal in found.refusals] == [code]
    assert [refusal.pointer[-1] for refusal in found.refusals] == ["0"]
    assert len(stated(found)) == 1


@pytest.mark.parametrize(
    "start", ["9000000000000000000", 1e300, float("inf"), float("nan"), "-5", "soon", [1], True]
)
def test_a_total_that_began_at_no_time_there_can_be_is_refused(start: Any) -> None:
    found = read(export({**GOOD, "startTimeUnixNano": start}, GOOD))
    assert [refusal.code for refusal in found.refusals] in (["bad_value"], ["in_the_future"])
    assert len(stated(found)) == 1


@pytest.mark.parametrize("start", [None, 0, "0", ""])
def test_a_total_may_leave_unsaid_when_it_began(start: Any) -> None:
    (row,) = stated(read(export({**GOOD, "startTimeUnixNano": start})))
    assert row.started_at is None


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "x" * 201, {"a": 1}])
def test_a_metric_whose_name_is_none_is_refused(name: Any) -> None:
    for shape in SHAPES:
        found = read(export(GOOD, shape=shape, name=name))
        assert [refusal.code for refusal in found.refusals] == ["bad_value"]


@pytest.mark.parametrize("where", ["scope", "resource"])
@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 300 + "\ud800"])
def test_a_total_counted_by_someone_without_a_name_there_can_be_is_refused(where: str, text: str) -> None:
    document = export(GOOD)
    (resource,) = document["resourceMetrics"]
    if where == "scope":
        resource["scopeMetrics"][0]["scope"]["name"] = text
    else:
        resource["resource"] = labelled(("host", {"stringValue": text}))
    document["resourceMetrics"].append(export(GOOD)["resourceMetrics"][0])
    found = read(document)
    assert [refusal.code for refusal in found.refusals] == ["bad_value"]
    assert len(stated(found)) == 1


LABELS = [
    (
        {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "2"}, {"doubleValue": 1.0}]}},
        '["x",2,1]',
    ),
    ({"arrayValue": {}}, "[]"),
    ({"arrayValue": {"values": [{}, {"boolValue": False}]}}, "[null,false]"),
    (
        {"kvlistValue": {"values": [{"key": "z", "value": {"stringValue": "é"}}, {"key": "a", "value": {}}]}},
        '{"a":null,"z":"é"}',
    ),
    ({"bytesValue": "+/8="}, "+/8="),
    ({"bytesValue": "-_8"}, "+/8="),
    ({"boolValue": True}, "true"),
    ({"intValue": "9007199254740993"}, "9007199254740993"),
    ({"intValue": 0}, "0"),
    ({"doubleValue": 2.0}, "2"),
    ({"doubleValue": "1.5"}, "1.5"),
    ({"doubleValue": "NaN"}, "NaN"),
    ({"doubleValue": "-Infinity"}, "-Infinity"),
    ({"stringValue": ""}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("value", "label"), LABELS)
def test_an_attribute_gives_one_label_in_json_and_in_protobuf(value: dict[str, Any], label: str) -> None:
    for shape in SHAPES:
        document = export({**GOOD, **labelled(("b", value), ("a", {"stringValue": "x"}))}, shape=shape)
        document["resourceMetrics"][0]["resource"] = labelled(("host", value))
        of_json, of_protobuf = read(document), read_protobuf(document)
        assert stated(of_json) == stated(of_protobuf)
        assert [row.series for row in stated(of_json)] == [f"a=x,b={label}"]
