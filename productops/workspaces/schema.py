"""Migration operations that Django has no words for: composite workspace keys and the record of changes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import migrations

# What says nothing about the row itself.
_NEVER = ("id", "workspace_id", "version", "created_at", "updated_at")


def workspace_key(table: str) -> migrations.RunSQL:
    """UNIQUE (workspace_id, id), the anchor for composite foreign keys onto `table`."""
    name = f"{table}_in_workspace"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE (workspace_id, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def belongs(table: str, column: str, target: str) -> migrations.RunSQL:
    """A foreign key (workspace_id, column) -> target (workspace_id, id): no link leaves its workspace."""
    name = f"{table}_{column}_in_workspace"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (workspace_id, {column})"
        f" REFERENCES {target} (workspace_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def recorded(table: str, kind: str, *, hidden: Iterable[str] = ()) -> migrations.RunSQL:
    """Record every change of a row of `table` as a Change of this `kind`, whoever writes it and however.

    `hidden` names columns that are never written down: secrets, and what a worker keeps up to date. An edit
    that touches nothing else leaves no Change. A table may be named again with other columns.
    """
    never = (*_NEVER, *hidden)
    columns = "{" + ",".join(never) + "}"
    return migrations.RunSQL(
        f"CREATE OR REPLACE TRIGGER {table}_recorded AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION workspaces_record_change('{kind}', '{columns}')",
        f"DROP TRIGGER {table}_recorded ON {table}",
    )
