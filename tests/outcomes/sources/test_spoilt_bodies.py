"""One value of a good body spoilt, wherever it stands: what is read are rows and refusals, and no error is raised."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcomes.models.sources import SOURCE_KINDS
from outcomes.sources import adapters, rules
from outcomes.sources.bodies import BodyRefused, NativeBody
from outcomes.sources.reading import EventBody, unstorable
from outcomes.sources.row_checks import check

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[2] / "payloads" / "captured_requests.json"
# By the end of the path that a library sent them to.
CAPTURED_AT = {
    "segment": "/v1/batch",
    "posthog": "/batch/",
    "amplitude": "/2/httpapi",
    "cloudevents": "/to_structured",
    "otlp": "/v1/metrics",
    "unleash": "/client/metrics",
    "flagsmith": "/flags/",
    "launchdarkly": "/bulk",
    "custom": "/to_structured",
}
AT = "2026-11-20T10:00:00Z"
_ATTRIBUTES = [
    {"key": "region", "value": {"stringValue": "eu"}},
    {"key": "flag", "value": {"boolValue": True}},
    {"key": "n", "value": {"intValue": "7"}},
    {"key": "d", "value": {"doubleValue": 1.5}},
    {"key": "raw", "value": {"bytesValue": "AAE="}},
    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x" * 170}, {"intValue": 1}]}}},
    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 2}}]}}},
]
_POINT = {
    "timeUnixNano": "1764187200000000000",
    "startTimeUnixNano": 1764187100000000000,
    "asDouble": 5.5,
    "flags": 0,
    "attributes": _ATTRIBUTES,
}
_SUM = {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [_POINT]}
_METRICS = [{"name": "used", "sum": _SUM}, {"name": "level", "gauge": {"dataPoints": [_POINT]}}]
_SCOPE = {"scope": {"name": "s"}, "metrics": _METRICS}
_RELEASE = {
    "tag_name": "a-v1",
    "name": "A",
    "published_at": AT,
    "body": "Item: a",
    "html_url": "https://x.example",
}
_ISSUE = {
    "number": 7,
    "title": "t",
    "body": "b",
    "created_at": AT,
    "updated_at": AT,
    "labels": [{"name": "problem: p"}],
}
_OF_GITHUB = {
    "action": "published",
    "sender": {"login": "ada"},
    "repository": {"name": "r", "full_name": "a/r"},
}
MADE: dict[str, list[Any]] = {
    "otlp": [{"resourceMetrics": [{"resource": {"attributes": _ATTRIBUTES}, "scopeMetrics": [_SCOPE]}]}],
    "productops": [
        {
            "sent_at": AT,
            "covers": ["2026-11-20"],
            "observations": [{"metric": "m", "at": AT, "value": 1.5, "series": "s"}],
            "usage": [{"item": "i", "actor": "a", "at": AT, "customer": "c", "id": "1"}],
            "snapshots": [{"item": "i", "on": "2026-11-20", "active": 1, "eligible": 2, "days": 7}],
            "evidence": [{"problem": "p", "kind": "ticket", "id": "1", "observed_on": "2026-11-20"}],
            "customers": [{"key": "c", "name": "C", "mrr": 10}],
            "experiments": [
                {"key": "e", "variant": "v", "metric": "m", "at": AT, "n": 2, "sum": 2, "sum_squares": 2}
            ],
            "retract": [{"kind": "observation", "metric": "m", "at": AT}],
        }
    ],
    "mixpanel": [
        [
            {
                "event": "e",
                "properties": {"token": "t", "time": 1764000000, "distinct_id": "a", "$insert_id": "1"},
            }
        ]
    ],
    "unleash": [
        {
            "bucket": {"start": AT, "stop": AT, "toggles": {"a": {"yes": 1, "no": 2, "variants": {"x": 1}}}},
            "impactMetrics": [
                {"name": "m", "type": "gauge", "samples": [{"value": 2.5, "labels": {"a": "b"}}]}
            ],
        }
    ],
    "flagsmith": [
        {"events": [{"type": "flag_exposure", "timestamp": AT, "flag": "f", "identifier": "a"}]},
        {"f": 3},
    ],
    "launchdarkly": [
        [
            {
                "kind": "summary",
                "startDate": 1764000000000,
                "endDate": 1764000001000,
                "features": {"f": {"default": 1, "counters": [{"value": True, "count": 2, "variation": 0}]}},
            },
            {
                "kind": "custom",
                "key": "k",
                "creationDate": 1764000000000,
                "contextKeys": {"user": "a"},
                "metricValue": 2,
            },
        ]
    ],
    "github": [
        {**_OF_GITHUB, "release": _RELEASE},
        {**_OF_GITHUB, "action": "unlabeled", "issue": _ISSUE, "label": {"name": "problem: p"}},
    ],
    "jira": [
        {
            "timestamp": 1764000000000,
            "webhookEvent": "jira:issue_updated",
            "user": {"accountId": "a"},
            "issue": {
                "key": "A-1",
                "self": "https://x.example",
                "fields": {"status": {"statusCategory": {"key": "done"}}},
            },
            "changelog": {"items": [{"field": "status"}]},
        }
    ],
}
for _one in json.loads(PAYLOADS.read_text()):
    for _kind, _end in CAPTURED_AT.items():
        if _one["body"].startswith(("{", "[")) and _one["path"].partition("?")[0].endswith(_end):
            MADE.setdefault(_kind, []).append(json.loads(_one["body"]))

# Written into the JSON as they stand.
TOKENS = [
    '"\\u0000"',
    '"\\ud800"',
    '"' + "é" * 300 + '\\udfff"',
    '{"\\ud800": "\\u0000"}',
    "1e999",
    "-1e999",
    "Infinity",
    "NaN",
    "9" * 400,
    '"' + "9" * 25 + '"',
    '"' + "9" * 400 + '"',
    '"' + "9" * 5000 + '"',
    '"1e999"',
    "1.7e308",
    "-1e308",
    "9000000000000000000",
    '"9000000000000000000"',
    '"9999-12-31T23:59:59-23:59"',
    '"0001-01-01T00:00:00+23:59"',
    "-9223372036854775808",
    "0",
    "null",
    "true",
    '""',
    "[]",
    "{}",
    "[[1], {}, null, 1e999]",
    '{"values": 5, "items": 5, "key": {}}',
    "[" * 25 + "]" * 25,
    "[" * 40 + "]" * 40,
]
RULES = [
    rules.Rule(match="name != 'x'", to="usage", item_key="name || 'k'"),
    rules.Rule(match="`true`", to="observation", metric="m", value="properties.value", series="properties.*"),
]


@st.composite
def spoilt(draw: st.DrawFn, kind: str) -> bytes:
    """A good body of a kind with one or two of its values, or what holds them, replaced."""
    document = json.loads(json.dumps(draw(st.sampled_from(MADE[kind]))))
    told = {}
    for place in range(draw(st.integers(1, 2))):
        holder, stood = document, f"@{place}@"
        while holder:
            key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
            if not isinstance(holder[key], (dict, list)) or not draw(st.integers(0, 5)):
                holder[key] = stood
                break
            holder = holder[key]
        told[f'"{stood}"'] = draw(st.sampled_from(TOKENS))
    text = json.dumps(document)
    for stood, token in told.items():
        text = text.replace(stood, token)
    return text.encode()


def read(kind: str, body: bytes) -> NativeBody | None:
    try:
        found = adapters.of(kind).events(body, headers={"content-type": "application/json"}, path="", now=NOW)
    except BodyRefused:
        return None
    if isinstance(found, EventBody):
        rules.apply(RULES, found, now=NOW)
    return found


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_what_is_spoilt_was_good_before(kind: str) -> None:
    for document in MADE[kind]:
        found = read(kind, json.dumps(document).encode())
        assert found is not None
        assert found.row_count


@pytest.mark.parametrize("kind", SOURCE_KINDS)
@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_spoilt_body_gives_rows_that_can_be_kept_and_refusals(kind: str, data: st.DataObject) -> None:
    found = read(kind, data.draw(spoilt(kind)))
    if found is None:
        return
    for numbered in (numbered for rows in found.rows.values() for numbered in rows):
        check(numbered.row, NOW)
    assert not any(unstorable(refusal.as_json()) for refusal in found.refusals)
