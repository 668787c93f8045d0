"""What was seen beside what would have been, as the points of a small drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 220
# Room for the numbers at the left and the days beneath.
_LEFT, _BOTTOM, _PAD = 64, 22, 8


@dataclass(frozen=True, slots=True)
class EffectChart:
    """Points of SVG shapes in a box of `width` x `height`: the counterfactual with its interval as a band, what
    was observed, and where the time after the release begins."""

    width: int
    height: int
    left: float
    right: float
    top: float
    floor: float
    band: str
    counterfactual: str
    observed: str
    release: float
    # (y, value) of the marks at the left.
    marks: Sequence[tuple[float, float]]
    first: str
    last: str
    bottom: float


def chart_of(points: Sequence[Mapping[str, Any]]) -> EffectChart | None:
    """Return the drawing of an effect's points; None with fewer than two."""
    if len(points) < 2:
        return None
    low = min(min(point["observed"], point["low"]) for point in points)
    high = max(max(point["observed"], point["high"]) for point in points)
    room, tall = WIDTH - _LEFT - _PAD, HEIGHT - _BOTTOM - _PAD

    def x(number: float) -> float:
        return round(_LEFT + room * number / (len(points) - 1), 1)

    def y(value: float) -> float:
        return round(_PAD + tall * (high - value) / ((high - low) or 1.0), 1)

    def line(name: str) -> list[str]:
        return [f"{x(number)},{y(point[name])}" for number, point in enumerate(points)]

    before = sum(not point["is_after"] for point in points)
    return EffectChart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _PAD,
        top=_PAD,
        floor=HEIGHT - _BOTTOM,
        band=" ".join([*line("high"), *reversed(line("low"))]),
        counterfactual=" ".join(line("counterfactual")),
        observed=" ".join(line("observed")),
        release=x(max(before - 0.5, 0.0)),
        marks=[(y(value), value) for value in sorted({low, (low + high) / 2.0, high})],
        first=points[0]["on"],
        last=points[-1]["on"],
        bottom=HEIGHT - 6,
    )
