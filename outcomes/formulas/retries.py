"""When a notice that could not be delivered is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

OFFSETS = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 300, 1800, 7200, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""When the attempts are made, counted from the first."""

MOST_ATTEMPTS = len(OFFSETS)

JITTER = 0.1
"""By what share of it, at most, a wait is made longer: what failed together is not tried again together."""

GIVEN_UP_AFTER = timedelta(days=5)
"""An endpoint at which every attempt has failed for this long is disabled."""


def next_due(
    number: int, started_at: datetime, now: datetime, *, retry_after: float | None, jitter: float
) -> datetime | None:
    """Return when attempt `number` + 1 is due, given that `number` (1 is the first) failed; None: never again.

    The gaps between attempts are kept when one was late, so that an outage of our own is not made up for by
    a burst. `retry_after` is what the receiver asked for, in seconds from `now`; `jitter` is 0..1.
    """
    if number >= MOST_ATTEMPTS:
        return None
    gap = OFFSETS[number] - OFFSETS[number - 1]
    due = started_at + gap * (1 + JITTER * jitter)
    if retry_after is not None:
        due = max(due, now + timedelta(seconds=retry_after))
    return due
