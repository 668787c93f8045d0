from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap import rules


@pytest.mark.parametrize(
    "key", ["a", "css-masonry", "abortsignal-any", "Saved_Carts2", "3d-view", "bulk-edit", "x" * 200]
)
def test_a_slug_is_a_key(key: str) -> None:
    assert rules.is_key(key)
    assert rules.is_key(key, dotted=True)


@pytest.mark.parametrize(
    "key",
    ["", "$", "42", "bulk", "two words", "käse", "a/b", "a\n", "\uff11a", "x" * 201, ".", "a..b", ".a", "a."],
)
def test_what_would_break_a_path_or_look_like_an_id_is_no_key(key: str) -> None:
    assert not rules.is_key(key)
    assert not rules.is_key(key, dotted=True)


def test_only_metric_keys_may_contain_dots() -> None:
    assert rules.is_key("checkout.conversion", dotted=True)
    assert not rules.is_key("checkout.conversion")


@given(st.text(max_size=10))
def test_a_key_is_never_an_id_nor_needs_escaping(text: str) -> None:
    if rules.is_key(text, dotted=True):
        assert text.isascii()
        assert not text.isdigit()
        assert not set(text) & set("/?#% ")


def test_an_item_with_nothing_filled_in_has_no_problems() -> None:
    assert rules.problems_with_item() == []


def test_a_released_item_need_not_say_when() -> None:
    assert rules.problems_with_item(status="released", released_on=None) == []


@pytest.mark.parametrize("impact", rules.IMPACTS)
def test_every_step_of_impact_is_taken(impact: float) -> None:
    assert rules.problems_with_item(impact=impact, confidence=1, effort=0.1, reach=0) == []


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("status", "done"),
        ("horizon", "someday"),
        ("kind", "epic"),
        ("usage_policy", "maybe"),
        ("exemption_reason", "boring"),
        ("impact", 5),
        ("impact", float("nan")),
        ("confidence", 0),
        ("confidence", 1.1),
        ("confidence", float("nan")),
        ("effort", 0),
        ("effort", 1e-9),
        ("effort", 1e300),
        ("reach", 1e300),
        ("effort", float("inf")),
        ("reach", -1),
        ("reach", float("nan")),
    ],
)
def test_a_bad_value_is_named_by_its_field(field: str, bad: Any) -> None:
    assert [complaint.field for complaint in rules.problems_with_item(**{field: bad})] == [field]


def test_an_exempt_item_needs_a_reason() -> None:
    (complaint,) = rules.problems_with_item(usage_policy="exempt")
    assert (complaint.field, complaint.code) == ("exemption_reason", "required")
    assert rules.problems_with_item(usage_policy="exempt", exemption_reason="recovery") == []


def test_an_item_cannot_be_sunset_before_its_release() -> None:
    (complaint,) = rules.problems_with_item(released_on=date(2026, 3, 2), sunset_on=date(2026, 3, 1))
    assert (complaint.field, complaint.code) == ("sunset_on", "before_release")


@pytest.mark.parametrize("kind", rules.EVIDENCE_KINDS)
def test_every_kind_of_evidence_is_taken(kind: str) -> None:
    assert rules.problems_with_evidence(kind=kind, importance=3) == []


def test_evidence_of_unknown_kind_or_importance_is_refused() -> None:
    complaints = rules.problems_with_evidence(kind="rumour", importance=4)
    assert [complaint.field for complaint in complaints] == ["kind", "importance"]


def test_a_survey_cannot_have_more_happy_people_than_people() -> None:
    complaints = rules.problems_with_survey(respondents=10, importance_top2=11, satisfaction_top2=10)
    assert [complaint.field for complaint in complaints] == ["importance_top2"]
    for nobody in (-1, 0):
        assert rules.problems_with_survey(respondents=nobody, importance_top2=0, satisfaction_top2=0)


@pytest.mark.parametrize("weights", [[], [1], [0.7, 0.2, 0.1], [0.1] * 10])
def test_weights_that_share_out_one_item_are_taken(weights: list[float]) -> None:
    assert rules.problems_with_weights(weights) == []


@pytest.mark.parametrize(("weights", "code"), [([0], "out_of_range"), ([0.6, 0.6], "too_much")])
def test_weights_of_nothing_or_above_one_are_refused(weights: list[float], code: str) -> None:
    assert [complaint.code for complaint in rules.problems_with_weights(weights)] == [code]
