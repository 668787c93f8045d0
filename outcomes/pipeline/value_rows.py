"""Values and usage written set-wise: a batch is one document, read by PostgreSQL as rows.

History is appended in the statement that overwrites the value, from the row it overwrites, so that no number
changes without its record. Rows are written in the order of their items: writers never deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

from outcomes.pipeline.scored import Scored
from productops.workspaces.models import Workspace

# A change smaller than this is the noise of floating point, not history.
NOISE = 1e-9
HISTORY = ("expected", "realised", "proven", "coverage", "outcome_term", "adoption", "retention")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Moved:
    """An item whose value moved, and its proven value before and after."""

    item_id: int
    before: float | None
    after: float | None


def write_values(
    workspace: Workspace, scored: Mapping[int, Scored], causes: Mapping[int, dict[str, Any]]
) -> list[Moved]:
    """Write values and usage; append history where a number changed. Returns the items whose value moved."""
    rows = [scored[id_] for id_ in sorted(scored)]
    for one in rows:
        one.value.cause = causes.get(one.value.item_id, {})
    with connection.cursor() as cursor:
        values = _encode([one.value for one in rows]).decode()
        cursor.execute(_VALUES, {"rows": values, "workspace": workspace.pk, "noise": NOISE})
        moved = [Moved(*row) for row in cursor.fetchall()]
        usage = _encode([one.usage for one in rows]).decode()
        cursor.execute(_USAGE, {"rows": usage, "workspace": workspace.pk})
    return moved


_TYPES = {
    "item_id": "bigint", "expected": "float8", "realised": "float8", "proven": "float8", "coverage": "float8",
    "outcome_term": "float8", "adoption": "float8", "retention": "float8", "missing": "jsonb",
    "explanation": "jsonb", "model_version": "int", "judged_on": "date", "demand": "float8",
    "revenue_at_stake": "float8", "opportunity": "float8", "trend": "float8", "as_of": "timestamptz",
}  # fmt: skip
_RECORDED = [
    *("item_id", *HISTORY, "missing", "explanation", "model_version", "judged_on", "as_of"),
]
_USAGE_TYPES = {
    "item_id": "bigint", "verdict": "text", "last_known": "text", "reason": "text", "active": "float8",
    "eligible": "float8", "eligible_from": "text", "share": "float8", "low": "float8", "high": "float8",
    "window_days": "smallint", "judged_on": "date", "evidence": "jsonb",
}  # fmt: skip


def _columns(names: Any, prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


def _typed(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


def _overwritten(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in types if name != "item_id")


_MOVED = " OR ".join(
    f"(new.{name} IS NULL) <> (held.{name} IS NULL) OR abs(new.{name} - held.{name}) > %(noise)s"
    for name in HISTORY
)

# Names of columns and types are constants of this module; what comes from outside is a parameter.
_VALUES = f"""
    WITH new AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS new ({_typed(_TYPES)}, cause jsonb)
    ), moved AS MATERIALIZED (
        SELECT new.*, held.proven AS before FROM new
        LEFT JOIN outcomes_itemvalue held ON held.item_id = new.item_id
        WHERE held.as_of IS NULL OR held.missing <> new.missing
           OR held.model_version IS DISTINCT FROM new.model_version OR {_MOVED}
    ), recorded AS (
        INSERT INTO outcomes_valuerecord (workspace_id, cause, {_columns(_RECORDED)})
        SELECT %(workspace)s, cause, {_columns(_RECORDED)} FROM moved ORDER BY item_id
    ), written AS (
        INSERT INTO outcomes_itemvalue (workspace_id, {_columns(_TYPES)})
        SELECT %(workspace)s, {_columns(_TYPES)} FROM new ORDER BY item_id
        ON CONFLICT (item_id) DO UPDATE SET {_overwritten(_TYPES)}
    )
    SELECT item_id, before, proven FROM moved ORDER BY item_id
"""  # noqa: S608

# A change of the model, of a target or of a metric leaves what is known of use as it was: those rows are left alone.
_USAGE = f"""
    INSERT INTO outcomes_itemusage (workspace_id, {_columns(_USAGE_TYPES)})
    SELECT %(workspace)s, {_columns(_USAGE_TYPES, "new.")}
    FROM json_to_recordset(%(rows)s::json) AS new ({_typed(_USAGE_TYPES)})
    LEFT JOIN outcomes_itemusage held ON held.item_id = new.item_id
    WHERE held.item_id IS NULL
       OR ({_columns(_USAGE_TYPES, "held.")}) IS DISTINCT FROM ({_columns(_USAGE_TYPES, "new.")})
    ORDER BY new.item_id
    ON CONFLICT (item_id) DO UPDATE SET {_overwritten(_USAGE_TYPES)}
"""  # noqa: S608
