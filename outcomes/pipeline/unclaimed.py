"""Rows that name what is not there: refused with words, and the name becomes a candidate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from outcomes.sources.bodies import Numbered, Refusal, Unclaimed
from outcomes.sources.rows import RetractRow
from productops.workspaces.complaints import ARCHIVED


def unknown(what: str, key: str, numbered: Numbered[Any]) -> Refusal:
    """A row that names what is not there; unless it takes something back, the name becomes a candidate."""
    row = numbered.row
    if what == "problem" or isinstance(row, RetractRow):
        return Refusal(numbered.pointer, f"unknown_{what}", f"No {what} has the key {key!r}.")
    at = row.at if hasattr(row, "at") else datetime(row.on.year, row.on.month, row.on.day, tzinfo=UTC)
    # Who it was is nobody's business: actors are kept as a hash only, and not in samples.
    sample = {
        name: getattr(row, name) for name in row.__struct_fields__ if name != "actor" and getattr(row, name)
    }
    return unknown_name(what, key, numbered.pointer, at, sample)


def archived(what: str, key: str, numbered: Numbered[Any]) -> Refusal:
    """A row that would change what was put away."""
    return Refusal(numbered.pointer, ARCHIVED, f"The {what} {key!r} is archived; restore it first.")


def unknown_variant(known: Iterable[str], numbered: Numbered[Any]) -> Refusal:
    row = numbered.row
    detail = f"The experiment {row.key!r} has no variant {row.variant!r}; it has {', '.join(sorted(known))}."
    return Refusal(numbered.pointer, "unknown_variant", detail)


def unknown_name(
    what: str, key: str, pointer: str, at: datetime, sample: dict[str, Any] | None = None
) -> Refusal:
    detail = f"No {what} has the key {key!r}."
    return Refusal(pointer, f"unknown_{what}", detail, Unclaimed(what, key[:200], at, sample or {what: key}))
