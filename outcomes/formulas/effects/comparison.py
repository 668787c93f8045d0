"""Against controls: what the metric would have done, from series that the release did not touch.

The model is y = level_t + controls x b + season + e: a regression on the controls whose level drifts as a random
walk, as in K. H. Brodersen et al., "Inferring causal impact using Bayesian structural time-series models" (2015).
It is fitted to the time before alone; the effect is the mean over the time after of what was seen less what
the controls and the level say there should have been, so that it need not have been the same in every period.

How fast the level drifts, against the noise around it (r, a ratio of standard deviations), cannot be seen well in
a few weeks, and its most likely value is often 0, with which intervals are far too short. So r runs over a grid;
each value is weighted by its restricted likelihood (D. A. Harville, 1974) and by an exponential prior of mean 0.03,
which prefers a level that stays unless the data say otherwise (D. Simpson et al., "Penalising model component
complexity", 2017, section 3; Brodersen's default for the same is a hundredth of the series' own deviation), and
the interval is taken from the mixture of the predictions' t distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from outcomes.formulas.effects.before_after import LEAST_FREEDOM, fitted
from outcomes.formulas.effects.mixture import Floats, Mixture, normalised, t_reach
from outcomes.formulas.effects.remembering import remembered, stepped
from outcomes.formulas.effects.series import (
    ROUNDING,
    Estimate,
    Window,
    estimated,
    in_unit,
    power_of,
    season_columns,
    with_interval,
)
from outcomes.formulas.effects.verdict import CONFIDENCE, verdict_of

METHOD = "regression on controls with a local level, mixture over its drift, held against AR(1) errors"
METHOD_VERSION = 4

DRIFT_EXPECTED = 0.03
DRIFTS = np.exp(np.linspace(np.log(1e-3), np.log(3.0), 60))
# Even in log r, so the density of r is multiplied by r.
_LOG_PRIOR = np.log(DRIFTS) - DRIFTS / DRIFT_EXPECTED


@dataclass(frozen=True, slots=True)
class _Level:
    """A random walk over the periods before, turned so that it is uncorrelated: V(r) = U (1 + r² spread) U'."""

    turn: Floats
    spreads: Floats

    def weights(self) -> Floats:
        """Return 1 / variance of each turned period at each r: (drifts, periods)."""
        return 1.0 / (1.0 + DRIFTS[:, None] ** 2 * self.spreads)


@dataclass(frozen=True, slots=True)
class _Before:
    """The regression before the release at every r; everything turned."""

    level: _Level
    columns: Floats
    precisions: Floats
    coefficients: Floats
    covariances: Floats
    left: Floats
    variances: Floats
    weights: Floats
    freedom: int


def comparison(window: Window, *, confidence: float = CONFIDENCE) -> Estimate | None:
    """Estimate the mean effect after the release; None when the time before cannot carry the regression.

    It cannot either when nothing is left of the metric that the controls do not explain: then nothing says how
    sure a prediction is.
    """
    own, power = window.in_own_unit()
    found = _comparison(own, confidence)
    return found and found.in_unit(power)


def _comparison(window: Window, confidence: float) -> Estimate | None:
    columns = _columns(window)
    before = _fit_before(window, columns)
    if before is None:
        return None
    at = np.asarray(window.positions, dtype=float) - window.positions[0]
    after = slice(window.first_after, None)
    n = window.n_after
    averaged = np.full((1, n), 1.0 / n)
    centres, scales = _predict(before, columns[after], at, averaged)
    seen = float(np.mean(window.values[after]))
    effect = Mixture(before.weights, seen - centres[:, 0], scales[:, 0], before.freedom)
    return estimated(
        effect,
        seen,
        _chart(window, before, columns, at, confidence),
        confidence=confidence,
        detail={"drift": round(float(before.weights @ DRIFTS), 4), "freedom": before.freedom},
    )


def is_any_control_moving(window: Window) -> bool:
    """Whether a control says anything: one that stays where it is predicts nothing."""
    return bool(_controls(window))


