"""Days counted forth and back without leaving the calendar."""

from __future__ import annotations

from datetime import date


def day_after(on: date, days: int) -> date:
    """Return the day that lies `days` after `on` (before it, below 0), or the calendar's last or first one."""
    return date.fromordinal(min(max(on.toordinal() + days, 1), date.max.toordinal()))
