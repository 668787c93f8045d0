from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.realised import (
    GRADES,
    OutcomeReading,
    ScoringWeights,
    adoption_term,
    adoption_term_from_share,
    outcome_term,
    realised_value,
    retention_term,
)
from tests.golden_values import golden

terms = st.none() | st.floats(0, 1)
readings = st.lists(
    st.builds(
        OutcomeReading,
        weight=st.floats(0.1, 5),
        grade=st.sampled_from(sorted(GRADES.values())),
        attainment=st.none() | st.floats(-2, 3),
        is_guardrail=st.booleans(),
    ),
    max_size=5,
)


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("row", golden("value"))
def test_realised_and_proven_value_match_the_published_ones(row: dict[str, Any]) -> None:
    found = realised_value(
        outcomes=[OutcomeReading(**outcome) for outcome in row["outcomes"]],
        adoption=row["adoption"],
        retention=row["retention"],
        is_any_effect_worse=row["any_effect_worse"],
    )
    assert found.outcome == near(row["outcome_term"])
    assert found.coverage == near(row["coverage"])
    assert found.realised == near(row["realised"])
    assert found.proven == near(row["proven"])


@pytest.mark.parametrize("row", golden("adoption"))
def test_adoption_is_the_share_over_its_target(row: dict[str, Any]) -> None:
    assert adoption_term(row["active"], row["eligible"], row["target"]) == near(row["adoption"])


@pytest.mark.parametrize("row", golden("retention"))
def test_retention_is_the_part_that_came_back_over_its_target(row: dict[str, Any]) -> None:
    assert retention_term(row["previous"], row["still"]) == near(row["retention"])


def test_adoption_from_a_bare_share_needs_no_counts() -> None:
    assert adoption_term_from_share(0.15, 0.30) == 0.5
    assert adoption_term_from_share(0.0, 0.30) == 0.0
    assert adoption_term_from_share(None, 0.30) is None


@pytest.mark.parametrize(("active", "eligible"), [(None, 100), (10, None), (0, 0)])
def test_adoption_of_an_unknown_crowd_is_unknown(active: float | None, eligible: float | None) -> None:
    assert adoption_term(active, eligible, 0.3) is None


def test_retention_without_identities_is_unknown() -> None:
    assert retention_term(100, None) is None
    assert retention_term(None, 10) is None


def test_guardrails_are_no_part_of_the_outcome_term() -> None:
    primary = OutcomeReading(1, 1.0, 0.5)
    guardrail = OutcomeReading(9, 1.0, 0.0, is_guardrail=True)
    assert outcome_term([primary, guardrail]) == outcome_term([primary])


def test_weak_evidence_weighs_less_but_shows_the_same() -> None:
    strong, weak = outcome_term([OutcomeReading(1, 1.0, 0.7)]), outcome_term([OutcomeReading(1, 0.4, 0.7)])
    assert strong.value == pytest.approx(0.7)
    assert weak.value == pytest.approx(0.7)
    assert (strong.weight, weak.weight) == (1.0, 0.4)


def test_below_a_coverage_of_a_fifth_nothing_is_claimed() -> None:
    half_known = [OutcomeReading(1, 0.4, 0.5), OutcomeReading(1, 0.4, None)]
    found = realised_value(outcomes=half_known, adoption=None, retention=None)
    assert found.coverage == pytest.approx(0.1)
    assert found.realised is None
    assert found.proven is None
    assert found.outcome == 0.5


def test_an_item_of_which_nothing_is_known_has_no_value() -> None:
    found = realised_value(outcomes=[], adoption=None, retention=None)
    assert (found.coverage, found.realised, found.proven) == (0, None, None)


def test_an_outcome_shared_in_thirds_reaches_the_minimum_despite_rounding() -> None:
    thirds = [OutcomeReading(weight, 0.4, 0.5) for weight in (0.1, 0.2, 0.7)]
    assert realised_value(outcomes=thirds, adoption=None, retention=None).realised == pytest.approx(50)


def test_a_workspace_may_weigh_terms_its_own_way() -> None:
    weights = ScoringWeights(outcome=0.2, adoption=0.6, retention=0.2, worse_multiplier=0.0)
    found = realised_value(outcomes=[], adoption=0.5, retention=None, weights=weights)
    assert (found.coverage, found.proven) == (0.6, pytest.approx(30))
    worse = realised_value(
        outcomes=[], adoption=0.5, retention=None, is_any_effect_worse=True, weights=weights
    )
    assert worse.proven == 0


@given(readings, terms, terms, st.booleans())
def test_proven_is_realised_times_coverage_and_stays_in_range(
    outcomes: list[OutcomeReading], adoption: float | None, retention: float | None, is_worse: bool
) -> None:
    found = realised_value(
        outcomes=outcomes, adoption=adoption, retention=retention, is_any_effect_worse=is_worse
    )
    if found.realised is None:
        assert found.proven is None
    else:
        assert found.proven == pytest.approx(found.realised * found.coverage)
        assert 0 <= found.proven <= found.realised + 1e-9 <= 100 + 1e-6


@given(readings, terms, terms, st.floats(0, 1), st.sampled_from(["adoption", "retention"]))
def test_a_use_term_becoming_known_never_lowers_proven(
    outcomes: list[OutcomeReading], adoption: float | None, retention: float | None, term: float, which: str
) -> None:
    known = {"adoption": adoption, "retention": retention}
    before = realised_value(outcomes=outcomes, **{**known, which: None}).proven
    after = realised_value(outcomes=outcomes, **{**known, which: term}).proven
    if before is not None:
        assert after is not None
        assert after >= before


@given(readings, terms, terms, st.data())
def test_an_attainment_becoming_known_never_lowers_proven(
    outcomes: list[OutcomeReading], adoption: float | None, retention: float | None, data: st.DataObject
) -> None:
    unknown = OutcomeReading(data.draw(st.floats(0.1, 5)), 0.4, None)
    known = OutcomeReading(unknown.weight, unknown.grade, data.draw(st.floats(-2, 3)))
    before = realised_value(outcomes=[*outcomes, unknown], adoption=adoption, retention=retention).proven
    after = realised_value(outcomes=[*outcomes, known], adoption=adoption, retention=retention).proven
    if before is not None:
        assert after is not None
        assert after >= before - 1e-9
