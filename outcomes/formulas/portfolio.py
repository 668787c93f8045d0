"""Effects of many items on one metric, added up without the winner's curse and without counting twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import TypeVar

FEWEST = 6
"""With fewer estimates than this shrinking does more harm than good, and none is done."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated effect in the metric's unit, with its standard error (above 0)."""

    value: float
    se: float


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A sum of effects as measured and as shrunk towards none; `factor` (0..1) is what is left of each.

    `factor` and `total` are None with fewer than FEWEST effects.
    """

    raw: float
    factor: float | None
    total: float | None


def shrunk_sum(estimates: Sequence[Estimate]) -> Shrunk:
    """Return the sum of effects, each shrunk towards zero by the positive-part James-Stein factor.

    factor = max(0, 1 - (k - 2) / sum((x / se)^2)): James and Stein (1961) on the standardised effects, never
    below zero (Baranchik 1964). With one standard error for all it is 1 - (k - 2) se^2 / sum(x^2).
    """
    raw = fsum(estimate.value for estimate in estimates)
    if len(estimates) < FEWEST:
        return Shrunk(raw, None, None)
    length = fsum((estimate.value / estimate.se) ** 2 for estimate in estimates)
    factor = max(0.0, 1.0 - (len(estimates) - 2) / length) if length > 0 else 0.0
    return Shrunk(raw, factor, raw * factor)


def overlapping(windows: Mapping[K, tuple[date, date]]) -> dict[K, list[K]]:
    """Return for each effect the others whose windows (first and last day, both included) touch its own."""
    ordered = sorted(windows, key=lambda one: windows[one][0])
    found: dict[K, list[K]] = {one: [] for one in windows}
    going_on: list[K] = []
    for one in ordered:
        first, _ = windows[one]
        going_on = [other for other in going_on if windows[other][1] >= first]
        for other in going_on:
            found[one].append(other)
            found[other].append(one)
        going_on.append(one)
    return found


def movements(shared: Mapping[K, Iterable[K]]) -> list[list[K]]:
    """Return the effects in groups that measured the same movement: those that name each other as overlapping,
    directly or through others. Each group and the groups keep the order of the mapping.
    """
    neighbours: dict[K, set[K]] = {one: set() for one in shared}
    for one, others in shared.items():
        for other in others:
            if other in neighbours and other != one:
                neighbours[one].add(other)
                neighbours[other].add(one)
    groups: list[list[K]] = []
    seen: set[K] = set()
    order = {one: place for place, one in enumerate(shared)}
    for one in shared:
        if one in seen:
            continue
        group, waiting = set(), [one]
        while waiting:
            at = waiting.pop()
            if at not in group:
                group.add(at)
                waiting += neighbours[at] - group
        seen |= group
        groups.append(sorted(group, key=order.__getitem__))
    return groups
