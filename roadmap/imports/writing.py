"""A file's rows into one kind of object, set-based: COPY into a staging table, then one sorted upsert.

Every kind goes the same way: stage what reads well, settle what only the whole file and the database can
tell, write what differs, tell who listens. A row that changes nothing is not written: its version and
`updated_at` stay. A dry run does all of it but the telling, and rolls back.
"""

# Names of tables and columns come from our own models, never from the file; its values are COPYed.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Field, Model, TextField

from productops.workspaces.actors import Actor
from productops.workspaces.models import Versioned, Workspace
from roadmap.imports.archived import refuse_archived
from roadmap.imports.complaints import Report, RowComplaint
from roadmap.imports.directory import LOADERS, Loader, load_directory
from roadmap.imports.reading import Readable
from roadmap.imports.tables import Row, Table, open_table

STAGING = "import_staging"
# Serialises the imports of one workspace: two of them could otherwise both add the same evidence.
_LOCK_CLASS = 0x70_6F_69_6D


@dataclass(frozen=True, slots=True)
class Written:
    created_ids: list[int]
    updated_ids: list[int]

    @property
    def ids(self) -> list[int]:
        return sorted([*self.created_ids, *self.updated_ids])


@dataclass(frozen=True, slots=True)
class Kind:
    """How the rows of a table become objects.

    `conflict` is the unique key they are matched by, as ON CONFLICT says it, and `matches` the same as a
    join of the staged row `s` with the standing one `t`. `expressions` says in SQL what a column becomes
    where that is not simply the cell. `settle` refuses and completes staged rows; what it returns is handed
    to `announce`, which sends the signals.
    """

    table: Table
    model: type[Versioned]
    announce: Callable[[Import, Written, Any], None]
    conflict: str = "(workspace_id, key)"
    matches: str = "t.key = s.key"
    settle: Callable[[Import], Any] = lambda run: None
    expressions: Callable[[Import], Mapping[str, str]] = lambda run: {}
    staged_as_text: frozenset[str] = frozenset()
    """Fields whose text is staged as it is, for `settle` to resolve."""
    loaders: Mapping[str, Loader] = field(default_factory=lambda: LOADERS)
    """How to look up what its columns refer to."""


@dataclass(slots=True)
class Import:
    """One file on its way in. `cells` are the columns of the staging table beside `line`."""

    kind: Kind
    workspace: Workspace
    by: Actor
    report: Report
    cursor: Any
    cells: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.kind.model._meta.db_table

    @property
    def cause(self) -> dict[str, str]:
        return {"kind": "import", "by": self.by.name, "via": self.by.via}

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql, {"workspace": self.workspace.pk, **self.params, **params})
        return list(self.cursor.fetchall())

    def run(self, sql: str, **params: Any) -> int:
        """Execute and return how many rows it touched."""
        self.cursor.execute(sql, {"workspace": self.workspace.pk, **self.params, **params})
        return int(self.cursor.rowcount)

    def refuse(self, column: str, code: str, detail_by_line: Mapping[int, str]) -> None:
        """Take staged lines out again, each for a reason."""
        for line in sorted(detail_by_line):
            self.report.refuse([RowComplaint(line, column, code, detail_by_line[line])])
        self.run(f"DELETE FROM {STAGING} WHERE line = ANY(%(lines)s)", lines=list(detail_by_line))

    def cell(self, column: str) -> str:
        """The cell as SQL; NULL when it is blank or the file has no such column."""
        return f's."{column}"' if column in self.cells else "NULL"

    def fresh(self, column: str) -> str:
        """What the column is in a row that is new."""
        given = self.cell(column)
        empty = self._empty(column)
        return given if empty is None else f"COALESCE({given}, {empty})"

    def value(self, column: str) -> str:
        """What the column becomes: a blank cell empties it, or leaves it where it cannot be empty; without
        such a column in the file, it stays as it is."""
        target = _field(self.kind.model, column)
        if column in self.cells and (target.null or _is_optional_text(target)):
            return self.fresh(column)
        empty = self._empty(column)
        if empty is None:
            return f'COALESCE({self.cell(column)}, t."{column}")' if column in self.cells else f't."{column}"'
        return f'COALESCE({self.cell(column)}, t."{column}", {empty})'

    def _empty(self, column: str) -> str | None:
        """The column of a row that says nothing, as SQL; None stands for NULL."""
        target = _field(self.kind.model, column)
        if target.null:
            return None
        name = f"empty_{column}"
        default = target.get_default()
        self.params[name] = json.dumps(default) if isinstance(default, list | dict) else default
        return f"%({name})s::{target.db_type(connection)}"

    @property
    def standing(self) -> str:
        """The staged rows `s` beside the objects `t` they are about, for a FROM clause."""
        return (
            f"{STAGING} s LEFT JOIN {self.table} t ON t.workspace_id = %(workspace)s AND {self.kind.matches}"
        )


