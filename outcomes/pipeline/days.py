"""The days that an item is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from productops.workspaces.models import Workspace
from roadmap.models import Item

# With this much history of an item a fall is compared with the same weeks a year earlier.
SEASON_DAYS = 396
# A value's trend looks back this far, so the day before it is judged along.
TREND = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Span:
    """The days, both included, for which an item is asked about."""

    first: date
    last: date


def judged_since(item: Item, workspace: Workspace) -> date:
    """The first day on which a verdict on an item says something: that of its release, else of its creation."""
    return item.released_on or item.created_at.astimezone(workspace.zone).date()


def a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def days_between(first: date, last: date) -> list[date]:
    """Return every day from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
