"""How far the days and numbers that people and sources state may reach. Pure.

Windows are counted back and forth from every such day, and numbers are added up and divided: within these
bounds no sum overflows and no window leaves the calendar.
"""

from __future__ import annotations

from datetime import date

from productops.workspaces.complaints import Complaint

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
FIRST_PIN = date(1990, 1, 1)
"""Nothing is judged as of a day before products were measured."""
MOST_NUMBER = 1e100
"""Its square and the sum of all rows there can be are still numbers."""

DAY_RANGE = f"A day from {FIRST_DAY} to {LAST_DAY}."
NUMBER_RANGE = f"A number from -{MOST_NUMBER:g} to {MOST_NUMBER:g}."


def is_day_in_bounds(day: date) -> bool:
    """Whether a day can be stated at all."""
    return FIRST_DAY <= day <= LAST_DAY


def is_number_in_bounds(number: float) -> bool:
    """Whether a number can be stated at all; neither infinities nor NaN can."""
    return -MOST_NUMBER <= number <= MOST_NUMBER


def problems_with_day(field: str, day: date | None) -> list[Complaint]:
    """Return the complaint about a stated day that lies outside the calendar; None is not said."""
    if day is None or is_day_in_bounds(day):
        return []
    return [Complaint(field, "out_of_range", DAY_RANGE)]


def problems_with_pin(pinned_on: date | None, today: date) -> list[Complaint]:
    """Return the complaint about a pin after `today` in the workspace's zone, or before there was anything.

    What has not happened yet cannot be judged, and every day up to the pin is.
    """
    if pinned_on is None or FIRST_PIN <= pinned_on <= today:
        return []
    detail = f"A pin lies between {FIRST_PIN} and today, {today}."
    return [Complaint("pinned_on", "out_of_range", detail)]
