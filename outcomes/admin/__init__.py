"""The outcomes' pages in the admin, and the item's page with what became of it."""

from __future__ import annotations

from outcomes.admin import (
    deliveries,
    effects,
    experiments,
    facts,
    flags,
    imports,
    insights,
    items,
    marks,
    metrics,
    rules,
    scoring_models,
    sources,
    values,
)

__all__ = [
    "deliveries",
    "effects",
    "experiments",
    "facts",
    "flags",
    "imports",
    "insights",
    "items",
    "marks",
    "metrics",
    "rules",
    "scoring_models",
    "sources",
    "values",
]
