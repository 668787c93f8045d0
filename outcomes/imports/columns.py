"""The columns of the outcomes' files. Knows no Django."""

from __future__ import annotations

from typing import cast

from roadmap.imports.cells import day, dotted_key, line_of_text, number, one_of, reference
from roadmap.imports.tables import Column, Table, Values
from roadmap.rules import Complaint

# As outcomes.models.metrics, .sources and .outcomes have them; a test compares the two.
DIRECTIONS = ("increase", "decrease")
AGGREGATIONS = ("sum", "count", "mean", "last", "min", "max")
CADENCES = ("hourly", "daily", "weekly", "monthly", "quarterly")
ROLES = ("primary", "secondary", "guardrail")


def check_outcome(values: Values) -> list[Complaint]:
    weight = cast("float | None", values.get("weight"))
    if weight is not None and weight <= 0:
        return [Complaint("weight", "out_of_range", "A weight must be above 0.")]
    return []


METRICS = Table(
    "metrics",
    (
        Column("key", dotted_key, True),
        Column("name", line_of_text(200), True),
        Column("unit", line_of_text(50)),
        Column("direction", one_of(*DIRECTIONS)),
        Column("aggregation", one_of(*AGGREGATIONS)),
        Column("cadence", one_of(*CADENCES)),
    ),
    identity=("key",),
)
OUTCOMES = Table(
    "outcomes",
    (
        Column("item", reference, True, refers_to="item"),
        Column("metric", reference, True, refers_to="metric"),
        Column("role", one_of(*ROLES)),
        Column("baseline", number),
        Column("target", number),
        Column("due_on", day),
        Column("weight", number),
    ),
    identity=("item", "metric"),
    check=check_outcome,
)
