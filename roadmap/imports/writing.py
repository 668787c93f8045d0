"""A file's rows into one kind of object, set-based: COPY into a staging table, then one sorted upsert.

Every kind goes the same way: stage what reads well, settle what only the whole file and the database can
tell, write what differs, tell who listens. A row that changes nothing is not written: its version and
`updated_at` stay. A dry run does all of it but the telling, and rolls back.
"""

# Names of tables and columns come from our own models, never from the file; its values are COPYed.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.imports.archived import refuse_archived
from roadmap.imports.complaints import Report
from roadmap.imports.directory import load_directory
from roadmap.imports.reading import Readable
from roadmap.imports.staging import STAGING, Import, Kind, Written, column_of, field_of
from roadmap.imports.tables import Row, open_table

# Serialises the imports of one workspace: two of them could otherwise both add the same evidence.
_LOCK_CLASS = 0x70_6F_69_6D


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
        name if name in kind.staged_as_text else column_of(field_of(kind.model, name)) for name in fields
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
        target = field_of(run.kind.model, name)
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
    order = ", ".join(f's."{field_of(model, name).column}"' for name in run.kind.table.identity)
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
        column = column_of(target)
        if column not in columns and not target.primary_key:
            columns[column] = run.value(column)
    return columns


def _staged_count(run: Import) -> int:
    return int(run.rows(f"SELECT count(*) FROM {STAGING}")[0][0])
