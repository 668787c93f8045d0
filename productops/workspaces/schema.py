"""Migration operations that Django has no words for, or only slow ones: composite workspace keys, the record of
changes, and indexes and constraints."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import migrations
from django.db.migrations.state import ProjectState

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


class AddIndex(migrations.AddIndex):
    """Django's own, in a tenth of the time on a new database.

    Django draws the model anew in memory, and with it all that hang together with it: every model here belongs to a
    workspace, so that is nearly all of them. The index is made from the operation, and nobody asks the drawing.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        _append(state, (app_label, self.model_name_lower), "indexes", self.index)


class AddConstraint(migrations.AddConstraint):
    """Django's own, in a tenth of the time on a new database, as `AddIndex`."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        _append(state, (app_label, self.model_name_lower), "constraints", self.constraint)


def _append(state: ProjectState, model: tuple[str, str], name: str, entry: object) -> None:
    options = state.models[model].options
    options[name] = [*options[name], entry]
