"""Whatever a stranger sends, an adapter takes it, refuses it row by row or refuses it whole: nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcomes.models.sources import SOURCE_KINDS
from outcomes.sources import adapters, rules
from outcomes.sources.bodies import BodyRefused, NativeBody
from outcomes.sources.reading import EventBody, unstorable
from outcomes.sources.signatures import SignatureRefused

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[2] / "payloads" / "captured_requests.json"
CAPTURED: list[dict[str, Any]] = json.loads(PAYLOADS.read_text())
PATHS = ["", "v1/batch", "track", "import", "client/metrics", "bulk", "diagnostic", "v1/events", "register"]
TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain", "", "application/x-protobuf"]

# What bites: NUL, halves of surrogates, numbers without end, years beyond the calendar.
NASTY = st.sampled_from(
    ["\x00", "\ud800", "1e400", "9999-12-31T23:59:59-23:59", "0001-01-01", "NaN", "x" * 300, "$groups", ""]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**25)
    | st.floats()
    | st.text(max_size=8)
    | NASTY
)
NAMES = (
    st.sampled_from(
        sorted({name for one in CAPTURED if one["body"].startswith("{") for name in json.loads(one["body"])})
    )
    | st.text(max_size=8)
    | NASTY
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
RULES = [
    rules.Rule(match="name != 'x'", to="usage", item_key="name || 'k'"),
    rules.Rule(match="`true`", to="observation", metric="m", value="properties.value", series="properties.*"),
]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A body that a library sent, with some of its values replaced by others."""
    document = json.loads(
        draw(st.sampled_from([one["body"] for one in CAPTURED if one["body"].startswith(("{", "["))]))
    )
    for _ in range(draw(st.integers(1, 4))):
        holder: Any = document
        while isinstance(holder, (dict, list)) and holder:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = draw(st.sampled_from(keys))
            if not isinstance(holder[key], (dict, list)) or draw(st.booleans()):
                holder[key] = draw(JSON)
                break
            holder = holder[key]
    return document


def read(kind: str, body: bytes, path: str, content_type: str) -> NativeBody | None:
    headers = {"content-type": content_type}
    try:
        found = adapters.of(kind).events(body, headers=headers, path=path, now=NOW)
    except BodyRefused:
        return None
    if isinstance(found, EventBody):
        rules.apply(RULES, found, now=NOW)
    return found


def unstorable_parts(found: NativeBody | None) -> list[str]:
    """What of the reasons and names in an answer the database would not take."""
    refusals = found.refusals if found else []
    said: list[Any] = [refusal.as_json() for refusal in refusals]
    named = [refusal.unclaimed.name for refusal in refusals if refusal.unclaimed]
    return [reason for part in (*said, *named) if (reason := unstorable(part))]


def fuzzed(test: Any) -> Any:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=60, deadline=None, suppress_health_check=slow)(test)


@pytest.mark.parametrize("kind", SOURCE_KINDS)
@fuzzed
@given(document=JSON | mutated(), path=st.sampled_from(PATHS), content_type=st.sampled_from(TYPES[:4]))
def test_json_of_any_shape(kind: str, document: Any, path: str, content_type: str) -> None:
    assert unstorable_parts(read(kind, json.dumps(document).encode(), path, content_type)) == []


@pytest.mark.parametrize("kind", SOURCE_KINDS)
@fuzzed
@given(body=st.binary(max_size=200), path=st.sampled_from(PATHS), content_type=st.sampled_from(TYPES))
def test_bytes_of_any_kind(kind: str, body: bytes, path: str, content_type: str) -> None:
    assert unstorable_parts(read(kind, body, path, content_type)) == []


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_protobuf_export_with_bytes_changed_added_and_lost(data: st.DataObject) -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    metric = scope.metrics.add(name="revenue")
    metric.sum.is_monotonic = True
    point = metric.sum.data_points.add(time_unix_nano=1_777_600_000_123_456_789, as_double=3.5)
    point.attributes.add(key="region").value.string_value = "eu"
    raw = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not raw:
            break
    assert unstorable_parts(read("otlp", bytes(raw), "v1/metrics", "application/x-protobuf")) == []


@pytest.mark.parametrize("kind", SOURCE_KINDS)
@fuzzed
@given(
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    proof=st.text(max_size=30)
    | st.sampled_from(
        ["Basic", "Basic  ", "Basic é", "Bearer ", "bearer \x00", "sha256=ü", "v1,ü v1,", "v1,"]
    ),
)
def test_no_proof_of_a_stranger_is_one_and_none_is_an_error(kind: str, body: bytes, proof: str) -> None:
    names = (
        "authorization",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-hub-signature",
        "x-hub-signature-256",
        "x-signature",
        "x-environment-key",
    )
    for name in names:
        headers = {"content-type": "application/json", name: proof}
        secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        with pytest.raises(SignatureRefused):
            adapters.of(kind).verify(headers, body, secrets, now=NOW, tolerance=timedelta(minutes=5))
