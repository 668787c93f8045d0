"""An experiment from the totals of its variants: difference, lift, and whether the split can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from scipy.special import chdtrc, ndtr, ndtri

from outcomes.formulas.effects.series import ROUNDING
from outcomes.formulas.effects.verdict import CONFIDENCE

METHOD = "difference of means, normal interval; lift by the delta method"
METHOD_VERSION = 1

# Below this p the people were not split as intended, and whatever split them may be what is measured.
MISMATCH_BELOW = 0.001
# A share needs this many of either answer in each variant before the normal interval describes it.
FEWEST_ANSWERS = 5
# And anything else this many measured, for its mean to be nearly normal.
FEWEST_MEASURED = 30


@dataclass(frozen=True, slots=True)
class Variant:
    """What a variant's people add up to: how many (`n`), the sum of their values and of the squares of these.

    A conversion is 0 or 1, so that its sum of squares is its sum.
    """

    n: float
    total: float
    total_squares: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def is_share(self) -> bool:
        """Whether everybody's value can only have been 0 or 1."""
        return self.total == self.total_squares and 0 <= self.total <= self.n

    @property
    def variance_of_mean(self) -> float:
        """The squared standard error of the mean: p (1 - p) / n of a share, else the sample variance / n."""
        if self.is_share:
            return self.mean * (1.0 - self.mean) / self.n
        spread = self.total_squares - self.total * self.mean
        # What rounding leaves of values that are all alike, above zero or below.
        return spread / (self.n - 1) / self.n if spread > ROUNDING * self.total_squares else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether there are enough people for a normal interval to be honest."""
        if self.is_share:
            return min(self.total, self.n - self.total) >= FEWEST_ANSWERS
        return self.n >= FEWEST_MEASURED


@dataclass(frozen=True, slots=True)
class Comparison:
    """The treatment against the control.

    `estimate` with [low, high] is the difference of the means, in the metric's unit; `relative` the same as a
    part of the control's mean, None when that cannot be told from zero. `probability_better` is that of the
    treatment being better in the metric's direction. `is_enough` is false while too few people are in it, and
    `is_without_noise` true where the values of a variant do not vary, so that nothing says how sure this is: the
    interval is then shown, and no verdict is drawn from it.
    """

    estimate: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    probability_better: float
    is_enough: bool
    is_without_noise: bool = False


def compare(
    control: Variant, treatment: Variant, direction: str, *, confidence: float = CONFIDENCE
) -> Comparison | None:
    """Compare two variants; None unless both have at least two people.

    The lift's variance is that of a ratio of independent means by the delta method: var(t)/c² + t² var(c)/c⁴.
    Source: Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics" (2018), section 2.
    """
    if control.n < 2 or treatment.n < 2:
        return None
    quantile = float(ndtri(0.5 + confidence / 2.0))
    estimate = treatment.mean - control.mean
    error = sqrt(control.variance_of_mean + treatment.variance_of_mean)
    lift, lift_error = _lift(control, treatment)
    is_lower_better = direction == "decrease"
    by, of = (lift, lift_error) if lift is not None and control.mean > 0 else (estimate, error)
    return Comparison(
        estimate=estimate,
        low=estimate - quantile * error,
        high=estimate + quantile * error,
        relative=lift,
        relative_low=None if lift is None else lift - quantile * lift_error,
        relative_high=None if lift is None else lift + quantile * lift_error,
        probability_better=_probability(-by if is_lower_better else by, of),
        is_enough=control.is_enough and treatment.is_enough,
        is_without_noise=min(control.variance_of_mean, treatment.variance_of_mean) == 0,
    )


def sample_ratio_mismatch(observed: Sequence[float], split: Sequence[float]) -> float:
    """Return the p of a chi-square test that people were divided over the variants as intended.

    `observed` counts people, `split` is in any unit (1:1, 90:10). 1.0 when nobody has come yet. Raises
    ValueError when the two are not of one length or a part of the split is not above zero.
    """
    if len(observed) != len(split) or min(split, default=0) <= 0:
        raise ValueError("a split names a part above zero for every variant")
    everybody, whole = sum(observed), sum(split)
    if everybody <= 0:
        return 1.0
    expected = [everybody * part / whole for part in split]
    statistic = sum((seen - due) ** 2 / due for seen, due in zip(observed, expected, strict=True))
    return float(chdtrc(len(observed) - 1, statistic))


def _lift(control: Variant, treatment: Variant) -> tuple[float | None, float]:
    """The difference as a part of the control's mean, with its standard error."""
    base, base_error = abs(control.mean), sqrt(control.variance_of_mean)
    # Near zero the ratio has no usable variance: the control's own 95% interval must not hold it.
    if base <= 2.0 * base_error:
        return None, 0.0
    # Each a part of the control's mean before it is squared: squares of what is huge or tiny are not numbers.
    own, by_control = sqrt(treatment.variance_of_mean) / base, treatment.mean / base * (base_error / base)
    return (treatment.mean - control.mean) / base, hypot(own, by_control)


def _probability(by: float, error: float) -> float:
    if error == 0:
        return 0.5 if by == 0 else float(by > 0)
    return float(ndtr(by / error))
