"""The native body, row by row."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcomes.sources import lines, native
from outcomes.sources.bodies import BodyRefused, NativeBody
from outcomes.sources.native import read
from outcomes.sources.nesting import check_depth

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AT = "2026-05-01T10:00:00Z"


def reading(body: Any) -> NativeBody:
    return read(body if isinstance(body, bytes) else json.dumps(body).encode(), now=NOW)


def refusals(body: Any) -> dict[str, str]:
    return {refusal.pointer: refusal.code for refusal in reading(body).refusals}


EVERYTHING: dict[str, Any] = {
    "sent_at": "2026-05-01T10:00:05Z",
    "observations": [{"metric": "checkout.conversion", "at": AT, "value": 12.5, "series": "eu"}],
    "usage": [{"item": "saved-carts", "actor": "u_1", "customer": "acme", "at": AT, "id": "evt_1"}],
    "snapshots": [
        {"item": "saved-carts", "on": "2026-05-01", "active": 120, "eligible": 4000},
        {"item": "saved-carts", "on": "2026-05-01", "active": 900, "eligible": 4000, "days": 28},
        {"item": "css-masonry", "on": "2026-05-01", "share": 0.00042},
    ],
    "covers": ["2026-05-01"],
    "evidence": [{"problem": "lost-baskets", "kind": "ticket", "id": "zd-991", "importance": 3}],
    "customers": [{"key": "acme", "name": "Acme", "segment": "smb", "mrr": 420}],
    "releases": [{"item": "saved-carts", "at": AT, "url": "https://example.com"}],
    "experiments": [
        {"key": "carts-ab", "variant": "control", "metric": "checkout.conversion", "at": AT}
        | {"n": 1000, "sum": 120, "sum_squares": 120}
    ],
    "retract": [{"kind": "usage", "item": "saved-carts", "id": "evt_0", "at": AT}],
}


def test_every_part_of_a_body_is_read() -> None:
    body = reading(EVERYTHING)
    assert body.refusals == []
    assert {name: len(rows) for name, rows in body.rows.items()} == {
        "observations": 1, "usage": 1, "snapshots": 3, "evidence": 1, "customers": 1, "releases": 1, "experiments": 1,
        "retract": 1,
    }  # fmt: skip
    assert body.covers == [date(2026, 5, 1)]
    assert body.sent_at == datetime(2026, 5, 1, 10, 0, 5, tzinfo=UTC)


def test_rows_are_numbered_and_retractions_come_last() -> None:
    body = reading(EVERYTHING)
    numbers = [row.number for rows in body.rows.values() for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert body.rows["retract"][0].number == max(numbers)


def test_an_empty_body_states_nothing() -> None:
    assert reading({}).row_count == 0


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"metric": "m", "at": AT}, "required"),
        ({"metric": "m", "at": AT, "value": "12"}, "bad_value"),
        ({"metric": "m", "at": AT, "value": True}, "bad_value"),
        ({"metric": "m", "at": AT, "value": None}, "bad_value"),
        ({"metric": "m", "at": "2026-05-01T10:00:00", "value": 1}, "bad_value"),
        ({"metric": "m", "at": "yesterday", "value": 1}, "bad_value"),
        ({"metric": "m", "at": "2026-05-02T12:00:01Z", "value": 1}, "in_the_future"),
        ({"metric": "", "at": AT, "value": 1}, "bad_value"),
        ({"metric": "m" * 201, "at": AT, "value": 1}, "bad_value"),
        ({"metric": "m", "at": AT, "value": 1, "vaule": 2}, "unknown_field"),
        ({"metric": "m", "at": AT, "value": 1, "series": "a\x00b"}, "bad_value"),
        ({"metric": "m", "at": "0001-01-01T00:00:00Z", "value": 1}, "bad_value"),
        ({"metric": "m", "at": "1899-12-31T23:59:59Z", "value": 1}, "bad_value"),
        ({"metric": "m", "at": AT, "value": 1.1e100}, "out_of_range"),
        ({"metric": "m", "at": AT, "value": -1e308}, "out_of_range"),
        ([], "bad_value"),
        ("row", "bad_value"),
        (None, "bad_value"),
    ],
)
def test_a_bad_observation_is_refused_with_where_and_why(row: Any, code: str) -> None:
    good = {"metric": "m", "at": AT, "value": 1}
    body = reading({"observations": [good, row, good]})
    assert [(refusal.pointer, refusal.code) for refusal in body.refusals] == [("/observations/1", code)]
    assert len(body.rows["observations"]) == 2


GOOD = f'{{"metric": "m", "at": "{AT}", "value": 1}}'


@pytest.mark.parametrize("key", ["Acme Inc", "a/b", "42", "bulk", "a\x11", "\u00fcber", "x" * 201])
def test_a_customer_is_named_by_a_key_that_a_path_can_hold_or_refuses_its_row_alone(key: str) -> None:
    usage = {"item": "saved-carts", "actor": "u_1", "at": AT}
    evidence = {"problem": "lost-baskets", "kind": "ticket", "id": "zd-1"}
    body = {
        "usage": [{**usage, "customer": key}, {**usage, "customer": "ops@acme.example"}],
        "evidence": [{**evidence, "customer": key}, {**evidence, "customer": "org:7"}],
        "customers": [{"key": key, "name": "Acme"}, {"key": "acme.com", "name": "Acme"}],
    }
    said = {f"/{name}/0": "bad_value" for name in ("usage", "evidence", "customers")}
    assert refusals(body) == said


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_not_finite_refuses_its_row_alone(literal: str) -> None:
    bad = f'{{"metric": "m", "at": "{AT}", "value": {literal}}}'
    body = reading(f'{{"observations": [{bad}, {GOOD}]}}'.encode())
    assert [refusal.pointer for refusal in body.refusals] == ["/observations/0"]
    assert len(body.rows["observations"]) == 1


def test_half_a_surrogate_pair_refuses_its_row_alone() -> None:
    bad = f'{{"metric": "m", "at": "{AT}", "value": 1, "series": "\\ud800"}}'
    assert refusals(f'{{"observations": [{bad}, {GOOD}]}}'.encode()) == {"/observations/0": "bad_value"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"usage": ' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" * 100_000,
        b'{"observations": [{"metric": "m", "at": "2026-05-01T10:00:00Z", "value": ' + b"9" * 5000 + b"}]}",
        b'{"sent_at": "soon"}',
        b'{"sent_at": "2027-05-01T10:00:00Z"}',
    ],
)
def test_what_is_no_body_at_all_is_refused_whole_or_row_by_row(raw: bytes) -> None:
    body = read_or_none(raw)
    assert body is None or (body.refusals and not any(body.rows.values()))


def test_brackets_inside_texts_do_not_count_as_nesting() -> None:
    row = {"problem": "p", "kind": "ticket", "id": "1", "quote": "[" * 500 + '\\"' + "{" * 500}
    assert refusals({"evidence": [row] * 3}) == {}


def test_an_unknown_part_is_named_and_the_others_are_read() -> None:
    body = reading({"observation": [], "observations": [{"metric": "m", "at": AT, "value": 1}]})
    assert [(refusal.pointer, refusal.code) for refusal in body.refusals] == [
        ("/observation", "unknown_section")
    ]
    assert len(body.rows["observations"]) == 1


def test_a_part_that_is_no_list_is_named() -> None:
    assert refusals({"usage": {"item": "a"}}) == {"/usage": "not_a_list"}
    assert refusals({"usage": None}) == {}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"item": "a", "on": "2026-05-01"}, "required"),
        ({"item": "a", "on": "2026-05-01", "active": 1, "share": 0.1}, "required"),
        ({"item": "a", "on": "2026-05-01", "share": 1.1}, "bad_value"),
        ({"item": "a", "on": "2026-05-01", "share": 0.1, "eligible": 3}, "bad_value"),
        ({"item": "a", "on": "2026-05-01", "active": -1}, "bad_value"),
        ({"item": "a", "on": "2026-05-01", "active": 1, "days": 0}, "bad_value"),
        ({"item": "a", "on": "2026-02-29", "active": 1}, "bad_value"),
        ({"item": "a", "on": "2026-05-04", "active": 1}, "in_the_future"),
        ({"item": "a", "on": "2026-05-01", "active": 11, "eligible": 10}, "bad_value"),
    ],
)
def test_a_bad_snapshot_is_refused(row: Any, code: str) -> None:
    assert refusals({"snapshots": [row]}) == {"/snapshots/0": code}


def test_a_leap_day_and_any_offset_and_nine_digits_are_taken() -> None:
    rows = [
        {"metric": "m", "at": at, "value": 1}
        for at in ("2024-02-29T23:59:59+14:00", "2026-05-01T10:00:00.123456789Z", "2026-05-01T10:00:00-12:00")
    ]
    assert refusals({"observations": rows}) == {}


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "problem"},
        {"kind": "observation", "metric": "m"},
        {"kind": "usage", "item": "a", "at": AT},
        {"kind": "snapshot", "item": "a"},
        {"kind": "evidence", "problem": "p"},
    ],
)
def test_a_retraction_must_name_what_it_takes_back(row: Any) -> None:
    assert list(refusals({"retract": [row]})) == ["/retract/0"]


def test_links_that_are_not_for_the_web_are_refused() -> None:
    row = {"problem": "p", "kind": "ticket", "id": "1", "source_url": "javascript:alert(1)"}
    assert refusals({"evidence": [row]}) == {"/evidence/0": "bad_value"}


def test_covers_are_days_and_days_only() -> None:
    far = (NOW.date() + timedelta(days=9)).isoformat()
    assert refusals({"covers": ["2026-05-01", "may", 3, far]}) == {
        "/covers/1": "bad_value",
        "/covers/2": "bad_value",
        "/covers/3": "in_the_future",
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


TOTALS = EVERYTHING["experiments"][0]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"n": -1}, "bad_value"),
        ({"n": 10.5}, "bad_value"),
        ({"n": 10**13}, "bad_value"),
        ({"n": "1000"}, "bad_value"),
        ({"n": 0}, "bad_value"),
        ({"sum": 1e101}, "out_of_range"),
        ({"sum": float("nan")}, "not_finite"),
        ({"sum_squares": -1}, "impossible_squares"),
        ({"sum_squares": 14.3}, "impossible_squares"),
        ({"variant": ""}, "bad_value"),
        ({"variant": None}, "bad_value"),
        ({"at": "2026-05-03T00:00:00Z"}, "in_the_future"),
        ({"lift": 0.1}, "unknown_field"),
    ],
)
def test_totals_that_cannot_be_are_refused_by_name(said: dict[str, Any], code: str) -> None:
    assert refusals({"experiments": [{**TOTALS, **said}]}) == {"/experiments/0": code}


@pytest.mark.parametrize(
    "said", [{"sum_squares": 14.4}, {"sum_squares": 14.4 - 1e-12}, {"n": 0, "sum": 0, "sum_squares": 0}]
)
def test_totals_at_the_edge_of_what_can_be_are_taken(said: dict[str, Any]) -> None:
    assert refusals({"experiments": [{**TOTALS, **said}]}) == {}


def test_totals_are_taken_back_by_their_whole_identity() -> None:
    identity = {name: TOTALS[name] for name in ("key", "variant", "metric", "at")}
    assert refusals({"retract": [{"kind": "experiment", **identity}]}) == {}
    for name in identity:
        rest = {key: value for key, value in identity.items() if key != name}
        assert refusals({"retract": [{"kind": "experiment", **rest}]}) == {"/retract/0": "required"}


@settings(suppress_health_check=[HealthCheck.too_slow])  # deep documents take a busy machine long to make up
@given(st.dictionaries(st.sampled_from([*EVERYTHING, "other"]), _JSON, max_size=5))
def test_no_json_makes_the_reader_fail_otherwise_than_by_refusing(document: dict[str, Any]) -> None:
    body = read_or_none(json.dumps(document).encode())
    assert body is None or body.row_count >= sum(len(rows) for rows in body.rows.values())


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusing(raw: bytes) -> None:
    body = read_or_none(raw)
    assert body is None or body.row_count == 0 or body.rows or body.refusals


def read_or_none(raw: bytes) -> NativeBody | None:
    """None when the body as a whole was refused, with a reason."""
    try:
        return read(raw, now=NOW)
    except BodyRefused as refused:
        if not str(refused):
            raise
        return None


@pytest.mark.parametrize("text", [b'"\\' * 450_000, b'"' + b'\\"' * 450_000, b'"\\\\' * 300_000])
def test_a_text_that_never_ends_is_looked_through_once(text: bytes) -> None:
    # Looked through anew at each quote, this one body would take hours.
    with pytest.raises(BodyRefused):
        read(b"[" * 40 + text, now=NOW)


_OF_OBSERVATIONS = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["m", "n", "ü", "\x00", ""]),
        "at": st.sampled_from(
            ["2026-05-01T10:00:00Z", "2026-05-03T10:00:00+02:00", "0001-01-01T00:00:00+10:00", "soon", None]
        ),
        "value": st.sampled_from([1, -2.5, 1e308, 1.7e308, None, "3"]),
    },
    optional={"series": st.sampled_from(["", "eu", "\x00", "x" * 201])},
)
_OF_USAGE = st.fixed_dictionaries(
    {
        "item": st.sampled_from(["i", "\x00"]),
        "actor": st.sampled_from(["a", "b\x00", ""]),
        "at": st.sampled_from(["2026-05-01T10:00:00Z", "2027-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00"]),
    },
    optional={"id": st.sampled_from(["e", "\x00", None]), "customer": st.sampled_from(["c", "\x00", None])},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.fixed_dictionaries(
        {
            "observations": st.lists(_OF_OBSERVATIONS, max_size=4),
            "usage": st.lists(_OF_USAGE, max_size=4),
        }
    )
)
def test_rows_looked_at_together_are_taken_and_refused_as_if_looked_at_singly(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = json.dumps(document).encode()
    together = read(raw, now=NOW)
    with monkeypatch.context() as patched:
        patched.setattr(native, "are_clean", lambda rows, now: False)
        singly = read(raw, now=NOW)
    assert (together.rows, together.refusals) == (singly.rows, singly.refusals)


@pytest.mark.parametrize("text", ['[{"a": "]]]"}, "[[[["]', '[{"\\"": "\\\\"}, "\\"[["]'])
def test_nesting_is_counted_outside_texts_whether_or_not_something_in_them_is_escaped(text: str) -> None:
    deepest = "[" * 32 + text + "]" * 32
    with pytest.raises(BodyRefused):
        check_depth(deepest.encode())
    check_depth(deepest[3:-3].encode())


@pytest.mark.parametrize("numbers", [{"active": 1e308}, {"active": 5, "eligible": 1.1e100}])
def test_a_snapshot_of_more_than_can_be_added_up_is_refused(numbers: dict[str, float]) -> None:
    body = reading({"snapshots": [{"item": "i", "on": "2026-05-01", **numbers}]})
    assert [(refusal.pointer, refusal.code) for refusal in body.refusals] == [
        ("/snapshots/0", "out_of_range")
    ]


def test_the_largest_number_that_is_taken_can_be_added_up() -> None:
    rows = [{"metric": "m", "at": AT, "value": value} for value in (1e100, -1e100)]
    assert reading({"observations": rows}).refusals == []


# --- Names that occur twice -----------------------------------------------------------------------------

ROW = b'{"metric": "m", "at": "2026-05-01T10:00:00Z", "value": 1, "series": "a:b"}'


def test_a_section_that_occurs_twice_refuses_the_body_instead_of_losing_the_first() -> None:
    with pytest.raises(BodyRefused, match="'observations' occurs twice"):
        reading(b'{"observations": [%b], "observations": [%b]}' % (ROW, ROW))


@pytest.mark.parametrize("again", [b'"value": 2', b'"v\\u0061lue": 2', b'"value": 1'])
def test_a_name_that_occurs_twice_refuses_its_row_alone(again: bytes) -> None:
    twice = ROW.replace(b'"series"', again + b', "series"')
    body = reading(b'{"observations": [%b, %b]}' % (twice, ROW))
    (refusal,) = body.refusals
    assert (refusal.pointer, refusal.code) == ("/observations/0", "bad_value")
    assert "'value' occurs twice" in refusal.detail
    assert [numbered.pointer for numbered in body.rows["observations"]] == ["/observations/1"]


def test_a_name_that_occurs_twice_in_a_line_refuses_the_line() -> None:
    body = lines.read(ROW + b"\n" + ROW.replace(b'"value"', b'"value": 3, "value"'), now=NOW)
    (refusal,) = body.refusals
    assert (refusal.pointer, body.row_count) == ("/1", 2)
    assert "'value' occurs twice" in refusal.detail


def test_a_number_too_large_in_a_row_is_told_as_before_beside_rows_that_are_clean() -> None:
    body = b'{"observations": [%b, %b]}' % (ROW, ROW.replace(b": 1,", b": 1e999,"))
    assert refusals(body) == {"/observations/1": "bad_value"}
    assert lines.read(ROW.replace(b": 1,", b": 1e999,"), now=NOW).refusals[0].code == "bad_value"