def import_table(
    kind: Kind, stream: Readable, *, workspace: Workspace, by: Actor, is_dry_run: bool
) -> Report:
    """Take a file's valid rows in one transaction and report on every row. Raises FileRefused."""
    report = Report(kind.table.kind, is_dry_run)
    with transaction.atomic(), connection.cursor() as cursor:
        run = Import(kind, workspace, by, report, cursor)
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, workspace.pk % 2**31])
        _stage(run, stream)
        run.run(f"SELECT t.id FROM {run.standing} WHERE t.id IS NOT NULL ORDER BY t.id FOR UPDATE OF t")
        settled = kind.settle(run)
        # By now what a file says of a merged problem is about the one that it was merged into.
        refuse_archived(run)
        written = _write(run)
        report.created, report.updated = len(written.created_ids), len(written.updated_ids)
        report.unchanged += _staged_count(run) - len(written.ids)
        report.complaints.sort(key=lambda complaint: complaint.line)
        cursor.execute(f"DROP TABLE {STAGING}")
        if is_dry_run:
            transaction.set_rollback(True)
        elif written.ids:
            kind.announce(run, written, settled)
    return report


def _stage(run: Import, stream: Readable) -> None:
    kind = run.kind
    what = {column.refers_to for column in kind.table.columns if column.refers_to}
    opened = open_table(kind.table, stream, load_directory(run.workspace, what, kind.loaders))
    fields = opened.fields
    run.cells = tuple(
        name if name in kind.staged_as_text else _column(_field(kind.model, name)) for name in fields
    )
    _create_staging(run, fields)
    names = ", ".join(f'"{cell}"' for cell in run.cells)
    with run.cursor.copy(f"COPY {STAGING} (line, {names}) FROM STDIN") as copy:
        for row in opened.rows:
            if isinstance(row, Row):
                copy.write_row((row.line, *(row.values[name] for name in fields)))
            else:
                run.report.refuse(row.complaints)
    run.cursor.execute(f"ANALYZE {STAGING}")


def _create_staging(run: Import, fields: Sequence[str]) -> None:
    columns = []
    # What rows are matched by is there even if the file has no such column.
    absent = [name for name in run.kind.table.identity if name not in fields]
    for name in (*fields, *absent):
        target = _field(run.kind.model, name)
        is_text = name in run.kind.staged_as_text
        columns.append(f'"{name}" text' if is_text else f'"{target.column}" {target.db_type(connection)}')
    run.cursor.execute(
        f"CREATE TEMPORARY TABLE {STAGING} (line bigint PRIMARY KEY, {', '.join(columns)}) ON COMMIT DROP"
    )


def _write(run: Import) -> Written:
    """Insert what is new and update what differs, in the order of the key: one lock order for all writers."""
    model = run.kind.model
    special = dict(run.kind.expressions(run))
    wanted = {cell: run.value(cell) for cell in run.cells if cell not in run.kind.staged_as_text} | {
        name: sql for name, sql in special.items() if name != "id"
    }
    inserted = _columns_of_a_new_row(run, wanted)
    if "id" in special:
        inserted["id"] = special["id"]
    names = ", ".join(f'"{name}"' for name in inserted)
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in wanted)
    old = ", ".join(f'o."{name}"' for name in wanted)
    new = ", ".join(f'excluded."{name}"' for name in wanted)
    order = ", ".join(f's."{_field(model, name).column}"' for name in run.kind.table.identity)
    rows = run.rows(
        f"INSERT INTO {run.table} AS o ({names})"
        f" SELECT {', '.join(inserted.values())} FROM {run.standing} ORDER BY {order}, s.line"
        f" ON CONFLICT {run.kind.conflict} DO UPDATE"
        f" SET {updates}, version = o.version + 1, updated_at = now()"
        f" WHERE ({old}) IS DISTINCT FROM ({new})"
        " RETURNING o.id, o.version = 1"
    )
    return Written(
        created_ids=sorted(pk for pk, is_new in rows if is_new),
        updated_ids=sorted(pk for pk, is_new in rows if not is_new),
    )


def _columns_of_a_new_row(run: Import, wanted: Mapping[str, str]) -> dict[str, str]:
    """Every column of the table and its value as SQL: from the file, the standing row or the model's default.

    What stands is there although an update leaves it alone: the database checks the whole row that is offered
    for insertion before it looks for the one it conflicts with.
    """
    columns = {"workspace_id": "%(workspace)s", "version": "1", "created_at": "now()", "updated_at": "now()"}
    columns |= wanted
    for target in run.kind.model._meta.concrete_fields:
        column = _column(target)
        if column not in columns and not target.primary_key:
            columns[column] = run.value(column)
    return columns


def _staged_count(run: Import) -> int:
    return int(run.rows(f"SELECT count(*) FROM {STAGING}")[0][0])


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    """A concrete field by its name or its column."""
    for target in model._meta.concrete_fields:
        if name in (target.name, target.column):
            return target
    raise LookupError(f"{model.__name__} has no field {name}")


def _column(target: Field[Any, Any]) -> str:
    return str(target.column)


def _is_optional_text(target: Field[Any, Any]) -> bool:
    return isinstance(target, CharField | TextField) and target.blank and not target.null
