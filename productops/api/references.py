"""What the rows of a large body refer to, found in one query a kind instead of one a row."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import models
from django.db.models import Q

from productops.workspaces.models import Workspace


class References:
    """The objects of a workspace that a body names by id or key, by the field that names them."""

    def __init__(self, workspace: Workspace, body: Any) -> None:
        self.workspace = workspace
        self._named: dict[str, set[str]] = defaultdict(set)
        self._found: dict[tuple[type[models.Model], str], dict[str, models.Model]] = {}
        waiting = [body]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                for name, value in part.items():
                    if isinstance(value, str | int):
                        self._named[name].add(str(value))
                    else:
                        waiting.append(value)
            elif isinstance(part, list):
                waiting.extend(part)

    def find(self, model: type[models.Model], field: str, ref: str | int) -> models.Model | None:
        """The object that `field` names with `ref`, an id or a key; None when there is no such here."""
        if (model, field) not in self._found:
            self._found[model, field] = self._load(model, field)
        return self._found[model, field].get(str(ref))

    def _load(self, model: type[models.Model], field: str) -> dict[str, models.Model]:
        refs = {ref for ref in self._named[field] if ref.isprintable()}
        numbers = {ref for ref in refs if ref.isascii() and ref.isdigit()}
        named = Q(pk__in=[int(ref) for ref in numbers if len(ref) < 19])
        has_key = any(column.name == "key" for column in model._meta.fields)
        if has_key:
            named |= Q(key__in=refs - numbers)
        found: dict[str, models.Model] = {}
        for row in model._default_manager.in_workspace(self.workspace.pk).filter(named):  # type: ignore[attr-defined]
            found[str(row.pk)] = row
            if has_key:
                found[row.key] = row
        # An id may be written with zeros before it, as in paths.
        return {**found, **{ref: found[str(int(ref))] for ref in numbers if str(int(ref)) in found}}
