"""Edits that never overwrite somebody else's: the version is compared and raised in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.functions import Now


class StaleEdit(Exception):
    """The object has been changed since the version that the edit was based on."""


class NotHere(Exception):
    """There is no such object in this workspace."""


def guarded_update(
    queryset_in_workspace: QuerySet[Any], pk: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    """Apply `changes` and raise the version by one, if the row still has `version`.

    Commands that have no version, such as a webhook or an import, pass None. Raises StaleEdit when the row
    has another version, NotHere when there is no such row. The row stays locked until the transaction ends.
    """
    rows = queryset_in_workspace.filter(pk=pk)
    claimed = rows if version is None else rows.filter(version=version)
    if claimed.update(**changes, version=F("version") + 1, updated_at=Now()):
        return
    raise StaleEdit if rows.exists() else NotHere


def guarded_delete(queryset_in_workspace: QuerySet[Any], pk: int, version: int | None) -> None:
    """Delete the row, and what hangs on it, if it still has `version`; errors as in `guarded_update`."""
    # Raising the version first locks the row, so that nobody edits it while its dependents are deleted.
    guarded_update(queryset_in_workspace, pk, version, {})
    queryset_in_workspace.filter(pk=pk).delete()


def changed_fields(instance: Model, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `changes` that differ from what the instance holds."""
    return {name: value for name, value in changes.items() if getattr(instance, name) != value}
