"""What a released item turned out to be worth, and how much of that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from types import MappingProxyType

from outcomes.formulas.digits import settled

GRADES: Mapping[str, float] = MappingProxyType(
    {"experiment": 1.0, "comparison": 0.8, "before_after": 0.6, "observed": 0.4}
)
"""How much an attainment weighs by the design that showed it."""

# A coverage of exactly the minimum must count, though 0.5 x 0.4 and its like carry rounding noise.
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class ScoringWeights:
    """The numbers of one version of a workspace's scoring model. Weights, targets and coverage are 0..1."""

    outcome: float = 0.5
    adoption: float = 0.3
    retention: float = 0.2
    target_adoption: float = 0.30
    target_retention: float = 0.50
    minimum_coverage: float = 0.2
    minimum_people: int = 5
    worse_multiplier: float = 0.5
    grades: Mapping[str, float] = field(default_factory=lambda: GRADES, hash=False)


DEFAULT_WEIGHTS = ScoringWeights()


@dataclass(frozen=True, slots=True)
class OutcomeReading:
    """One outcome: its weight, the grade of its design (0..1) and its attainment, None when unknown."""

    weight: float
    grade: float
    attainment: float | None
    is_guardrail: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeTerm:
    """The outcome term O (0..1), None when no attainment is known, and the part of the outcome's weight that
    the evidence carries (0..1)."""

    value: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Realised:
    """The realised value of an item with its terms.

    `outcome`, `adoption` and `retention` are 0..1 or None; `outcome_weight` is what the outcome term weighs;
    `coverage` is the sum of the weights of known terms; `realised` and `proven` are 0..100, both None below
    the minimum coverage; `multiplier` is 1 unless a decided effect is worse. Numbers are without the digits that
    come of the order of their sums, so that another model tells the same where it says the same.
    """

    outcome: float | None
    outcome_weight: float
    adoption: float | None
    retention: float | None
    coverage: float
    realised: float | None
    proven: float | None
    multiplier: float


def adoption_term(
    active: float | None, eligible: float | None, target: float, *, minimum: int = 5
) -> float | None:
    """Return min(1, active / eligible / target); None when unknown or with fewer than `minimum` eligible."""
    if active is None or eligible is None or eligible <= 0 or eligible < minimum:
        return None
    return adoption_term_from_share(active / eligible, target)


def adoption_term_from_share(share: float | None, target: float) -> float | None:
    """Return min(1, share / target) for a share without counts; None when it is unknown."""
    if share is None:
        return None
    return min(1.0, share / target) if target > 0 else 1.0


def retention_term(
    previous: float | None, still: float | None, *, target: float = 0.5, minimum: int = 5
) -> float | None:
    """Return min(1, still / previous / target): of the `previous` window's active users, `still` are active.

    None without identities (either unknown) or with fewer than `minimum` users in the previous window.
    """
    if previous is None or still is None or previous <= 0 or previous < minimum:
        return None
    return adoption_term_from_share(still / previous, target)


def outcome_term(readings: Iterable[OutcomeReading]) -> OutcomeTerm:
    """Return O = sum(w g clip(a, 0, 1)) / sum(w g) over known attainments, guardrails left out.

    Its weight is sum over known (w g) / sum over all (w): weak or missing evidence weighs less, it never
    lowers what is shown.
    """
    counted = [reading for reading in readings if not reading.is_guardrail]
    told = [
        (reading.weight * reading.grade, min(1.0, max(0.0, reading.attainment)))
        for reading in counted
        if reading.attainment is not None
    ]
    known = fsum(evidence for evidence, _ in told)
    if known <= 0:
        return OutcomeTerm(None, 0.0)
    reached = fsum(evidence * part for evidence, part in told)
    return OutcomeTerm(reached / known, known / fsum(reading.weight for reading in counted))


def realised_value(
    *,
    outcomes: Iterable[OutcomeReading],
    adoption: float | None,
    retention: float | None,
    is_any_effect_worse: bool = False,
    weights: ScoringWeights = DEFAULT_WEIGHTS,
) -> Realised:
    """Return realised = 100 m sum(weight x term) / coverage, and proven = realised x coverage.

    Terms that are None weigh nothing. m is `weights.worse_multiplier` when the decided effect on any outcome,
    guardrail or not, is worse. Below `weights.minimum_coverage` too little is known: both are None.
    """
    outcome = outcome_term(outcomes)
    outcome_weight = weights.outcome * outcome.weight
    terms = (
        (outcome.value, outcome_weight),
        (adoption, weights.adoption),
        (retention, weights.retention),
    )
    coverage = fsum(weight for term, weight in terms if term is not None)
    earned = fsum(weight * term for term, weight in terms if term is not None)
    multiplier = weights.worse_multiplier if is_any_effect_worse else 1.0
    realised = proven = None
    if coverage > 0 and coverage >= weights.minimum_coverage - _NOISE:
        # Proven is realised x coverage, written without the division so that it cannot lose by rounding.
        proven = 100.0 * multiplier * earned
        realised = proven / coverage
    return Realised(
        settled(outcome.value),
        settled(outcome_weight),
        settled(adoption),
        settled(retention),
        settled(coverage),
        settled(realised),
        settled(proven),
        multiplier,
    )
