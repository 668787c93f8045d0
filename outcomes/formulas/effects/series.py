"""What an effect is estimated from, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from outcomes.formulas.effects.mixture import Floats, Mixture


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
    is_known = base > (high - low) / 2.0
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
