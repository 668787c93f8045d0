"""Rules over events, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.sources.reading import Clock, Event, EventBody, instant, label_of, unstorable
from outcomes.sources.rules import BadExpression, Rule, apart, apply, compiled, problems_with

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


def applied(rule: Rule, **fields: Any) -> EventBody:
    told = {"name": "Order Completed", "at": AT, "pointer": "/batch/0", "id": "e1", "actor": "ann", **fields}
    body = EventBody(events=[Event(**told)])
    apply([rule], body, now=NOW)
    return body


def test_an_event_that_matches_becomes_an_observation_with_its_value() -> None:
    rule = Rule("name == 'Order Completed'", "observation", metric="revenue", value="properties.revenue")
    row = applied(rule, properties={"revenue": "12.5"}).rows["observations"][0].row
    assert (row.metric, row.value, row.series) == ("revenue", 12.5, "")


def test_without_a_value_an_observation_counts_one() -> None:
    rule = Rule("name == 'Order Completed'", "observation", metric="orders")
    assert applied(rule).rows["observations"][0].row.value == 1


def test_usage_takes_actor_time_and_id_from_the_event_unless_the_rule_says_otherwise() -> None:
    plain = applied(Rule("`true`", "usage", item="saved-carts")).rows["usage"][0].row
    assert (plain.item, plain.actor, plain.at, plain.id) == ("saved-carts", "ann", AT, "e1")
    rule = Rule(
        "`true`", "usage", item_key="properties.f", actor="properties.who", at="properties.t", id="name"
    )
    told = {"f": "guest-checkout", "who": 7, "t": 1777629600000}
    said = applied(rule, properties=told).rows["usage"][0].row
    assert (said.item, said.actor, said.at, said.id) == ("guest-checkout", "7", AT, "Order Completed")


@pytest.mark.parametrize(
    ("said", "account", "customer"),
    [
        ("customer && join('-', ['account', customer])", "42", "account-42"),
        ("customer && join('-', ['account', customer])", None, None),
        ("''", "Acme Inc", None),
    ],
)
def test_a_rule_makes_a_key_of_an_account_that_is_none_or_leaves_it_out(
    said: str, account: str | None, customer: str | None
) -> None:
    body = applied(Rule("`true`", "usage", item="saved-carts", customer=said), customer=account)
    assert ([one.row.customer for one in body.rows["usage"]], body.refusals) == ([customer], [])


def test_an_event_that_nothing_matches_is_unclaimed_and_upkeep_is_not() -> None:
    rule = Rule("name == 'other'", "usage", item="x")
    (refusal,) = applied(rule).refusals
    assert refusal.code == "unclaimed_event"
    assert refusal.unclaimed
    assert refusal.unclaimed.name == "Order Completed"
    assert applied(rule, is_upkeep=True).refusals == []


@pytest.mark.parametrize("value", [None, "many", True, {}, [], "nan", "inf"])
def test_a_value_that_is_no_number_refuses_its_row(value: Any) -> None:
    rule = Rule("`true`", "observation", metric="m", value="properties.v")
    body = applied(rule, properties={"v": value})
    assert [refusal.code for refusal in body.refusals] == ["bad_value"]
    assert not body.rows["observations"]


def test_a_function_of_something_missing_means_no_match() -> None:
    rule = Rule("starts_with(properties.page, '/cart')", "usage", item="x")
    assert [refusal.code for refusal in applied(rule).refusals] == ["unclaimed_event"]


@pytest.mark.parametrize(
    "expression",
    [
        "name ==",
        "nobody(name)",
        "a" * 1001,
        "[@,@][]|" * 3 + "[@]",
        "(" * 200,
        "a." * 90 + "a",
        "!" * 60 + "a",
        "length(`1`)",
        "starts_with(name, `null`)",
        "sum('text')",
        "max(`true`)",
        "length()",
        "contains(name)",
        "merge()",
    ],
)
def test_an_expression_that_is_broken_or_too_large_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        compiled(expression)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("length('1')", 1),
        ("sum(`[1, 2]`)", 3),
        ("not_null(`1`, name)", 1),
        ("join(', ', properties.list)", "a"),
        ('to_number(`"1"`)', 1),
    ],
)
def test_a_call_that_may_work_is_taken_and_works(expression: str, meant: Any) -> None:
    assert compiled(expression).search({"name": "x", "properties": {"list": ["a"]}}) == meant


@given(st.text(max_size=60))
def test_no_expression_fails_otherwise_than_by_being_refused(expression: str) -> None:
    assert problems_with({"match": expression, "to": "usage", "item": "x"}) is not None


def test_a_rule_names_exactly_one_thing_that_fits_its_target() -> None:
    def complaints(**fields: Any) -> set[str]:
        return {field for field, _, _ in problems_with({"match": "name", **fields})}

    assert complaints(to="usage", item="x") == set()
    assert complaints(to="usage") == {"item"}
    assert complaints(to="usage", item="x", item_key="y") == {"item_key"}
    assert complaints(to="usage", item="x", metric="m", value="v") == {"metric", "value"}
    assert complaints(to="observation", metric="m", actor="a") == {"actor"}
    assert complaints(to="elsewhere") == {"to"}


def test_two_orders_of_one_millisecond_are_two_and_the_same_one_twice_is_one() -> None:
    at = AT.replace(microsecond=123_000)
    assert apart(at, "a") == apart(at, "a") != apart(at, "b")
    assert apart(at, "a").replace(microsecond=0) == AT
    assert apart(at, "a").microsecond // 1000 == 123
    assert apart(AT.replace(microsecond=123_456), "a").microsecond == 123_456


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T10:00:00Z",
        "2026-05-01T10:00:00.000000000Z",
        "2026-05-01T12:00:00+02:00",
        "2026-05-01 10:00:00",
        1777629600,
        1777629600.0,
        1777629600000,
        1777629600000000,
        1777629600000000000,
        "1777629600000",
    ],
)
def test_an_instant_is_understood_in_every_notation_senders_use(text: Any) -> None:
    assert instant(text) == AT


@pytest.mark.parametrize(
    "text", ["", "yesterday", None, True, {}, float("nan"), 1e300, "9999-12-31T23:59:59-05:00"]
)
def test_what_is_no_instant_is_none(text: Any) -> None:
    assert instant(text) is None


def test_a_retried_batch_states_the_same_times() -> None:
    sent = datetime(2026, 5, 1, 9, tzinfo=UTC)
    first = Clock(sent, NOW).right(sent)
    later = Clock(sent.replace(second=7), NOW.replace(second=8)).right(sent)
    assert first == later == NOW


def test_labels_make_one_label_in_any_order_and_never_more_than_200_characters() -> None:
    assert label_of([("b", 1), ("a", "x")]) == label_of([("a", "x"), ("b", 1)]) == "a=x,b=1"
    assert len(label_of([("a", "x" * 500)])) <= 200
    assert label_of([("a", "x" * 500)]) != label_of([("a", "x" * 501)])


@pytest.mark.parametrize("value", [{"a": "\x00"}, ["\ud800"], {"a": [float("inf")]}, [0] * 6000])
def test_what_the_database_cannot_hold_is_told(value: Any) -> None:
    assert unstorable(value)
