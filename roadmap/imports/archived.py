"""What was put away is not changed by a file, and nothing new is tied to it."""

# Names of tables and columns come from our own models, never from the file.
# ruff: noqa: S608

from __future__ import annotations

from typing import Any

from django.db.models import Model

from productops.workspaces.complaints import ARCHIVED
from roadmap.imports.staging import Import


def refuse_archived(run: Import) -> None:
    """Refuse the staged rows that are about an archived object, or newly refer to one."""
    if _is_archivable(run.kind.model):
        lines = run.rows(f"SELECT s.line FROM {run.standing} WHERE t.archived_at IS NOT NULL")
        run.refuse("key", ARCHIVED, {line: "It is archived; restore it first." for (line,) in lines})
    part_of = run.kind.model.part_of
    for field in run.kind.model._meta.concrete_fields:
        target = field.related_model
        if isinstance(target, type) and _is_archivable(target) and field.column in run.cells:
            _refuse_references(run, field, target, is_part=field.name == part_of)


def _refuse_references(run: Import, field: Any, target: type[Model], is_part: bool) -> None:
    lines = run.rows(
        f"SELECT s.line FROM {run.standing} JOIN {target._meta.db_table} named"
        f" ON named.id = s.{field.column} AND named.archived_at IS NOT NULL"
        f" WHERE %(is_part)s OR t.id IS NULL OR t.{field.column} IS DISTINCT FROM s.{field.column}",
        is_part=is_part,
    )
    detail = f"The {target._meta.verbose_name} is archived; restore it first."
    run.refuse(field.name, ARCHIVED, {line: detail for (line,) in lines})


def _is_archivable(model: type[Model]) -> bool:
    return any(field.name == "archived_at" for field in model._meta.concrete_fields)
