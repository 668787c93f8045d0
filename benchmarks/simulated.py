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
    """One kind of series. `growth` is a part of the starting level a week, `shift` what the release adds."""

    before: int
    after: int
    phi: float
    growth: float = 0.0
    shift: float = 0.0

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
    new = chance.normal(0.0, INNOVATIONS, (count, cell.days))
    noise = np.empty_like(new)
    noise[:, 0] = new[:, 0] / np.sqrt(1.0 - cell.phi**2)
    for day in range(1, cell.days):
        noise[:, day] = cell.phi * noise[:, day - 1] + new[:, day]
    on = np.arange(cell.days)
    return LEVEL * (1.0 + cell.growth * on / 7.0) + SEASON[on % 7] + cell.shift * (on >= cell.before) + noise