def judged(
    window: Window, direction: str, *, confidence: float = CONFIDENCE, margin: float = 0.0
) -> tuple[Estimate, str] | None:
    """Return the estimate and its verdict, which errors that remember must share: in what they predict from before,
    and in the step that they leave between before and after.

    Where they do not, the interval holds theirs too, and `detail["remembered"]` says what they are: {"phi", "low",
    "high"}. None when the time before cannot carry the regression.
    """
    own, power = window.in_own_unit()
    found = _judged(own, direction, confidence, float(np.ldexp(margin, -power)))
    if found is None:
        return None
    estimate, verdict = found
    if told := estimate.detail.get("remembered"):
        told |= {name: float(in_unit(told[name], power)) for name in ("low", "high")}
    return estimate.in_unit(power), verdict


def _judged(window: Window, direction: str, confidence: float, margin: float) -> tuple[Estimate, str] | None:
    estimate = _comparison(window, confidence)
    if estimate is None:
        return None
    verdict = verdict_of(estimate.low, estimate.high, direction, margin=margin)
    if verdict == "inconclusive":
        return estimate, verdict
    columns = _columns(window)
    others = [look(window, columns, confidence=confidence) for look in (remembered, stepped)]
    doubts = [
        one
        for one in others
        if one is not None and verdict_of(one.low, one.high, direction, margin=margin) != verdict
    ]
    if not doubts:
        return estimate, verdict
    low, high = min(one.low for one in doubts), max(one.high for one in doubts)
    wider = widened(window, estimate, min(estimate.low, low), max(estimate.high, high))
    wider.detail["remembered"] = {"phi": doubts[-1].phi, "low": low, "high": high}
    return wider, verdict_of(wider.low, wider.high, direction, margin=margin)


def placebos(window: Window, direction: str, *, confidence: float = CONFIDENCE) -> list[dict[str, object]]:
    """Run the comparison on each control in place of the metric, with the other controls as its own.

    Nothing was released to them, so each should be inconclusive; one that is not is no control. Answers are
    in the order of the controls, an empty one where it cannot be told.
    """
    found: list[dict[str, object]] = []
    for number in range(window.controls.shape[1]):
        others = np.delete(window.controls, number, axis=1)
        values = [float(value) for value in window.controls[:, number]]
        swapped = Window(window.positions, values, window.seasons, window.first_after, others)
        run = judged(swapped, direction, confidence=confidence)
        if run is None:
            found.append({})
            continue
        estimate, verdict = run[0].settled(float(np.abs(values).max())), run[1]
        names = ("estimate", "low", "high", "relative")
        found.append({**{name: getattr(estimate, name) for name in names}, "verdict": verdict})
    return found


def difference_in_differences(
    window: Window, *, confidence: float = CONFIDENCE
) -> tuple[float, float, float] | None:
    """Return (estimate, low, high) of the simple form: how much the metric rose more than its controls did.

    The controls are averaged as they are, which only means something in the unit of the metric. The errors
    of the difference remember, as in before/after; it has no trend or season of its own.
    """
    if not window.controls.size:
        return None
    power = max(power_of(window.values), power_of(window.controls))
    controls = np.ldexp(window.controls, -power)
    difference = np.ldexp(np.asarray(window.values, dtype=float), -power) - controls.mean(axis=1)
    step = (np.arange(len(difference)) >= window.first_after).astype(float)
    fit = fitted(np.column_stack([np.ones(len(step)), step]), difference, window.positions)
    if fit is None:
        return None
    effect = fit.of(np.array([0.0, 1.0]))
    low, high = effect.interval(confidence)
    told = (min(max(effect.mean, low), high), low, high)
    return float(in_unit(told[0], power)), float(in_unit(told[1], power)), float(in_unit(told[2], power))


def widened(window: Window, estimate: Estimate, low: float, high: float) -> Estimate:
    """The same estimate with a wider interval, on its chart as well, as far as that is about the time after."""
    line, ratio = estimate.counterfactual, np.ones(len(window.values))
    ratio[window.first_after :] = (high - low) / (estimate.high - estimate.low)
    return with_interval(
        estimate.estimate,
        (low, high),
        float(np.mean(window.values[window.first_after :])),
        (line, line - ratio * (line - estimate.lows), line + ratio * (estimate.highs - line)),
        detail=dict(estimate.detail),
    )


def _columns(window: Window) -> Floats:
    """Level, season, and the controls that move."""
    level = np.ones((len(window.values), 1))
    return np.column_stack([level, season_columns(window.seasons), *_controls(window)])


