"""A difference with its interval over time, as the points of a small drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WIDTH, HEIGHT = 640, 200
# Room for the numbers at the left and the days beneath.
_LEFT, _BOTTOM, _PAD = 64, 22, 8


@dataclass(frozen=True, slots=True)
class DifferenceChart:
    """Points of SVG shapes in a box of `width` x `height`: the interval as a band, the estimate as a line."""

    width: int
    height: int
    left: float
    right: float
    band: str
    line: str
    zero: float
    # (y, value) of the marks at the left, and the first and last instant.
    marks: Sequence[tuple[float, float]]
    first: datetime
    last: datetime
    bottom: float


def chart_of(series: Sequence[Mapping[str, Any]]) -> DifferenceChart | None:
    """Return the drawing of `{"at", "estimate", "low", "high"}` rows; None with fewer than two instants."""
    if len(series) < 2:
        return None
    first, last = series[0]["at"], series[-1]["at"]
    whole = (last - first).total_seconds()
    # The first handful of people has an interval that would flatten all that follows.
    low = min(0.0, *(min(row["estimate"], row["low"]) for row in series[len(series) // 4 :]))
    high = max(0.0, *(max(row["estimate"], row["high"]) for row in series[len(series) // 4 :]))
    room, tall = WIDTH - _LEFT - _PAD, HEIGHT - _BOTTOM - _PAD

    def x(at: datetime) -> float:
        return round(_LEFT + room * (at - first).total_seconds() / whole, 1)

    def y(value: float) -> float:
        held = min(max(value, low), high)
        return round(_PAD + tall * (high - held) / ((high - low) or 1.0), 1)

    upper = [f"{x(row['at'])},{y(row['high'])}" for row in series]
    lower = [f"{x(row['at'])},{y(row['low'])}" for row in reversed(series)]
    return DifferenceChart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _PAD,
        band=" ".join([*upper, *lower]),
        line=" ".join(f"{x(row['at'])},{y(row['estimate'])}" for row in series),
        zero=y(0.0),
        marks=[(y(value), value) for value in sorted({low, 0.0, high})],
        first=first,
        last=last,
        bottom=HEIGHT - 6,
    )
