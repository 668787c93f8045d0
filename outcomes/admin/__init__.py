"""The outcomes' pages in the admin, and the item's page with what became of it."""

from __future__ import annotations

from outcomes.admin import (
    candidates,
    deliveries,
    effects,
    endpoints,
    experiments,
    facts,
    first_steps,
    flags,
    front_page,
    imports,
    insights,
    items,
    marks,
    metrics,
    notices,
    rules,
    scoring_models,
    sources,
    values,
)

__all__ = [
    "candidates",
    "deliveries",
    "effects",
    "endpoints",
    "experiments",
    "facts",
    "first_steps",
    "flags",
    "front_page",
    "imports",
    "insights",
    "items",
    "marks",
    "metrics",
    "notices",
    "rules",
    "scoring_models",
    "sources",
    "values",
]
