"""One file on its way in: its kind, the staged rows, and what SQL says of them."""

# Names of tables and columns come from our own models, never from the file; its values are COPYed.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import CharField, Field, Model, TextField

from productops.workspaces.actors import Actor
from productops.workspaces.models import Versioned, Workspace
from roadmap.imports.complaints import Report, RowComplaint
from roadmap.imports.directory import LOADERS, Loader
from roadmap.imports.tables import Table

STAGING = "import_staging"


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
        target = field_of(self.kind.model, column)
        if column in self.cells and (target.null or _is_optional_text(target)):
            return self.fresh(column)
        empty = self._empty(column)
        if empty is None:
            return f'COALESCE({self.cell(column)}, t."{column}")' if column in self.cells else f't."{column}"'
        return f'COALESCE({self.cell(column)}, t."{column}", {empty})'

    def _empty(self, column: str) -> str | None:
        """The column of a row that says nothing, as SQL; None stands for NULL."""
        target = field_of(self.kind.model, column)
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


def field_of(model: type[Model], name: str) -> Field[Any, Any]:
    """A concrete field by its name or its column."""
    for target in model._meta.concrete_fields:
        if name in (target.name, target.column):
            return target
    raise LookupError(f"{model.__name__} has no field {name}")


def column_of(target: Field[Any, Any]) -> str:
    return str(target.column)


def _is_optional_text(target: Field[Any, Any]) -> bool:
    return isinstance(target, CharField | TextField) and target.blank and not target.null
