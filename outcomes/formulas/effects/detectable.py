"""Can we even know? The smallest effect that before/after could show, told before anything is built.

The noise of the history is fitted as in before_after; for each phi the step that would be added after it has a
standard error that depends on the design alone. The smallest detectable effect is where the whole 95% interval
leaves zero in 80% of cases: the interval's half width plus the 80% quantile of the estimate's own distribution
(J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, chapter 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outcomes.formulas.digits import settled
from outcomes.formulas.effects.before_after import design_of, fitted, step_scales
from outcomes.formulas.effects.mixture import Mixture
from outcomes.formulas.effects.series import in_unit, power_of
from outcomes.formulas.effects.verdict import CONFIDENCE

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Detectable:
    """`effect` is in the metric's unit per period, `level` the mean of the history it is a part of."""

    effect: float
    level: float
    phi: float


def smallest_detectable(
    positions: Sequence[int],
    values: Sequence[float],
    seasons: Sequence[int],
    later_seasons: Sequence[int],
    *,
    confidence: float = CONFIDENCE,
    power: float = POWER,
) -> Detectable | None:
    """Return the smallest step that could be told after this history; None when it is too short.

    `later_seasons` has an entry for each of the periods that would follow without a gap.
    """
    power_of_unit = power_of(values)
    history = np.ldexp(np.asarray(values, dtype=float), -power_of_unit)
    before = design_of(positions, seasons, len(positions))[:, :-1]
    noise = fitted(before, history, positions)
    if noise is None:
        return None
    later = range(positions[-1] + 1, positions[-1] + 1 + len(later_seasons))
    whole = (*positions, *later)
    design = design_of(whole, (*seasons, *later_seasons), len(positions))
    unit = step_scales(design, whole)
    if unit is None:
        return None
    scales = np.sqrt(noise.variances) * unit
    doubt = Mixture(noise.weights, np.zeros(len(scales)), scales, noise.freedom + len(later_seasons) - 1)
    edges = doubt.quantiles(np.array([0.5 + confidence / 2.0, power]))
    effect, level = (float(in_unit(number, power_of_unit)) for number in (edges.sum(), history.mean()))
    size = float(np.abs(np.asarray(values)).max())
    return Detectable(settled(effect, size), settled(level, size), noise.phi)
