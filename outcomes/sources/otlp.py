"""Sources of kind `otlp`: OpenTelemetry metrics over HTTP, as JSON or protobuf.

Gauges state a metric's value. Sums say how much: a delta as it is, a cumulative one as a running total whose
differences are taken when all its points are known. A sum that may fall (not monotonic) is a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.native import state_row
from outcomes.sources.otlp_values import json_attributes, protobuf_attributes
from outcomes.sources.proofs import bearer, require, signed_now
from outcomes.sources.reading import (
    MAX_EVENTS,
    EventBody,
    label_of,
    nanoseconds,
    number,
    read_json,
    text_of,
    unstorable,
)
from outcomes.sources.signatures import Signed
from outcomes.sources.wholeness import PROTOBUF

_DELTA, _CUMULATIVE = 1, 2
_TEMPORALITIES = {"AGGREGATION_TEMPORALITY_DELTA": _DELTA, "AGGREGATION_TEMPORALITY_CUMULATIVE": _CUMULATIVE}


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """The secret is a Bearer. Raises SignatureRefused."""
    require(bearer(headers), secrets)
    return signed_now(body, now)


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read an export request. Raises BodyRefused when it is none."""
    read = EventBody()
    kind = headers.get("content-type", "")
    points = _protobuf_points(body) if kind in PROTOBUF else _json_points(body)
    for point in points:
        if read.row_count >= MAX_EVENTS:
            raise BodyRefused(f"More than {MAX_EVENTS} points in one delivery.")
        _take(point, read, now)
    return read


@dataclass(frozen=True, slots=True)
class _Scope:
    """Who measured: its label, and why it cannot be kept, if it cannot."""

    label: str
    complaint: str


@dataclass(frozen=True, slots=True)
class _Point:
    """One data point with all that says which series it belongs to."""

    pointer: str
    metric: str
    shape: str
    temporality: int
    is_monotonic: bool
    scope: _Scope
    attributes: dict[str, Any]
    value: float | None
    at: datetime | None
    started_at: datetime | None
    # It says something of a start that is no time.
    is_start_unreadable: bool
    is_absent: bool


def _take(point: _Point, read: EventBody, now: datetime) -> None:
    if point.is_absent:
        return  # the sender says that it has no value here
    is_total = point.shape == "sum" and point.is_monotonic and point.temporality != _DELTA
    if refused := _complaint(point, is_total):
        read.row_count += 1
        read.refuse(point.pointer, *refused)
        return
    series = label_of(point.attributes.items())
    fields = {"metric": point.metric, "series": series, "at": point.at, "value": point.value}
    if is_total:
        counter = blake2b(f"{point.scope.label}|{series}".encode(), digest_size=16).hexdigest()
        fields |= {"counter": counter, "started_at": point.started_at}
    state_row(read, "totals" if is_total else "observations", point.pointer, fields, now=now)


def _complaint(point: _Point, is_total: bool) -> tuple[str, str] | None:
    """What is wrong with a point that its row would not show, as code and words."""
    if point.shape not in ("gauge", "sum"):
        return "unsupported", f"{point.metric}: a {point.shape} is not taken, gauges and sums are."
    if point.at is None or point.value is None:
        return "bad_value", f"{point.metric}: a point has a time and a finite number."
    if is_total and point.is_start_unreadable:
        return "bad_value", f"{point.metric}: startTimeUnixNano is no time."
    # A long label is cut off: what it says at its end would not be seen in the row.
    reason = unstorable(point.attributes) or (point.scope.complaint if is_total else "")
    return ("bad_value", reason) if reason else None


def _scope_of(resource: dict[str, Any], name: str) -> _Scope:
    return _Scope(f"{label_of(resource.items())}|{name}", unstorable([resource, name]))


def _says_a_start(value: Any) -> bool:
    return value not in (None, 0, "0", "")


# --- JSON ---------------------------------------------------------------------------------------------


