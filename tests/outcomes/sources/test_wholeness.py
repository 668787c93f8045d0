"""What a body in chunks shows of its end."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from outcomes.sources.wholeness import is_evidently_whole, is_last_line_whole

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", "[{", "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
_DOCUMENTS = st.lists(_VALUES, max_size=3) | st.dictionaries(st.text(max_size=4), _VALUES, max_size=3)


@given(_DOCUMENTS, st.booleans(), st.sampled_from([b"", b"\n", b"\xef\xbb\xbf"]))
def test_json_is_whole_at_its_end_and_nowhere_before(document: Any, ascii_only: bool, around: bytes) -> None:
    raw = around + json.dumps(document, ensure_ascii=ascii_only).encode()
    assert is_evidently_whole(raw, "application/json")
    assert not any(is_evidently_whole(raw[:length], "application/json") for length in range(len(raw)))


def test_blanks_behind_the_last_line_are_no_line() -> None:
    assert is_last_line_whole(b'{"a": 1}\n  ')
    assert not is_last_line_whole(b"  ")


def _export(resources: int, metrics: int, name: str) -> bytes:
    request = ExportMetricsServiceRequest()
    for _ in range(resources):
        scope = request.resource_metrics.add().scope_metrics.add()
        for _ in range(metrics):
            scope.metrics.add(name=name).gauge.data_points.add(as_double=1.5)
    return request.SerializeToString()


@given(st.integers(0, 40), st.text(max_size=20))
def test_one_resources_metrics_in_protobuf_are_whole_at_their_end_and_nowhere_before(
    metrics: int, name: str
) -> None:
    raw = _export(1, metrics, name)
    assert is_evidently_whole(raw, "application/x-protobuf")
    cut = [length for length in range(len(raw)) if is_evidently_whole(raw[:length], "application/x-protobuf")]
    assert cut == []


@given(st.integers(1, 4), st.integers(0, 3), st.text(max_size=20))
def test_several_resources_are_whole_where_one_ends_and_nowhere_between(
    resources: int, metrics: int, name: str
) -> None:
    raw = _export(resources, metrics, name)
    assert len(raw) % resources == 0
    ends = [
        length for length in range(len(raw) + 1) if is_evidently_whole(raw[:length], "application/x-protobuf")
    ]
    assert ends == [len(raw) // resources * count for count in range(1, resources + 1)]


@given(
    st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=3), min_size=1, max_size=3), st.booleans()
)
def test_lines_are_whole_where_one_ends_and_nowhere_between(rows: list[Any], crlf: bool) -> None:
    mark = b"\r\n" if crlf else b"\n"
    raw = b"".join(json.dumps(row).encode() + mark for row in rows)
    ends, place = set(), 0
    for row in rows:
        place += len(json.dumps(row))
        ends |= set(range(place, place + len(mark) + 1))
        place += len(mark)
    assert {length for length in range(len(raw) + 1) if is_last_line_whole(raw[:length])} == ends


@given(st.binary(max_size=40))
def test_any_bytes_are_looked_at_without_complaint(raw: bytes) -> None:
    assert is_evidently_whole(raw, "application/x-protobuf") in (True, False)