def _controls(window: Window) -> list[Floats]:
    """The controls in their own deviations from before the release. One that never moved says nothing."""
    found = []
    for control in window.controls.reshape(len(window.values), -1).T:
        own = np.ldexp(control, -power_of(control))
        before = own[: window.first_after]
        spread = before.std()
        if spread > ROUNDING * np.abs(before).max():
            found.append((own - before.mean()) / spread)
    return found


@lru_cache(maxsize=8)
def _level(at: tuple[float, ...]) -> _Level:
    """Most outcomes of a cadence share their periods; one is up to half a megabyte."""
    spreads, turn = np.linalg.eigh(np.minimum.outer(at, at))
    return _Level(turn, np.maximum(spreads, 0.0))


def _fit_before(window: Window, columns: Floats) -> _Before | None:
    n, width = window.n_before, columns.shape[1]
    freedom = n - width
    design, values = columns[:n], np.asarray(window.values[:n], dtype=float)
    if freedom < LEAST_FREEDOM or np.linalg.matrix_rank(design) < width:
        return None
    unexplained = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    if np.abs(unexplained).max() <= ROUNDING * np.abs(values).max():
        return None
    at = np.asarray(window.positions[:n], dtype=float) - window.positions[0]
    level = _level(tuple(at))
    precisions = level.weights()
    turned, target = level.turn.T @ design, level.turn.T @ values
    weighted = precisions[:, :, None] * turned
    covariances: Floats = np.asarray(np.linalg.inv(turned.T @ weighted), dtype=np.float64)
    coefficients = np.einsum("gij,gnj,n->gi", covariances, weighted, target, optimize=True)
    left = target - coefficients @ turned.T
    rest = np.einsum("gn,gn,gn->g", left, left, precisions)
    tiny = np.finfo(float).eps ** 2 * max(float(target @ target), 1e-300)
    log_weights = (
        _LOG_PRIOR
        + 0.5 * np.log(precisions).sum(axis=1)
        + 0.5 * np.linalg.slogdet(covariances)[1]
        - 0.5 * freedom * np.log(np.maximum(rest, tiny))
    )
    return _Before(
        level,
        turned,
        precisions,
        coefficients,
        covariances,
        left,
        rest / freedom,
        normalised(log_weights),
        freedom,
    )


def _predict(before: _Before, rows: Floats, at: Floats, averages: Floats) -> tuple[Floats, Floats]:
    """What is expected of weighted means of the periods after: centres and scales, (drifts, averages).

    `averages` has a row of weights over the periods after for each mean that is asked for.
    """
    n = len(before.level.spreads)
    past, future = at[:n], at[n:]
    squares = DRIFTS[:, None] ** 2
    # The walk until a period after is the walk until the period before, and on: their covariance is the earlier.
    shared = np.minimum.outer(past, future) @ averages.T
    own = np.einsum("ai,ij,aj->a", averages, np.minimum.outer(future, future), averages)
    noise = np.einsum("ai,ai->a", averages, averages)
    turned = before.level.turn.T @ shared
    gains = squares[:, :, None] * before.precisions[:, :, None] * turned
    asked = averages @ rows
    centres = before.coefficients @ asked.T + np.einsum("gna,gn->ga", gains, before.left)
    known = np.einsum("gna,na->ga", gains, turned) * squares
    misses = asked - gains.transpose(0, 2, 1) @ before.columns
    doubt = np.einsum("gai,gij,gaj->ga", misses, before.covariances, misses, optimize=True)
    spread = noise + squares * own - known + doubt
    return centres, np.sqrt(np.maximum(spread * before.variances[:, None], 0.0))


def _chart(
    window: Window, before: _Before, columns: Floats, at: Floats, confidence: float
) -> tuple[Floats, Floats, Floats]:
    """What the model expects of every period: before the release as fitted, after it as predicted."""
    n = window.n_before
    walk = DRIFTS[:, None] ** 2 * before.level.spreads * before.precisions * before.left
    fits = before.weights @ (before.coefficients @ before.columns.T + walk) @ before.level.turn.T
    centres, scales = _predict(before, columns[n:], at, np.eye(window.n_after))
    line = before.weights @ centres
    deviation = np.sqrt(np.maximum(before.weights @ (scales**2 + (centres - line) ** 2), 0.0))
    reach = t_reach(before.freedom, confidence)
    rest = float(np.sqrt(before.weights @ before.variances))
    spread = np.concatenate([np.full(n, rest), deviation])
    whole = np.concatenate([fits, line])
    return whole, whole - reach * spread, whole + reach * spread
