"""The one way facts are written: by identity, the highest statement wins, whenever it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from outcomes.pipeline.arrays import array
from outcomes.pipeline.prepared import execute_prepared
from productops.workspaces.actors import Actor
from productops.workspaces.attribution import acting, tell


@dataclass(frozen=True, slots=True)
class FactTable:
    """Where facts of one kind live. Columns are (name, PostgreSQL type); `identity` and `values` are names.

    `conflict` is the unique key that `identity` names, with its predicate if it is partial; `fixed` are
    columns with a constant, such as a version. `is_per_source`: each source states its own, beside the identity.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    identity: tuple[str, ...]
    values: tuple[str, ...]
    conflict: str
    has_source: bool = True
    is_per_source: bool = False
    # Whether its changes are written down, with who made them.
    is_recorded: bool = False
    fixed: tuple[tuple[str, str], ...] = ()
    on_update: tuple[tuple[str, str], ...] = ()

    def identity_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """The identity within a row that holds the columns in order: they come first."""
        return tuple(row[: len(self.identity)])


class Written(NamedTuple):
    """A statement that won: its place among those that were stated, and whether it changed what stood there."""

    place: int
    is_change: bool


@dataclass(frozen=True, slots=True)
class By:
    """Who states facts, and when: what decides which of two statements of one identity wins."""

    source_id: int
    stated_at: datetime
    stated_by: str
    who: Actor


def state(
    table: FactTable, rows: Sequence[tuple[Any, ...]], *, workspace_id: int, by: Sequence[By]
) -> list[Written]:
    """Write statements; return those that won over what stood there.

    `rows` hold the columns of the table in order and then (is_retracted, stated_row, the place in `by` of who
    states it); no identity twice, and of a table whose changes are recorded all by one source. What won is told
    by its place in `rows`: keys need not travel back. The statement sorts by identity, so that two writers of the
    same facts queue instead of deadlocking.
    """
    if not rows:
        return []
    if table.is_recorded:
        with acting(by[0].who):
            tell(connection)
            return _written(table, rows, workspace_id, by)
    return _written(table, rows, workspace_id, by)


def _written(
    table: FactTable, rows: Sequence[tuple[Any, ...]], workspace_id: int, by: Sequence[By]
) -> list[Written]:
    found = execute_prepared(
        _statement(table),
        {
            **{
                f"c{index}": array(kind, column)
                for index, (kind, column) in enumerate(
                    zip(_kinds(table), zip(*rows, strict=True), strict=True)
                )
            },
            "workspace_id": workspace_id,
            "source_ids": array("bigint", [one.source_id for one in by]),
            "stated_ats": array("timestamptz", [one.stated_at for one in by]),
            "stated_bys": array("text", [one.stated_by for one in by]),
        },
    )
    return [Written._make(row) for row in found]


# Beside the columns of a table: whether the row takes something back, its number, and who states it.
_BESIDE = (("is_retracted", "boolean"), ("stated_row", "integer"), ("by_place", "integer"))


def _kinds(table: FactTable) -> list[str]:
    return [kind for _, kind in (*table.columns, *_BESIDE)]


_statements: dict[str, str] = {}


def _statement(table: FactTable) -> str:
    if table.name not in _statements:
        _statements[table.name] = _write_statement(table)
    return _statements[table.name]


