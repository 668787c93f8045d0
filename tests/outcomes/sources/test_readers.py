"""What readers of every kind have in common: times, counts and shapes that no sender should send."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.sources import adapters, lines, native, rules
from outcomes.sources.bodies import BodyRefused, NativeBody
from outcomes.sources.escapes import plainly
from outcomes.sources.reading import Event, EventBody, instant, number
from tests.outcomes.sources.test_fuzz import CAPTURED

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CUT = datetime(2026, 11, 20, 22, 59, 59, 999_999, tzinfo=UTC)
DIGITS = ["9" * 400, "9" * 5000, 10**400, -(10**400), 1e308]


def read(kind: str, body: Any, *, path: str = "", **headers: str) -> EventBody:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = adapters.of(kind).events(raw, headers=headers, path=path, now=NOW)
    assert isinstance(found, EventBody)
    return found


def codes(body: NativeBody) -> list[str]:
    return [refusal.code for refusal in body.refusals]


# --- times ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", DIGITS)
def test_a_number_of_very_many_digits_is_no_instant(said: Any) -> None:
    assert instant(said) is None


@pytest.mark.parametrize("said", ["9" * 400, "9" * 5000])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("segment", {"batch": [{"type": "track", "event": "E", "timestamp": "AT"}]}),
        ("posthog", {"batch": [{"event": "E", "timestamp": "AT"}]}),
        ("amplitude", {"events": [{"event_type": "E", "time": "AT"}]}),
        ("mixpanel", [{"event": "E", "properties": {"time": "AT"}}]),
        ("flagsmith", {"events": [{"event": "E", "timestamp": "AT"}]}),
        ("flagsmith", {"events": [{"event": "$flag_exposure", "feature_name": "f", "timestamp": "AT"}]}),
        ("cloudevents", {"type": "E", "source": "s", "id": "1", "time": "AT"}),
        ("launchdarkly", [{"kind": "custom", "key": "E", "creationDate": "AT"}]),
        ("launchdarkly", [{"kind": "summary", "startDate": "AT", "features": {"f": {"counters": []}}}]),
        ("unleash", {"bucket": {"start": "AT", "toggles": {"f": {"yes": 1}}}}),
        (
            "unleash",
            {
                "bucket": {"stop": "AT"},
                "impactMetrics": [{"name": "m", "type": "gauge", "samples": [{"value": 1}]}],
            },
        ),
    ],
)
def test_a_time_of_very_many_digits_refuses_its_row(kind: str, body: Any, said: str) -> None:
    found = read(kind, json.dumps(body).replace("AT", said).encode())
    assert (codes(found), found.events, found.evaluations) == (["bad_value"], [], [])


@pytest.mark.parametrize("said", ["9" * 400, "9" * 5000])
@pytest.mark.parametrize(("kind", "field"), [("segment", "sentAt"), ("posthog", "sent_at")])
def test_a_sending_time_of_very_many_digits_loses_no_event(kind: str, field: str, said: str) -> None:
    events = [{"type": "track", "event": "E", "timestamp": "2026-11-26T10:00:00Z"}] * 2
    found = read(kind, {"batch": events, field: said})
    assert (len(found.events), found.sent_at, codes(found)) == (2, None, [])


def test_a_custom_field_that_only_is_called_like_a_time_is_none() -> None:
    (event,) = read("custom", {"name": "E", "time": "9" * 5000}).events
    assert event.at == NOW


@pytest.mark.parametrize(
    "said",
    [
        1_795_215_599_999_999_999,
        "1795215599999999999",
        1_795_215_599_999.9995,
        "2026-11-20T22:59:59.9999999Z",
        "2026-11-20T22:59:59.999999999+00:00",
    ],
)
def test_what_is_finer_than_a_microsecond_is_cut_off_in_every_notation(said: Any) -> None:
    assert instant(said) == CUT


def test_a_float_of_seconds_is_the_instant_that_was_written() -> None:
    assert instant(1795215600.123457) == datetime(2026, 11, 20, 23, 0, 0, 123_457, tzinfo=UTC)


FINE, NEXT = "2026-11-20T22:59:59.999999999Z", "2026-11-20T23:00:00Z"


def test_the_native_body_cuts_off_nanoseconds_so_that_two_instants_stay_two() -> None:
    rows = [{"metric": "m", "at": at, "value": 1} for at in (FINE, NEXT)]
    body = native.read(json.dumps({"sent_at": FINE, "observations": rows}).encode(), now=NOW)
    assert [numbered.row.at for numbered in body.rows["observations"]] == [
        CUT,
        CUT + timedelta(microseconds=1),
    ]
    assert body.sent_at == CUT


@pytest.mark.parametrize("written", ["999999\\u0039", "99\\u00399999999", "9\\u00399999\\u0039\\u0039"])
@pytest.mark.parametrize("name", ["at", "\\u0061t"])
def test_digits_that_are_written_as_escapes_are_cut_off_as_well(written: str, name: str) -> None:
    row = f'{{"metric": "m", "{name}": "2026-11-20T22:59:59.{written}Z", "value": 1}}'.encode()
    at_once = native.read(b'{"observations": [' + row + b"]}", now=NOW)
    found = [body.rows["observations"][0].row.at for body in (at_once, lines.read(row, now=NOW))]
    assert found == [CUT, CUT]


_ESCAPED = st.lists(
    st.sampled_from(
        ["a", "\\u0061", "\\\\u0061", "\\\\\\u0061", "\\u0022", "\\u005c", "\\u0000", "\\n", "\\ud800"]
    ),
    max_size=8,
)


@given(_ESCAPED, _ESCAPED)
def test_what_is_written_plainly_is_the_same_document(name: list[str], text: list[str]) -> None:
    written = f'{{"{"".join(name)}": "{"".join(text)}"}}'
    assert json.loads(plainly(written.encode())) == json.loads(written)


def test_an_escape_in_no_string_is_still_no_json() -> None:
    assert plainly(b'{"a": \\u0031, "b": "c"}') == b'{"a": \\u0031, "b": "c"}'


def test_integers_of_twenty_digits_and_more_name_as_many_people_and_events() -> None:
    # Of 64 bits without a sign, and of more.
    told = [(2**64 - 1 - n, 10**39 + n) for n in range(3)]
    calls = [{"type": "track", "event": "E", "userId": user, "messageId": id_} for user, id_ in told]
    events = read("segment", {"batch": calls}).events
    assert [(event.actor, event.id) for event in events] == [(str(user), str(id_)) for user, id_ in told]


def test_an_integer_that_no_double_holds_refuses_its_event_alone() -> None:
    found = read("custom", b'[{"name": "E", "n": %s}, {"name": "F"}]' % (b"9" * 400))
    assert ([event.name for event in found.events], codes(found)) == (["F"], ["bad_value"])


def test_so_do_lines_and_bodies_read_leniently() -> None:
    row = json.dumps({"metric": "m", "at": FINE, "value": 1})
    by_line = lines.read(f"{row}\n".encode(), now=NOW)
    bad = row.replace(": 1}", ": NaN}")
    leniently = native.read(f'{{"observations": [{row}, {bad}]}}'.encode(), now=NOW)
    assert [body.rows["observations"][0].row.at for body in (by_line, leniently)] == [CUT, CUT]


def test_a_text_that_quotes_an_instant_is_kept_as_it_was_written() -> None:
    quote = f'it said "at": "{FINE}"'
    evidence = {"problem": "p", "kind": "ticket", "id": FINE, "quote": quote}
    row = native.read(json.dumps({"evidence": [evidence]}).encode(), now=NOW).rows["evidence"][0].row
    assert (row.id, row.quote) == (FINE, quote)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("1801-01-01T00:00:00Z", "bad_value"),
        ("0001-01-01T00:00:00Z", "bad_value"),
        ("1899-12-31T23:59:59Z", "bad_value"),
        ("2026-11-27T12:00:01Z", "in_the_future"),
        ("9999-12-31T23:59:59Z", "in_the_future"),
        ("never", "bad_value"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("unleash", {"bucket": {"start": "AT", "toggles": {"f": {"yes": 1}}}}),
        ("flagsmith", {"events": [{"event": "$flag_exposure", "feature_name": "f", "timestamp": "AT"}]}),
        ("launchdarkly", [{"kind": "summary", "startDate": "AT", "features": {"f": {"counters": []}}}]),
    ],
)
def test_exposures_have_the_calendar_of_every_other_fact(kind: str, body: Any, said: str, code: str) -> None:
    found = read(kind, json.dumps(body).replace("AT", said).encode())
    assert (codes(found), found.evaluations) == ([code], [])
    (one,) = read(kind, json.dumps(body).replace("AT", "2026-11-27T11:59:59Z").encode()).evaluations
    assert one.item == "f"


# --- the mark of UTF-8 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_mark_before_the_body_is_taken_by_every_reader(mark: bytes) -> None:
    row = b'{"metric": "m", "at": "2026-11-20T23:00:00Z", "value": 1}'
    whole = native.read(mark + b'{"observations": [' + row + b"]}", now=NOW)
    by_line = lines.read(mark + row + b"\n" + row, now=NOW)
    assert [len(body.rows["observations"]) for body in (whole, by_line)] == [1, 2]
    assert codes(whole) + codes(by_line) == []
    assert len(read("custom", mark + b'{"name": "E"}').events) == 1
    assert len(read("mixpanel", mark + b'{"event": "E"}').events) == 1


# --- shapes ---------------------------------------------------------------------------------------------


def test_a_tracker_whose_changes_are_no_list_says_nothing_of_moves() -> None:
    body = {"webhookEvent": "jira:issue_updated", "issue": {"key": "A-1"}, "changelog": {"items": 5}}
    assert read("jira", body).moves == []


def test_a_form_of_too_many_fields_is_refused_whole() -> None:
    form = "payload={}" + "".join(f"&{name}=1" for name in "abcdef")
    with pytest.raises(BodyRefused):
        read("github", form.encode(), **{"content-type": "application/x-www-form-urlencoded"})


WRONG: list[Any] = [
    5,
    -1,
    1e308,
    "x",
    "9" * 400,
    "9" * 5000,
    "9999-12-31T23:59:59-23:59",
    [5],
    {"a": 5},
    None,
    True,
]
TRACKED: list[tuple[str, dict[str, Any]]] = [
    (
        "jira",
        {
            "webhookEvent": "jira:issue_updated",
            "timestamp": 1_795_215_599_000,
            "user": {"accountId": "u"},
            "changelog": {"items": [{"field": "status"}]},
            "issue": {
                "key": "A-1",
                "self": "https://jira.example/1",
                "fields": {"status": {"statusCategory": {"key": "done"}}},
            },
        },
    ),
    (
        "github",
        {
            "action": "published",
            "sender": {"login": "u"},
            "repository": {"name": "r"},
            "release": {
                "tag_name": "a-v1",
                "name": "a",
                "body": "Item: a",
                "published_at": "2026-11-20T23:00:00Z",
            },
        },
    ),
    (
        "github",
        {
            "action": "unlabeled",
            "label": {"name": "problem: p"},
            "repository": {"full_name": "o/r"},
            "issue": {
                "number": 1,
                "labels": [{"name": "problem: q"}],
                "updated_at": "2026-11-20T23:00:00Z",
                "created_at": "2026-11-20T23:00:00Z",
            },
        },
    ),
]
SENT = TRACKED + [
    (one["sdk_run"].partition("-")[0], json.loads(one["body"]))
    for one in CAPTURED
    if one["body"].startswith("{") and one.get("sdk_run", "").partition("-")[0] in adapters._MODULES
]


def spoilt(document: Any, wrong: Any) -> Iterator[Any]:
    """The document with one value of it replaced, for each value within."""
    yield wrong
    if isinstance(document, dict):
        for name, value in document.items():
            yield from ({**document, name: inner} for inner in spoilt(value, wrong))
    elif isinstance(document, list):
        for place, value in enumerate(document[:3]):
            yield from ([*document[:place], inner, *document[place + 1 :]] for inner in spoilt(value, wrong))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong)[:12])
@pytest.mark.parametrize(("kind", "document"), SENT, ids=lambda part: part if isinstance(part, str) else "")
def test_a_value_of_another_kind_at_any_place_is_never_our_fault(
    kind: str, document: Any, wrong: Any
) -> None:
    ends = Counter(how_it_ends(kind, body) for body in [document, *spoilt(document, wrong)])
    assert set(ends) <= {"read", "refused"}
    assert ends["read"] > 0


def how_it_ends(kind: str, body: Any) -> str:
    """Whether a body is read, refused as a whole, or what it breaks otherwise."""
    try:
        rules.apply(RULES, read(kind, body), now=NOW)
    except BodyRefused:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {body!r}"
    return "read"


# --- rules ----------------------------------------------------------------------------------------------

RULES = [
    rules.Rule(
        match="ceil(to_number(properties.x || `1`)) > `0`",
        to="observation",
        metric="m",
        value="to_number(properties.x)",
        at="to_number(properties.x)",
    ),
    rules.Rule(match="`true`", to="observation", metric="m", value="floor(to_number(properties.x))"),
    rules.Rule(match="`true`", to="observation", metric="m", value="to_number(properties.x)"),
]


@pytest.mark.parametrize("x", ["9" * 400, "9" * 5000, "1e999", "nan", "inf"])
def test_a_rule_that_computes_with_too_much_refuses_its_event(x: str) -> None:
    body = EventBody(events=[Event("E", NOW, "/0", properties={"x": x})])
    rules.apply(RULES, body, now=NOW)
    assert set(codes(body)) == {"bad_value"}
    assert not body.rows["observations"]


@pytest.mark.parametrize("said", DIGITS[:4])
def test_a_value_of_very_many_digits_is_no_number(said: Any) -> None:
    assert number(said) is None
