"""The record of changes, in an order that a reader can follow without missing a late commit.

Ids and clocks are handed out before a transaction commits, so a reader who asks for "everything after the last
id I saw" misses what was handed out earlier and committed later. A Change carries the number of its
transaction instead, and the feed ends before the oldest transaction that is still running: what is beneath
that horizon is final, and nothing can appear there any more.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections, router
from django.db.models import BigIntegerField, Func, QuerySet

from productops.workspaces.models import Change, Workspace, WorkspaceOwned


class Horizon(Func):
    """The first position that may still be written to: that of the oldest transaction that is still running.

    Of those that this statement's snapshot calls running, only the ones that are known to write to another
    database are left out. One that has ended since is not known, and so is counted: its changes are not seen yet.
    """

    template = """(
        SELECT coalesce(min(running::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
            + (SELECT coalesce(max(shift), 0) FROM workspaces_changeshift)
        FROM pg_snapshot_xip(pg_current_snapshot()) AS running
        WHERE NOT EXISTS (
            SELECT FROM pg_locks AS held JOIN pg_stat_activity AS session USING (pid)
            WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
              AND held.transactionid = running::xid
              AND session.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
        ))"""
    output_field = BigIntegerField()


def settled(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Those that no transaction still running can come to stand before."""
    return changes.filter(position__lt=Horizon())


def field_names(type_: str) -> dict[str, str]:
    """Column to field name of the model that a change's type names; empty for one that is no more."""
    model = _models().get(type_)
    return {field.column: field.name for field in model._meta.concrete_fields} if model else {}


def known_types() -> set[str]:
    """What a change's type can be: the kinds of object that workspaces have."""
    return {
        name for name, model in _models().items() if issubclass(model, WorkspaceOwned) or model is Workspace
    }


def _models() -> dict[str, Any]:
    return {str(model._meta.model_name): model for model in apps.get_models()}


# Restored into another cluster, the numbers of transactions begin anew. A shift added to them all keeps new
# changes behind old ones. Never true within one cluster: no number is as high as the next to be handed out.
_SHIFT = """
UPDATE workspaces_changeshift SET shift = newest.position + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
FROM (SELECT max(position) AS position FROM workspaces_change) AS newest
WHERE newest.position >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint + shift
"""


def keep_order(sender: Any, using: str = "default", **_: Any) -> None:
    """After `migrate`: if the database was restored from another cluster, go on after its last change."""
    if not router.allow_migrate_model(using, Change):
        return
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('workspaces_changeshift')")
        if cursor.fetchone()[0] is not None:
            cursor.execute(_SHIFT)
