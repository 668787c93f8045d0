"""The day on which the admin's tests are set."""

from __future__ import annotations

from datetime import UTC, date, datetime

DAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
