"""What an effect is estimated from, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from outcomes.formulas.digits import settled
from outcomes.formulas.effects.mixture import Floats, Mixture

_MOST = float(np.finfo(float).max)
# Below this part of the values' own size what is left of them is the rounding of floating point.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Window:
    """The values of a metric before and after, one a period, periods without a value left out.

    `positions` counts periods from any origin and rises strictly; `seasons` says which part of the season
    each is; those from index `first_after` on come after the release. `controls` has a column for each
    series that the release did not touch, with a value wherever the metric has one.
    """

    positions: Sequence[int]
    values: Sequence[float]
    seasons: Sequence[int]
    first_after: int
    controls: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def n_before(self) -> int:
        return self.first_after

    @property
    def n_after(self) -> int:
        return len(self.values) - self.first_after

    def without(self, number: int) -> Window:
        """Return the same window without one period."""
        kept = [at for at in range(len(self.values)) if at != number]
        return Window(
            tuple(self.positions[at] for at in kept),
            tuple(self.values[at] for at in kept),
            tuple(self.seasons[at] for at in kept),
            self.first_after - (number < self.first_after),
            self.controls[kept] if self.controls.size else self.controls,
        )

    def in_own_unit(self) -> tuple[Window, int]:
        """Return the same window with values from -1 to 1, and the power of two that they were divided by.

        A power of two changes no digit, so that nothing depends on the unit, and squares of what is tiny or huge
        neither vanish nor overflow.
        """
        power = power_of(self.values)
        return replace(self, values=tuple(np.ldexp(np.asarray(self.values, dtype=float), -power))), power


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect in the metric's unit per period with its interval.

    `relative` is the effect as a part of what would have been, None where that cannot be told from zero.
    `counterfactual` is what would have been in each period of the window, before the release what the model
    says, with [lows, highs]. `detail` names what else was found.
    """

    estimate: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    counterfactual: Floats
    lows: Floats
    highs: Floats
    detail: dict[str, Any]

    @property
    def is_without_noise(self) -> bool:
        """Whether nothing says how sure this is: its values do not vary, beyond rounding."""
        return self.low == self.high

    def settled(self, size: float) -> Estimate:
        """Return the same without the digits that values of this size cannot tell."""
        return self._each(
            lambda number: settled(number, size),
            lambda line: np.array([settled(float(at), size) for at in line]),
            lambda part: settled(part, max(1.0, abs(part))),
        )

    def in_unit(self, power: int) -> Estimate:
        """Return the same in the unit of values that were divided by two to this power."""
        return self._each(
            lambda number: float(in_unit(number, power)), lambda line: in_unit(line, power), lambda part: part
        )

    def _each(
        self,
        number: Callable[[float], float],
        line: Callable[[Floats], Floats],
        part: Callable[[float], float],
    ) -> Estimate:
        """Return the same with its numbers and lines in the metric's unit, and the parts of what would have been,
        turned."""

        def known(told: float | None) -> float | None:
            return None if told is None else part(told)

        return replace(
            self,
            estimate=number(self.estimate),
            low=number(self.low),
            high=number(self.high),
            relative=known(self.relative),
            relative_low=known(self.relative_low),
            relative_high=known(self.relative_high),
            counterfactual=line(self.counterfactual),
            lows=line(self.lows),
            highs=line(self.highs),
        )


def power_of(values: Sequence[float] | Floats) -> int:
    """Return the power of two that values are divided by to lie between -1 and 1; 0 for zeros."""
    return int(np.frexp(np.abs(np.asarray(values, dtype=float)).max(initial=0.0))[1])


def in_unit(number: Any, power: int) -> Any:
    """Return what was told for values divided by two to this power in their own unit; never infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.clip(np.ldexp(number, power), -_MOST, _MOST)


def estimated(
    effect: Mixture,
    seen: float,
    line: tuple[Floats, Floats, Floats],
    *,
    confidence: float,
    detail: dict[str, Any],
) -> Estimate:
    """Return what is known of an effect as its estimate and interval.

    `seen` is the mean after the release; less the effect it is what would have been, which the relative effect
    is a part of. `line` is (counterfactual, lows, highs).
    """
    low, high = effect.interval(confidence)
    return with_interval(min(max(effect.mean, low), high), (low, high), seen, line, detail=detail)


def with_interval(
    estimate: float,
    interval: tuple[float, float],
    seen: float,
    line: tuple[Floats, Floats, Floats],
    *,
    detail: dict[str, Any],
) -> Estimate:
    """Return an estimate that lies in its interval (low, high); `seen`, `line` and `detail` as above."""
    low, high = interval
    base = abs(seen - estimate)
    is_known = base > max((high - low) / 2.0, ROUNDING * abs(seen))
    part = 1.0 / base if is_known else None
    return Estimate(
        estimate=estimate,
        low=low,
        high=high,
        relative=part and estimate * part,
        relative_low=part and low * part,
        relative_high=part and high * part,
        counterfactual=line[0],
        lows=line[1],
        highs=line[2],
        detail=detail,
    )


def season_columns(seasons: Sequence[int]) -> Floats:
    """Return a column for every part of the season but the first that occurs, each against that first one.

    Shape (periods, parts - 1); a part that never occurs has no column.
    """
    labels = np.asarray(seasons)
    known = np.unique(labels)
    columns = [(labels == label).astype(float) - (labels == known[0]) for label in known[1:]]
    return np.column_stack(columns) if columns else np.empty((len(labels), 0))


def trend_column(positions: Sequence[int]) -> Floats:
    """Return a straight line through the periods, from -1 to 1."""
    at = np.asarray(positions, dtype=float)
    return 2.0 * (at - at[0]) / max(at[-1] - at[0], 1.0) - 1.0
