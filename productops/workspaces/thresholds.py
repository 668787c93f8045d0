"""What thresholds may be, of a workspace and of an item that has its own."""

from __future__ import annotations

from productops.workspaces.complaints import Complaint

LONGEST_GRACE, LONGEST_WINDOW, LONGEST_PERIOD = 3650, 730, 365
RANGES: dict[str, dict[str, float]] = {
    "grace_days": {"minimum": 0, "maximum": LONGEST_GRACE},
    "window_days": {"minimum": 1, "maximum": LONGEST_WINDOW},
    "natural_period_days": {"minimum": 1, "maximum": LONGEST_PERIOD},
    "flag_open_days": {"minimum": 1, "maximum": LONGEST_GRACE},
    "flag_resolve_days": {"minimum": 1, "maximum": LONGEST_GRACE},
    "under_used_below": {"minimum": 0, "maximum": 1},
    "target_adoption": {"exclusiveMinimum": 0, "maximum": 1},
}
"""The same, as JSON Schema says it."""


def problems_with_thresholds(
    *,
    grace_days: int | None = None,
    window_days: int | None = None,
    under_used_below: float | None = None,
    target_adoption: float | None = None,
    natural_period_days: int | None = None,
    flag_open_days: int | None = None,
    flag_resolve_days: int | None = None,
) -> list[Complaint]:
    """Return the complaints about thresholds: days in their ranges, shares 0 to 1. None is not said."""
    days = (
        ("grace_days", grace_days, 0, LONGEST_GRACE),
        ("window_days", window_days, 1, LONGEST_WINDOW),
        ("natural_period_days", natural_period_days, 1, LONGEST_PERIOD),
        ("flag_open_days", flag_open_days, 1, LONGEST_GRACE),
        ("flag_resolve_days", flag_resolve_days, 1, LONGEST_GRACE),
    )
    complaints = [
        Complaint(name, "out_of_range", f"From {least} to {most} days.")
        for name, value, least, most in days
        if value is not None and not least <= value <= most
    ]
    if under_used_below is not None and not 0 <= under_used_below <= 1:
        complaints.append(Complaint("under_used_below", "out_of_range", "A share, from 0 to 1."))
    if target_adoption is not None and not 0 < target_adoption <= 1:
        complaints.append(Complaint("target_adoption", "out_of_range", "A share above 0 and at most 1."))
    return complaints
