"""Migration operations that Django has no words for: composite workspace keys and monthly partitions."""

from __future__ import annotations

from django.db import migrations


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
