"""What must hold of values whatever the roadmap looks like."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from outcomes.formulas.realised import GRADES, ScoringWeights
from outcomes.formulas.valuing import GradedReading, ValueInputs, inputs_from, value_of
from outcomes.models import ItemValue
from outcomes.services.what_if import valued
from roadmap import formulas
from roadmap.models import Item
from roadmap.signals import items_changed, problems_changed
from tests.factories import a_customer, a_link, a_metric, a_problem, an_outcome, evidence
from tests.outcomes.pipeline.stating import Team, days_before, people, used
from tests.outcomes.pipeline.test_values_and_flags import observed

PIN = date(2026, 5, 1)

shares = st.none() | st.floats(0, 1)
attainments = st.none() | st.floats(-2, 3)
weights = st.floats(0.01, 10)
readings = st.builds(GradedReading, weights, st.sampled_from(sorted(GRADES)), attainments, st.booleans())
inputs = st.builds(
    ValueInputs,
    is_released=st.just(True),
    readings=st.lists(readings, max_size=4).map(tuple),
    is_any_effect_worse=st.booleans(),
    is_counted=st.booleans(),
    share=shares,
    eligible=st.none() | st.integers(0, 10_000).map(float),
    is_bare_share=st.booleans(),
    previous=st.none() | st.integers(5, 10_000).map(float),
    still=st.none() | st.integers(0, 5).map(float),
    own_target_adoption=st.none() | st.floats(0.01, 1),
)


def proven(known: ValueInputs) -> float:
    return value_of(known, ScoringWeights()).proven or 0.0


@given(inputs, weights, st.sampled_from(sorted(GRADES)), st.floats(-2, 3))
def test_an_outcome_that_becomes_known_never_lowers_proven(
    known: ValueInputs, weight: float, grade: str, attainment: float
) -> None:
    """Weak evidence, or none of the way, adds little or nothing; only a decided effect that is worse lowers."""
    fields = _fields(known)
    before = {**fields, "readings": (*known.readings, GradedReading(weight, grade, None))}
    after = {**fields, "readings": (*known.readings, GradedReading(weight, grade, attainment))}
    assert proven(ValueInputs(**after)) >= proven(ValueInputs(**before)) - 1e-9


@given(inputs, st.floats(0, 1), st.integers(5, 10_000))
def test_people_who_become_known_never_lower_proven(known: ValueInputs, share: float, eligible: int) -> None:
    blank = {**_fields(known), "share": None, "eligible": None, "is_bare_share": False, "is_counted": True}
    after = ValueInputs(**{**blank, "share": share, "eligible": float(eligible)})
    assert proven(after) >= proven(ValueInputs(**blank)) - 1e-9


@given(inputs)
def test_a_worse_effect_halves_what_is_shown(known: ValueInputs) -> None:
    fine = ValueInputs(**{**_fields(known), "is_any_effect_worse": False})
    worse = ValueInputs(**{**_fields(known), "is_any_effect_worse": True})
    assert proven(worse) == pytest.approx(proven(fine) / 2)


@given(inputs, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_is_no_matter(known: ValueInputs, chance: Any) -> None:
    mixed = list(known.readings)
    chance.shuffle(mixed)
    assert proven(ValueInputs(**{**_fields(known), "readings": tuple(mixed)})) == pytest.approx(proven(known))


voices = st.builds(
    formulas.Voice,
    customer=st.none() | st.integers(1, 5),
    importance=st.integers(0, 3),
    observed_on=st.none() | st.dates(date(2025, 1, 1), date(2026, 1, 1)),
    external_id=st.text("abc", max_size=2),
    mrr=st.none() | st.floats(0, 1000),
)


@given(st.lists(voices, max_size=12), voices)
def test_evidence_from_a_new_customer_never_lowers_demand(
    held: list[formulas.Voice], new: formulas.Voice
) -> None:
    newcomer = formulas.Voice(99, new.importance, new.observed_on, new.external_id, new.mrr)
    assert formulas.demand([*held, newcomer]) >= formulas.demand(held)
    assert formulas.revenue_at_stake([*held, newcomer]) >= formulas.revenue_at_stake(held)


def _fields(known: ValueInputs) -> dict[str, Any]:
    return {name: getattr(known, name) for name in ValueInputs.__slots__}


# --- against PostgreSQL -----------------------------------------------------------------------------------

AS_FOUND = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
pg = pytest.mark.django_db


def a_team() -> Team:
    team = Team(pin=PIN)
    problem = a_problem(team.workspace, key="lost-baskets")
    inputs_ = {"reach": None, "impact": 2.0, "confidence": 0.9, "effort": 2.0}
    carts = team.item("carts", **inputs_)
    idea = team.item("idea", status="idea", released_on=None, is_release_stated=False, **inputs_)
    a_link(carts, problem)
    a_link(idea, problem, 0.5)
    an_outcome(carts, a_metric(team.workspace, key="m"), baseline=10, target=20)
    evidence(problem, importance=2, observed_on=PIN, customer=a_customer(team.workspace))
    team.state({"usage": used("carts", people(9), days_before(PIN, 60)[::4]), **observed({PIN: 15})})
    settled(team, [carts, idea])
    return team


def settled(team: Team, items: list[Item]) -> None:
    items_changed.send(
        None, workspace_id=team.workspace.pk, ids=[i.pk for i in items], cause={"kind": "edit"}
    )
    problems = team.workspace.pk, list(items[0].links.values_list("problem_id", flat=True))
    problems_changed.send(None, workspace_id=problems[0], ids=problems[1], cause={"kind": "edit"})
    team.settle()


def worth(team: Team, key: str) -> tuple[float | None, ...]:
    value = team.value(key)
    return value.expected, value.realised, value.proven, value.coverage


@pg
@AS_FOUND
@given(links=st.lists(st.floats(0.1, 1), min_size=1, max_size=3), is_released=st.booleans())
def test_another_item_on_the_same_problem_changes_no_one_s_expected_or_realised_value(
    links: list[float], is_released: bool
) -> None:
    team = a_team()
    before = {key: worth(team, key) for key in ("carts", "idea")}
    demand = team.value("carts").demand + team.value("idea").demand
    problem = Item.objects.get(workspace=team.workspace, key="carts").links.get().problem
    for number, weight in enumerate(links):
        fields = {} if is_released else {"status": "idea", "released_on": None, "is_release_stated": False}
        other = team.item(f"other-{number}", **fields)
        a_link(other, problem, weight)
        settled(team, [other])
    assert {key: worth(team, key) for key in before} == before
    # Split credit aside: it is divided anew, and never grows by dividing.
    credits = ItemValue.objects.filter(workspace=team.workspace).values_list("demand", flat=True)
    assert sum(credits) == pytest.approx(demand)


@pg
@AS_FOUND
@given(
    observations=st.dictionaries(st.integers(0, 40), st.floats(0, 50), max_size=8),
    actors=st.integers(0, 12),
    every=st.integers(1, 20),
)
def test_every_stored_value_is_what_its_facts_and_its_explanation_give(
    observations: dict[int, float], actors: int, every: int
) -> None:
    team = a_team()
    days = days_before(PIN, 70)[::every]
    team.state(
        {"usage": used("carts", people(actors, "x"), days)} if actors else {"covers": [PIN.isoformat()]}
    )
    team.state(observed({PIN - timedelta(days=back): number for back, number in observations.items()}))
    team.settle()
    for item in Item.objects.filter(workspace=team.workspace):
        stored, computed = team.value(item.key), valued(team.workspace, item)
        again = value_of(inputs_from(stored.explanation), ScoringWeights())
        for name in ("realised", "proven", "coverage"):
            assert getattr(stored, name) == getattr(computed, name) == getattr(again, name), name
        assert stored.expected == computed.expected


@pg
@AS_FOUND
@given(seed=st.randoms(use_true_random=False))
def test_facts_in_another_order_and_twice_give_the_same_values(seed: Any) -> None:
    team = a_team()
    bodies = [observed({PIN - timedelta(days=n): 10 + n}) for n in range(5)]
    bodies += [{"usage": used("carts", people(4, f"p{n}"), [PIN - timedelta(days=3 * n)])} for n in range(4)]
    for number, body in enumerate(bodies):
        team.state(body, message_id=f"first_{number}")
    team.settle()
    before = worth(team, "carts")
    mixed = [*bodies, *bodies]
    seed.shuffle(mixed)
    for body in mixed:
        team.state(body)
        team.settle()
    assert worth(team, "carts") == before
