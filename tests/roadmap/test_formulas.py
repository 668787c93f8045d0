from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap.formulas import (
    Expected,
    SurveyCount,
    Voice,
    capped_confidence,
    confidence_cap,
    demand,
    expected_value,
    opportunity,
    opportunity_of,
    revenue_at_stake,
    split_credit,
)
from tests.golden_values import golden

voices = st.lists(
    st.builds(
        Voice,
        customer=st.sampled_from([None, "acme", "beta", "cyan", 7]),
        importance=st.integers(0, 3),
        observed_on=st.none() | st.dates(date(2025, 1, 1), date(2025, 1, 5)),
        external_id=st.sampled_from(["", "a", "b"]),
        mrr=st.none() | st.floats(0, 1e6),
    ),
    max_size=12,
)


def voice(
    customer: str | None,
    importance: int,
    on: str | None = None,
    external_id: str = "",
    mrr: float | None = None,
) -> Voice:
    return Voice(customer, importance, date.fromisoformat(on) if on else None, external_id, mrr)


def rice(**inputs: Any) -> Expected:
    typed = {
        "reach": 500.0,
        "eligible": None,
        "evidence_customers": None,
        "impact": 2.0,
        "confidence": 0.8,
        "confidence_cap": 1.0,
        "effort": 1.0,
    }
    return expected_value(**{**typed, **inputs})


@pytest.mark.parametrize("row", golden("opportunity"))
def test_opportunity_is_importance_plus_the_unmet_part_of_it(row: dict[str, Any]) -> None:
    assert opportunity(row["importance"], row["satisfaction"]) == pytest.approx(row["score"])


@pytest.mark.parametrize("row", golden("opportunity_from_ratings"))
def test_a_survey_gives_an_opportunity_and_says_when_it_is_small(row: dict[str, Any]) -> None:
    found = opportunity_of(SurveyCount(row["respondents"], row["importance_top2"], row["satisfaction_top2"]))
    assert found is not None
    assert found.score == pytest.approx(row["score"])
    assert found.is_low_evidence == (row["respondents"] < 30)


def test_a_survey_nobody_answered_gives_no_opportunity() -> None:
    assert opportunity_of(SurveyCount(0, 0, 0)) is None


@pytest.mark.parametrize("row", golden("demand"))
def test_demand_takes_the_latest_importance_of_each_customer(row: dict[str, Any]) -> None:
    assert demand([voice(*vote) for vote in row["votes"]]) == row["demand"]


@pytest.mark.parametrize("row", golden("revenue_at_stake"))
def test_revenue_at_stake_weighs_revenue_by_importance(row: dict[str, Any]) -> None:
    votes = [voice(customer, importance, mrr=mrr) for customer, importance, mrr in row["votes"]]
    assert revenue_at_stake(votes) == pytest.approx(row["revenue"])


def test_each_voice_without_a_customer_adds_to_demand_and_nothing_to_revenue() -> None:
    crowd = [voice(None, 2, mrr=900), voice(None, 2, mrr=900)]
    assert demand(crowd) == 4
    assert revenue_at_stake(crowd) == 0


def test_a_voice_without_a_day_is_the_oldest() -> None:
    assert demand([voice("acme", 3, None, "z"), voice("acme", 1, "2026-01-01", "a")]) == 1


def test_on_one_day_the_later_external_id_is_the_latest() -> None:
    assert demand([voice("acme", 1, "2026-01-01", "zd-2"), voice("acme", 3, "2026-01-01", "zd-1")]) == 1


@given(voices, st.randoms(use_true_random=False))
def test_the_order_of_voices_changes_nothing(said: list[Voice], random: Any) -> None:
    shuffled = list(said)
    random.shuffle(shuffled)
    assert demand(shuffled) == demand(said)
    assert revenue_at_stake(shuffled) == revenue_at_stake(said)


@given(voices)
def test_a_customer_who_says_it_twice_changes_nothing(said: list[Voice]) -> None:
    again = said + [spoken for spoken in said if spoken.customer is not None]
    assert demand(again) == demand(said)
    assert revenue_at_stake(again) == revenue_at_stake(said)


@given(voices, st.integers(0, 3))
def test_evidence_from_a_new_customer_never_lowers_demand(said: list[Voice], importance: int) -> None:
    assert demand([*said, voice("newcomer", importance)]) >= demand(said)


@pytest.mark.parametrize("row", golden("split_credit"))
def test_credit_is_split_in_proportion_to_weight(row: dict[str, Any]) -> None:
    assert split_credit(row["demand"], row["weights"]) == pytest.approx(row["credit"])


@given(
    st.floats(0, 1e6),
    st.dictionaries(st.text(max_size=3), st.floats(0.001, 1), min_size=1, max_size=20),
)
def test_split_credit_sums_to_the_total(total: float, weights: dict[str, float]) -> None:
    assert sum(split_credit(total, weights).values()) == pytest.approx(total)


def test_links_without_weight_credit_nobody() -> None:
    assert split_credit(12, {"a": 0, "b": 0}) == {"a": 0, "b": 0}
    assert split_credit(12, {}) == {}


@pytest.mark.parametrize("row", golden("confidence_cap"))
def test_confidence_is_capped_by_the_strongest_evidence(row: dict[str, Any]) -> None:
    cap = confidence_cap(row["evidence"], row["surveys_respondents"])
    assert capped_confidence(row["declared"], cap) == row["confidence"]


def test_a_confidence_nobody_declared_stays_unknown() -> None:
    assert capped_confidence(None, 0.8) is None


@pytest.mark.parametrize("row", golden("rice"))
def test_expected_value_is_rice_or_null(row: dict[str, Any]) -> None:
    inputs = {name: row[name] for name in ("reach", "impact", "confidence", "effort")}
    found = rice(**inputs)
    assert found.value == (None if row["score"] is None else pytest.approx(row["score"]))
    assert found.missing == tuple(name for name, given_value in inputs.items() if given_value is None)


@pytest.mark.parametrize(
    ("reach", "eligible", "customers", "used", "origin"),
    [
        (10, 200, 3, 10, "person"),
        (0, 200, 3, 0, "person"),
        (None, 200, 3, 200, "eligible"),
        (None, 0, 3, 0, "eligible"),
        (None, None, 3, 3, "customers"),
        (None, None, 0, None, None),
        (None, None, None, None, None),
    ],
)
def test_reach_is_the_persons_else_measured_else_the_customers_heard(
    reach: float | None, eligible: int | None, customers: int | None, used: float | None, origin: str | None
) -> None:
    found = rice(reach=reach, eligible=eligible, evidence_customers=customers)
    assert (found.reach, found.reach_from) == (used, origin)
    assert ("reach" in found.missing) == (used is None)


def test_a_pm_sees_both_the_declared_and_the_capped_confidence() -> None:
    found = rice(confidence=1.0, confidence_cap=0.5)
    assert (found.declared_confidence, found.confidence, found.value) == (1.0, 0.5, 500.0)


def test_an_item_without_any_input_names_all_four() -> None:
    found = rice(reach=None, impact=None, confidence=None, effort=None)
    assert found.value is None
    assert found.missing == ("reach", "impact", "confidence", "effort")


def test_an_effort_of_nothing_is_missing_and_not_a_division_by_zero() -> None:
    assert rice(effort=0).missing == ("effort",)
