"""How many of those who could use an item did so in a window, read from snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`active` of `eligible` used the item in the `days` days up to and including `on`."""

    on: date
    active: float
    eligible: float | None
    days: int = 1

    @property
    def first_on(self) -> date:
        """The first day that the snapshot covers."""
        return self.on - timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class Reach:
    """Active among eligible over a window, with the bounds of the share; None where eligible is unknown.

    `active` and `eligible` are those of the snapshot that gives `lower`. Eligible is never below active.
    """

    active: float
    eligible: float | None
    lower: float | None
    upper: float | None


def reach_from_covering(rows: Iterable[Snapshot], *, first: date, last: date) -> Reach | None:
    """Return the newest snapshot in [first, last] that covers the whole window as it is; None without one."""
    window_days = (last - first).days + 1
    covering = [row for row in rows if first <= row.on <= last and row.days >= window_days]
    if not covering:
        return None
    newest = max(covering, key=lambda row: (row.on, row.days, row.active))
    eligible = _eligible(newest)
    share = newest.active / eligible if eligible else None
    return Reach(newest.active, eligible, share, share)


def reach_from_short(rows: Iterable[Snapshot], *, first: date, last: date) -> Reach | None:
    """Bound the reach over [first, last] by snapshots shorter than the window; None without any.

    Nobody knows how many people of one day came again on another. At least the share of the best snapshot
    was reached (lower), at most everybody was somebody new (upper): the sum of active over snapshots that do
    not overlap, taken from the newest back, over their mean eligible, and never above 1.
    """
    inside = [row for row in rows if first <= row.on <= last]
    if not inside:
        return None
    sized = [(row, eligible) for row in inside if (eligible := _eligible(row))]
    if not sized:
        # Nobody who could use it is a number as well; that none was stated is not.
        is_stated = any(row.eligible is not None for row in inside)
        return Reach(max(row.active for row in inside), 0.0 if is_stated else None, None, None)
    best, best_eligible = max(sized, key=lambda pair: (pair[0].active / pair[1], _newest_last(pair[0])))
    apart = _not_overlapping(row for row, _ in sized)
    mean_eligible = sum(_eligible(row) or 0.0 for row in apart) / len(apart)
    lower = best.active / best_eligible
    # The mean eligible can lie below the best snapshot's share of it; the bounds never cross.
    upper = max(lower, min(1.0, sum(row.active for row in apart) / mean_eligible))
    return Reach(best.active, best_eligible, lower, upper)


def mean_share(shares_sum: float, covered_days: int) -> float | None:
    """Return the mean of daily shares over covered days, absent days being true zeros; None without any."""
    return shares_sum / covered_days if covered_days > 0 else None


def _eligible(row: Snapshot) -> float | None:
    return None if row.eligible is None else max(row.eligible, row.active)


def _not_overlapping(rows: Iterable[Snapshot]) -> Sequence[Snapshot]:
    """Return snapshots that share no day, chosen from the newest back."""
    taken: list[Snapshot] = []
    for row in sorted(rows, key=_newest_last, reverse=True):
        if not taken or row.on < taken[-1].first_on:
            taken.append(row)
    return taken


def _newest_last(row: Snapshot) -> tuple[date, float, float, int]:
    """A total order, so that the bounds never depend on the order in which snapshots come."""
    return (row.on, row.active, -(_eligible(row) or 0.0), row.days)
