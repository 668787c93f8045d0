"""A count of people as it stood on any day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import accumulate


class Steps:
    """A count that changes on some days, given by its changes."""

    __slots__ = ("_days", "_levels")

    def __init__(self, changes: Sequence[tuple[date, int]]) -> None:
        ordered = sorted(changes)
        self._days = [day.toordinal() for day, _ in ordered]
        self._levels = [0, *accumulate(change for _, change in ordered)]

    def at(self, day: date) -> int:
        return self._levels[bisect_right(self._days, day.toordinal())]


class Points:
    """A count that is known on some days alone; of others it is asked when somebody wants it."""

    __slots__ = ("_levels", "_read")

    def __init__(self, levels: Mapping[date, int], read: Callable[[date], Steps]) -> None:
        self._levels = levels
        self._read = read

    def at(self, day: date) -> int:
        known = self._levels.get(day)
        return self._read(day).at(day) if known is None else known
