"""One story told with the bodies of the API, each building on those before it: shown in the OpenAPI document."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

# What the server answered when that story was told to it; tests/productops/test_answers.py tells it again.
ANSWERS_FILE: Final = Path(__file__).with_name("answers.json")

# By resource, in the order in which they can be posted as they stand.
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "products": {"key": "shop", "name": "Shop"},
    "customers": {"key": "acme", "name": "Acme", "segment": "smb", "mrr": 420},
    "problems": {
        "key": "lost-baskets",
        "title": "Baskets are lost between devices",
        "description": "Who fills a basket on a phone finds it empty on a laptop.",
    },
    "evidence": {
        "problem": "lost-baskets",
        "customer": "acme",
        "kind": "ticket",
        "quote": "My basket was empty when I got home.",
        "observed_on": "2026-05-01",
        "importance": 3,
    },
    "surveys": {
        "problem": "lost-baskets",
        "segment": "smb",
        "on": "2026-05-01",
        "respondents": 120,
        "importance_top2": 78,
        "satisfaction_top2": 31,
    },
    "metrics": {
        "key": "checkout.conversion",
        "name": "Checkout conversion",
        "unit": "%",
        "direction": "increase",
        "aggregation": "mean",
        "cadence": "daily",
    },
    "items": {
        "key": "saved-carts",
        "title": "Saved carts",
        "kind": "feature",
        "product": "shop",
        "hypothesis": "Who finds the basket again buys more often.",
        "links": [{"problem": "lost-baskets", "weight": 1}],
        "outcomes": [
            {"metric": "checkout.conversion", "baseline": 2.1, "target": 2.6, "due_on": "2026-06-30"}
        ],
    },
    "outcomes": {
        "item": "saved-carts",
        "metric": "checkout.conversion",
        "series": "eu",
        "role": "secondary",
        "baseline": 1.9,
        "target": 2.4,
    },
    "sources": {"key": "warehouse", "name": "Data warehouse", "kind": "productops", "cadence": "daily"},
    "observations": {
        "sent_at": "2026-05-01T10:00:05Z",
        "observations": [{"metric": "checkout.conversion", "at": "2026-05-01T10:00:00Z", "value": 2.4}],
        "usage": [
            {"item": "saved-carts", "actor": "u_123", "customer": "acme", "at": "2026-05-01T10:00:00Z"}
        ],
        "snapshots": [{"item": "saved-carts", "on": "2026-05-01", "active": 120, "eligible": 4000}],
    },
    "endpoints": {
        "name": "Our chat",
        "url": "https://hooks.example.com/productops",
        "events": ["flag.opened", "item.released"],
    },
}


def example_for(method: str, path: str) -> dict[str, Any] | None:
    """The body to make one of a resource with, if `path` is where it is posted; None for every other request."""
    *_, resource, end = path.split("/")
    is_list = path == f"/api/v1/{resource}/" and end == ""
    return EXAMPLES.get(resource) if method == "POST" and is_list else None


def answer_for(method: str, path: str, status: str) -> Any | None:
    """The answer of this status to show for an operation; None where there is none."""
    return _answers().get(f"{method} {path} {status}")


@cache
def _answers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ANSWERS_FILE.read_text())
    return found
