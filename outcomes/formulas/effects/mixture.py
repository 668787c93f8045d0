"""A mixture of t distributions: what is known of a number when the noise behind it is not known either."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

_STEPS = 60
_CLOSE = 1e-9
# Parts that weigh less than this together move no quantile that is asked for.
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class Mixture:
    """t distributions of `freedom` degrees around `centres` with `scales`, weighted by `weights` (sum 1)."""

    weights: Floats
    centres: Floats
    scales: Floats
    freedom: int

    @property
    def mean(self) -> float:
        return float(self.weights @ self.centres)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return (low, high): as much of the doubt below the one as above the other."""
        tail = (1.0 - confidence) / 2.0
        low, high = self.quantiles(np.array([tail, 1.0 - tail]))
        return float(low), float(high)

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return where the mixture reaches each probability: Newton's steps, bisection where one leaves the
        bracket. Scales of zero (data without noise) give the centre."""
        spread = float(self.scales.max() + np.ptp(self.centres))
        if spread == 0:
            return np.full(len(probabilities), self.mean)
        if (counting := self.weights > _NEGLIGIBLE).sum() < len(self.weights):
            weights = self.weights[counting] / self.weights[counting].sum()
            kept = Mixture(weights, self.centres[counting], self.scales[counting], self.freedom)
            return kept.quantiles(probabilities)
        low = np.full(len(probabilities), float(self.centres.min()) - spread)
        high = np.full(len(probabilities), float(self.centres.max()) + spread)
        while np.any(self._below(low) > probabilities):
            low -= 2.0 * (high - low)
        while np.any(self._below(high) < probabilities):
            high += 2.0 * (high - low)
        at = np.full(len(probabilities), self.mean)
        for _ in range(_STEPS):
            error = self._below(at) - probabilities
            low, high = np.where(error < 0, at, low), np.where(error < 0, high, at)
            step = at - error / np.maximum(self._density(at), 1e-300)
            moved = np.where((step > low) & (step < high), step, (low + high) / 2.0)
            if np.all(np.abs(moved - at) <= _CLOSE * spread):
                return moved
            at = moved
        return at

    def _below(self, at: Floats) -> Floats:
        return self.weights @ stdtr(self.freedom, self._standard(at))

    def _density(self, at: Floats) -> Floats:
        nu = self.freedom
        constant = np.exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)) / np.sqrt(nu * pi)
        with np.errstate(over="ignore"):
            # So far out that the square is infinite, the height is 0.
            heights = constant * (1.0 + self._standard(at) ** 2 / nu) ** (-(nu + 1) / 2)
        return self.weights @ (heights / self._positive_scales[:, None])

    def _standard(self, at: Floats) -> Floats:
        return (at[None, :] - self.centres[:, None]) / self._positive_scales[:, None]

    @property
    def _positive_scales(self) -> Floats:
        return np.maximum(self.scales, 1e-300)


def t_reach(freedom: int, confidence: float) -> float:
    """Return how many standard errors a t interval of this confidence reaches to either side."""
    return float(stdtrit(freedom, 0.5 + confidence / 2.0))


def normalised(log_weights: Floats) -> Floats:
    """Return weights that sum to 1 from their logarithms, whatever constant these share."""
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum()