def _json_points(body: bytes) -> Iterator[_Point]:
    document = read_json(body)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    for r, resource in _listed(document, "resourceMetrics"):
        of_resource = json_attributes(_mapping(resource.get("resource")).get("attributes"))
        for s, scope in _listed(resource, "scopeMetrics"):
            counted_by = _scope_of(of_resource, text_of(_mapping(scope.get("scope")).get("name")))
            for m, metric in _listed(scope, "metrics"):
                where = f"/resourceMetrics/{r}/scopeMetrics/{s}/metrics/{m}"
                yield from _json_metric(metric, where, counted_by)


_SHAPES = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def _json_metric(metric: dict[str, Any], where: str, scope: _Scope) -> Iterator[_Point]:
    shape = next((name for name in _SHAPES if isinstance(metric.get(name), dict)), "metric without data")
    data = _mapping(metric.get(shape))
    temporality = data.get("aggregationTemporality", _CUMULATIVE)
    temporality = (
        _TEMPORALITIES.get(temporality, temporality) if isinstance(temporality, str) else temporality
    )
    for p, point in _listed(data, "dataPoints"):
        yield _Point(
            pointer=f"{where}/{shape}/dataPoints/{p}",
            metric=text_of(metric.get("name"))[:300],
            shape=shape,
            temporality=temporality if isinstance(temporality, int) else _CUMULATIVE,
            is_monotonic=data.get("isMonotonic") is True,
            scope=scope,
            attributes=json_attributes(point.get("attributes")),
            value=number(point["asDouble"] if "asDouble" in point else point.get("asInt")),
            at=nanoseconds(point.get("timeUnixNano")),
            started_at=(started_at := nanoseconds(point.get("startTimeUnixNano"))),
            is_start_unreadable=started_at is None and _says_a_start(point.get("startTimeUnixNano")),
            is_absent=_has_no_value(point.get("flags")),
        )


def _has_no_value(flags: Any) -> bool:
    return isinstance(flags, int) and bool(flags & 1)


def _listed(holder: dict[str, Any], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    found = holder.get(name, [])
    for index, entry in enumerate(found if isinstance(found, list) else []):
        if isinstance(entry, dict):
            yield index, entry


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# --- protobuf -----------------------------------------------------------------------------------------


def _protobuf_points(body: bytes) -> Iterator[_Point]:
    request = ExportMetricsServiceRequest()
    try:
        request.ParseFromString(body)
    except (DecodeError, RecursionError) as error:
        raise BodyRefused("The body is not an OTLP metrics request.") from error
    for r, resource in enumerate(request.resource_metrics):
        of_resource = protobuf_attributes(resource.resource.attributes)
        for s, scope in enumerate(resource.scope_metrics):
            counted_by = _scope_of(of_resource, scope.scope.name)
            for m, metric in enumerate(scope.metrics):
                where = f"/resourceMetrics/{r}/scopeMetrics/{s}/metrics/{m}"
                yield from _protobuf_metric(metric, where, counted_by)


def _protobuf_metric(metric: Any, where: str, scope: _Scope) -> Iterator[_Point]:
    field = metric.WhichOneof("data")
    if field is None:
        return
    data = getattr(metric, field)
    shape = {"exponential_histogram": "exponentialHistogram"}.get(field, field)
    for p, point in enumerate(data.data_points):
        kind = point.WhichOneof("value") if shape in ("gauge", "sum") else None
        yield _Point(
            pointer=f"{where}/{shape}/dataPoints/{p}",
            metric=metric.name[:300],
            shape=shape,
            temporality=data.aggregation_temporality if shape == "sum" else 0,
            is_monotonic=shape == "sum" and data.is_monotonic,
            scope=scope,
            attributes=protobuf_attributes(point.attributes),
            value=number(getattr(point, kind)) if kind else None,
            at=nanoseconds(point.time_unix_nano),
            started_at=(started_at := nanoseconds(point.start_time_unix_nano)),
            is_start_unreadable=started_at is None and _says_a_start(point.start_time_unix_nano),
            is_absent=_has_no_value(point.flags),
        )
