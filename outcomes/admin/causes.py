"""Why something was computed again, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadmap.admin.numbers import UNKNOWN, words


def cause_in_words(cause: Mapping[str, Any]) -> str:
    """Return why a value was computed again: a delivery, somebody's edit, the clock."""
    kind, by, via = cause.get("kind"), cause.get("by"), cause.get("via")
    if kind == "delivery":
        return f"delivery {cause.get('delivery') or cause.get('id') or cause.get('ids') or ''}".strip()
    text = words(str(kind)) if kind else UNKNOWN
    if by:
        text = f"{text} by {by}"
    return f"{text} ({via})" if via else text
