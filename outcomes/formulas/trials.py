"""What the totals of an experiment say: who is compared with whom, on which metric, and how sure that is.

Pure. The arithmetic of two variants is in outcomes.formulas.effects.experiment; here is how a whole experiment
with several variants, guardrails and a split is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, sqrt

from scipy.special import ndtr, ndtri

from outcomes.formulas.effects.experiment import MISMATCH_BELOW, Variant, compare, sample_ratio_mismatch
from outcomes.formulas.effects.verdict import CONFIDENCE, adjusted_confidence, verdict_of

CONTROL, TREATMENT = "control", "treatment"
POWER = 0.8
"""How likely a true effect is to be shown, in what is said about how many people it takes."""

BETTER, WORSE, INCONCLUSIVE, VOID, NOTHING = "better", "worse", "inconclusive", "void", "no_data"
TRIAL_VERDICTS = (BETTER, WORSE, INCONCLUSIVE, VOID, NOTHING)

_PERCENT = frozenset({"%", "percent", "per cent", "pct", "pp", "points", "percentage points"})


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The variants of an experiment: the control first, and the share of people meant for each (sums to 1)."""

    control: str
    split: Mapping[str, float]

    @property
    def treatments(self) -> list[str]:
        return [name for name in self.split if name != self.control]


@dataclass(frozen=True, slots=True)
class Total:
    """What one variant had come to by `at`."""

    at: datetime
    n: int
    sum: float
    sum_squares: float


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric that an experiment is read on. `margin` (in the metric's unit) is how far a guardrail may fall."""

    key: str
    unit: str
    direction: str
    is_guardrail: bool = False
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class VariantReading:
    """One variant on one metric, in the metric's unit; mean and sd are None while nobody is in it."""

    variant: str
    at: datetime | None
    n: int
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A treatment against the control, in the metric's unit. `confidence` is that of both intervals.

    `people_needed` is how many more people over all variants it would take to show a true effect as large as
    the one seen, four times of five; None when the verdict is not open or nothing at all was seen.
    `smallest_shown` is the smallest true effect that the people so far would show as often.
    """

    variant: str
    estimate: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    confidence: float
    p: float
    probability_better: float
    verdict: str
    is_enough: bool
    people_needed: int | None
    smallest_shown: float
    is_without_noise: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """An experiment on one metric."""

    measure: Measure
    variants: Sequence[VariantReading]
    differences: Sequence[Difference]
    # The p of the split being as intended, None with fewer than two variants.
    split_p: float | None
    # The instant that the variants are compared at, and when those that have spoken since then last did.
    at: datetime | None = None
    later: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_void(self) -> bool:
        """Whether whatever spoiled the split may be what is measured."""
        return self.split_p is not None and self.split_p < MISMATCH_BELOW

    def of(self, variant: str) -> Difference | None:
        return next((one for one in self.differences if one.variant == variant), None)

    def best(self) -> Difference | None:
        """The treatment that does best in the metric's direction."""
        sign = -1.0 if self.measure.direction == "decrease" else 1.0
        return max(self.differences, key=lambda one: sign * one.estimate, default=None)


def arrange(declared: Sequence[Mapping[str, object]], control: str, reported: Iterable[str]) -> Arrangement:
    """Return the variants of an experiment.

    `declared` are its `{"key", "split"}`, the splits in any unit. When none were declared they are those that
    report, split evenly, and as long as fewer than two do, control and treatment. The control is the one that
    was named, else the variant called control, else the first.
    """
    if declared:
        wanted = {str(one["key"]): float(str(one.get("split", 1))) for one in declared}
    else:
        names = sorted(set(reported))
        if len(names) < 2:
            names = sorted({CONTROL, TREATMENT} if set(names) <= {CONTROL, TREATMENT} else {CONTROL, *names})
        wanted = dict.fromkeys(names, 1.0)
    chosen = next((name for name in (control, CONTROL) if name in wanted), next(iter(wanted)))
    whole = sum(wanted.values())
    ordered = [chosen, *(name for name in wanted if name != chosen)]
    return Arrangement(chosen, {name: wanted[name] / whole for name in ordered})


def read(
    arrangement: Arrangement,
    measure: Measure,
    totals: Mapping[str, Total],
    *,
    questions: int,
    newest: Mapping[str, Total] | None = None,
) -> Reading:
    """Read one metric from the totals of its variants at one instant.

    `questions` is how many intervals have to hold together: the treatments on the primary metric, treatments
    times guardrails on a guardrail. `newest` is the newest total of each variant: what is newer than the instant
    is named and not compared, and where no two variants share one it is all there is to show.
    """
    totals = {name: totals[name] for name in arrangement.split if name in totals}
    newest = totals if newest is None else newest
    found = {name: total for name, total in totals.items() if total.n > 0}
    shown = found if len(totals) > 1 else {name: total for name, total in newest.items() if total.n > 0}
    scale = scale_of(measure.unit, shown.values())
    split_p = _split_p(arrangement, {name: total.n for name, total in totals.items()})
    is_void = split_p is not None and split_p < MISMATCH_BELOW
    control = found.get(arrangement.control)
    told = [
        _difference(name, control, found[name], measure, scale, questions, is_void=is_void)
        for name in arrangement.treatments
        if control is not None and name in found
    ]
    at = max((total.at for total in totals.values()), default=None) if len(totals) > 1 else None
    return Reading(
        measure,
        [_variant(name, shown.get(name), scale) for name in arrangement.split],
        [one for one in told if one is not None],
        split_p,
        at,
        {
            name: newest[name].at
            for name in arrangement.split
            if name in newest and (at is None or newest[name].at > at)
        },
    )


def scale_of(unit: str, totals: Iterable[Total]) -> float:
    """Return 100 for yes-or-no values of a metric that is told in percent, else 1.

    A sender counts who converted, which makes a share of 0.12; the metric's own values, its baseline and its
    target say 12 for the same.
    """
    are_shares = all(_plain(total).is_share for total in totals)
    return 100.0 if are_shares and unit.strip().lower() in _PERCENT else 1.0


def unit_of_difference(unit: str) -> str:
    """Return the unit that a difference of two levels is told in: of shares in percent it is points, not percent."""
    return "points" if unit.strip().lower() in _PERCENT else unit


def in_unit_of_metric(
    found: Difference, aggregation: str, baseline: float | None
) -> tuple[float, float, float] | None:
    """Return (estimate, low, high) in the unit in which a metric's baseline and target are told, if it can be.

    A metric that is a level per person (mean, last, min, max) is told in the unit of the difference itself. One
    that adds up (sum, count) grows with everybody: its change is the lift, as a part of the baseline. None when
    there is no lift or no baseline to take it from.
    """
    if aggregation not in ("sum", "count"):
        return found.estimate, found.low, found.high
    if (
        baseline is None
        or found.relative is None
        or found.relative_low is None
        or found.relative_high is None
    ):
        return None
    whole = abs(baseline)
    return whole * found.relative, whole * found.relative_low, whole * found.relative_high


def people_needed(estimate: float, error: float, people: int, confidence: float) -> int | None:
    """Return how many more people over all variants would show a true effect of `estimate` with POWER.

    The standard error shrinks with the root of the number of people; None when nothing at all was seen.
    """
    if estimate == 0:
        return None
    wanted = abs(estimate) / _reach(confidence)
    return max(0, ceil(people * ((error / wanted) ** 2 - 1.0)))


def _reach(confidence: float) -> float:
    """By how many standard errors a true effect must be away from zero to be shown with POWER."""
    return float(ndtri(0.5 + confidence / 2.0) + ndtri(POWER))


def _difference(
    name: str,
    control: Total,
    treatment: Total,
    measure: Measure,
    scale: float,
    questions: int,
    *,
    is_void: bool,
) -> Difference | None:
    confidence = adjusted_confidence(questions, CONFIDENCE)
    found = compare(_plain(control), _plain(treatment), measure.direction, confidence=confidence)
    if found is None:
        return None
    low, high = scale * found.low, scale * found.high
    error = (high - low) / 2.0 / float(ndtri(0.5 + confidence / 2.0))
    verdict = INCONCLUSIVE
    if is_void:
        verdict = VOID
    elif found.is_enough and not found.is_without_noise:
        verdict = verdict_of(low, high, measure.direction, margin=measure.margin)
    estimate = scale * found.estimate
    people = control.n + treatment.n
    return Difference(
        variant=name,
        estimate=estimate,
        low=low,
        high=high,
        relative=found.relative,
        relative_low=found.relative_low,
        relative_high=found.relative_high,
        confidence=confidence,
        p=_p(estimate, error),
        probability_better=found.probability_better,
        verdict=verdict,
        is_enough=found.is_enough,
        people_needed=(
            people_needed(estimate, error, people, confidence) if verdict == INCONCLUSIVE else None
        ),
        smallest_shown=_reach(confidence) * error,
        is_without_noise=found.is_without_noise,
    )


def _p(estimate: float, error: float) -> float:
    """The two-sided p of no difference."""
    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return float(2.0 * ndtr(-abs(estimate / error)))


def _split_p(arrangement: Arrangement, counts: Mapping[str, int]) -> float | None:
    """The p of the split among the variants that have reported at all; None with fewer than two."""
    names = [name for name in arrangement.split if name in counts]
    if len(names) < 2:
        return None
    split = [arrangement.split[name] for name in names]
    return sample_ratio_mismatch([counts[name] for name in names], split)


def _plain(total: Total) -> Variant:
    return Variant(total.n, total.sum, total.sum_squares)


def _variant(name: str, total: Total | None, scale: float) -> VariantReading:
    if total is None:
        return VariantReading(name, None, 0, None, None)
    mean = total.sum / total.n
    spread = sqrt(max(0.0, total.sum_squares / total.n - mean * mean))
    # The sample's own spread: n - 1 of n people are free once their mean is known.
    sd = scale * spread * sqrt(total.n / (total.n - 1)) if total.n > 1 else None
    return VariantReading(name, total.at, total.n, scale * mean, sd)