def _write_statement(table: FactTable) -> str:
    own = (*table.columns, *_BESIDE[:2])
    arrays = ", ".join(f"%(c{index})s::{kind}[]" for index, kind in enumerate(_kinds(table)))
    names = [f'"{name}"' for name, _ in own]
    identity = [f'"{name}"' for name in table.identity]
    values = [*(f'"{name}"' for name in table.values), '"is_retracted"']
    said = [*(["source_id"] if table.has_source else []), "stated_at", "stated_by"]
    written = [*names, "workspace_id", *said, *(name for name, _ in table.fixed)]
    given = [*names, "%(workspace_id)s::bigint", *said, *(value for _, value in table.fixed)]
    sets = [f"{name} = excluded.{name}" for name in [*values, *said, "stated_row"]]
    sets += [f"{name} = {value}" for name, value in table.on_update]
    is_own = " AND there.source_id = stated.source_id" if table.is_per_source else ""
    before = f"coalesce({table.name}.stated_at, '-infinity'), {table.name}.stated_by, {table.name}.stated_row"
    # Names and types come from the tables below, values from parameters.
    return f"""
        WITH stated AS MATERIALIZED (
            SELECT rows.*, source_id, stated_at, stated_by
            FROM unnest({arrays}) WITH ORDINALITY AS rows ({", ".join(names)}, by_place, number)
            JOIN unnest(%(source_ids)s::bigint[], %(stated_ats)s::timestamptz[], %(stated_bys)s::text[])
                 WITH ORDINALITY AS who (source_id, stated_at, stated_by, place) ON place = by_place + 1
        ), before AS MATERIALIZED (
            SELECT stated.number, {", ".join(f"there.{name}" for name in values)}
            -- One look into the index for each statement, however long the history: LIMIT keeps the planner
            -- from reading the whole table for a join.
            FROM stated CROSS JOIN LATERAL (
                SELECT * FROM {table.name} AS there
                WHERE {" AND ".join(f"there.{name} = stated.{name}" for name in identity)}{is_own} LIMIT 1
            ) AS there
        ), won AS (
            INSERT INTO {table.name} ({", ".join(written)})
            SELECT {", ".join(given)} FROM stated ORDER BY {", ".join(identity)}
            ON CONFLICT {table.conflict} DO UPDATE SET {", ".join(sets)}
            WHERE (excluded.stated_at, excluded.stated_by, excluded.stated_row) > ({before})
            RETURNING {", ".join((*identity, *values))}
        )
        SELECT stated.number - 1,
               before.is_retracted IS NULL
               OR ({", ".join(f"won.{name}" for name in values)})
                  IS DISTINCT FROM ({", ".join(f"before.{name}" for name in values)})
        FROM won JOIN stated ON {" AND ".join(f"won.{name} = stated.{name}" for name in identity)}
        LEFT JOIN before ON before.number = stated.number
    """  # noqa: S608


OBSERVATIONS = FactTable(
    "outcomes_observation",
    (
        ("metric_id", "bigint"),
        ("series", "text"),
        ("at", "timestamptz"),
        ("on", "date"),
        ("value", "double precision"),
    ),
    identity=("metric_id", "series", "at"),
    values=("value",),
    conflict="(metric_id, series, at)",
)
USAGE = FactTable(
    "outcomes_usageevent",
    (
        ("item_id", "bigint"),
        ("on", "date"),
        ("event_id", "text"),
        ("at", "timestamptz"),
        ("actor", "bytea"),
        ("customer_id", "bigint"),
    ),
    identity=("item_id", "on", "event_id"),
    values=("at", "actor", "customer_id"),
    conflict='(item_id, "on", event_id)',
)
SNAPSHOTS = FactTable(
    "outcomes_usagesnapshot",
    (
        ("item_id", "bigint"),
        ("on", "date"),
        ("days", "smallint"),
        ("active", "double precision"),
        ("eligible", "double precision"),
        ("share", "double precision"),
    ),
    identity=("item_id", "on", "days"),
    values=("active", "eligible", "share"),
    conflict='(item_id, "on", source_id, days)',
    is_per_source=True,
)
EVIDENCE = FactTable(
    "roadmap_evidence",
    (
        ("problem_id", "bigint"),
        ("external_id", "text"),
        ("kind", "text"),
        ("customer_id", "bigint"),
        ("quote", "text"),
        ("source_url", "text"),
        ("observed_on", "date"),
        ("importance", "smallint"),
    ),
    identity=("problem_id", "external_id"),
    values=("kind", "customer_id", "quote", "source_url", "observed_on", "importance"),
    conflict="(problem_id, external_id) WHERE external_id <> ''",
    has_source=False,
    is_recorded=True,
    fixed=(("version", "1"), ("created_at", "now()"), ("updated_at", "now()")),
    on_update=(("version", "roadmap_evidence.version + 1"), ("updated_at", "now()")),
)
RELEASES = FactTable(
    "roadmap_release",
    (("item_id", "bigint"), ("at", "timestamptz"), ("on", "date"), ("url", "text")),
    identity=("item_id", "at"),
    values=("url",),
    conflict="(item_id, at)",
    has_source=False,
)
EXPERIMENT_TOTALS = FactTable(
    "outcomes_experimenttotal",
    (
        ("experiment_id", "bigint"),
        ("variant", "text"),
        ("metric_id", "bigint"),
        ("at", "timestamptz"),
        ("on", "date"),
        ("n", "bigint"),
        ("sum", "double precision"),
        ("sum_squares", "double precision"),
    ),
    identity=("experiment_id", "variant", "metric_id", "at"),
    values=("n", "sum", "sum_squares"),
    conflict="(experiment_id, variant, metric_id, at)",
)
