"""What has a history is archived, so that the past can still be read; what has none is deleted."""

from __future__ import annotations

from django.db.models import ForeignObjectRel, Model

from productops.workspaces.models import Versioned

# Rows that we compute, or that are part of what the row itself says: none of them is a past. Those of the
# storey above are known here by name only; a kind that is not listed counts as a past, to be on the safe side.
_NO_PAST = frozenset(
    {"link", "itemvalue", "itemusage", "itemsource", "valuerecord", "verdictspan", "problemstanding"}
    | {"productaudience", "mark", "experimentguardrail"}
)


def has_past(row: Versioned) -> bool:
    """Whether anything that happened refers to the row."""
    return any(
        _refers(relation, row)
        for relation in type(row)._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and _is_past(relation.related_model)
    )


def _is_past(model: type[Model]) -> bool:
    return model._meta.model_name not in _NO_PAST


def _refers(relation: ForeignObjectRel, row: Versioned) -> bool:
    rows = relation.related_model._default_manager.filter(**{relation.field.name: row.pk})
    return bool(rows.exists())
