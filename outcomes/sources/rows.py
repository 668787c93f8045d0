"""The rows that a native body states: their shapes, in the order in which they are numbered. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, TypeVar

import msgspec

# More people than there are.
MOST_PEOPLE = 10**12

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Label = Annotated[str, msgspec.Meta(max_length=200)]
Url = Annotated[str, msgspec.Meta(max_length=2000)]


class Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A row of the body. Unknown fields are refused: what we would ignore, the sender should know."""


class ObservationRow(Row):
    metric: Key
    at: Instant
    value: float
    series: Label = ""


class UsageRow(Row):
    item: Key
    actor: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    at: Instant
    customer: Key | None = None
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=180)] | None = None


class SnapshotRow(Row):
    item: Key
    on: date
    active: Annotated[float, msgspec.Meta(ge=0)] | None = None
    eligible: Annotated[float, msgspec.Meta(ge=0)] | None = None
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 1


class EvidenceRow(Row):
    problem: Key
    kind: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    customer: Key | None = None
    quote: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    source_url: Url = ""
    observed_on: date | None = None
    importance: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1


class CustomerRow(Row):
    key: Key
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    segment: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    mrr: Annotated[float, msgspec.Meta(ge=0, lt=1e13)] | None = None


class ReleaseRow(Row):
    item: Key
    at: Instant
    url: Url = ""


class ExperimentRow(Row):
    """What a variant had come to by `at`: people, the sum of their values and of the squares of these."""

    key: Key
    variant: Key
    metric: Key
    at: Instant
    n: Annotated[int, msgspec.Meta(ge=0, le=MOST_PEOPLE)]
    sum: float
    sum_squares: float


class TotalRow(ObservationRow, kw_only=True):
    """A running total of a metric: it counts from `started_at` (None: not said) and starts anew at a restart."""

    # Which counter this is: the same name and labels are counted by every process on its own.
    counter: Key
    started_at: Instant | None = None


class RetractRow(Row):
    """Names what to take back by its identity; which fields those are depends on `kind`."""

    kind: str
    metric: Key | None = None
    series: Label = ""
    item: Key | None = None
    problem: Key | None = None
    key: Key | None = None
    variant: Key | None = None
    actor: str | None = None
    id: str | None = None
    at: Instant | None = None
    on: date | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 1


# In this order rows are numbered; retractions come last, so that in one body they win over what they name.
SECTIONS: dict[str, type[Row]] = {
    "observations": ObservationRow,
    "usage": UsageRow,
    "snapshots": SnapshotRow,
    "evidence": EvidenceRow,
    "customers": CustomerRow,
    "releases": ReleaseRow,
    "experiments": ExperimentRow,
    "retract": RetractRow,
}
# What an event kind may state beside those. No native body has such a section.
ROW_KINDS: dict[str, type[Row]] = {**SECTIONS, "totals": TotalRow}
RETRACTABLE = {
    "observation": ("metric", "at"),
    "usage": ("item", "at"),
    "snapshot": ("item", "on"),
    "evidence": ("problem", "id"),
    "release": ("item", "at"),
    "experiment": ("key", "variant", "metric", "at"),
}
EVIDENCE_KINDS = frozenset(
    ("interview", "ticket", "call", "review", "survey", "analytics", "experiment", "vote", "opinion")
)

R = TypeVar("R", bound=Row)
