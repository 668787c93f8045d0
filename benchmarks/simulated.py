"""Daily series as they might have come from a product: a week's season, growth, noise that remembers, a release."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 100.0
INNOVATIONS = 3.0
SEASON = np.array([0.0, 2.0, 3.0, 1.0, 0.0, -8.0, -6.0])


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of series. `growth` is a part of the starting level a week, `shift` what the release adds, `walk` how
    large the steps of a random walk of its own are against its other innovations."""

    before: int
    after: int
    phi: float
    growth: float = 0.0
    shift: float = 0.0
    walk: float = 0.0

    @property
    def days(self) -> int:
        return self.before + self.after


def series_of(cell: Cell, count: int, seed: int) -> NDArray[np.float64]:
    """Return `count` series of a cell, (count, days). The noise is a stationary AR(1) from its first day on."""
    key = [
        seed,
        cell.before,
        cell.after,
        round(100 * cell.phi),
        round(1000 * cell.growth),
        round(10 * cell.shift),
    ]
    chance = np.random.default_rng(key)
    noise = remembering(chance.normal(0.0, INNOVATIONS, (count, cell.days)), cell.phi)
    if cell.walk:
        # A key of its own, so that cells without a walk stay what they were.
        steps = np.random.default_rng([*key, round(100 * cell.walk)])
        noise += np.cumsum(steps.normal(0.0, cell.walk * INNOVATIONS, noise.shape), axis=1)
    on = np.arange(cell.days)
    return LEVEL * (1.0 + cell.growth * on / 7.0) + SEASON[on % 7] + cell.shift * (on >= cell.before) + noise


def controls_of(cell: Cell, count: int, seed: int) -> NDArray[np.float64]:
    """Return what moves `count` series of a cell and was not released to, (count, days): a walk in each second,
    days of their own in the others. A metric that follows it is their sum."""
    chance = np.random.default_rng([seed, cell.before, cell.after, round(100 * cell.phi), 1])
    new = chance.normal(0.0, INNOVATIONS, (count, cell.days))
    new[::2] = np.cumsum(new[::2], axis=1)
    return new


def remembering(new: NDArray[np.float64], phi: float) -> NDArray[np.float64]:
    """Return the AR(1) of these innovations (count, days), stationary from its first day on."""
    noise = np.empty_like(new)
    noise[:, 0] = new[:, 0] / np.sqrt(1.0 - phi**2)
    for day in range(1, new.shape[1]):
        noise[:, day] = phi * noise[:, day - 1] + new[:, day]
    return noise
