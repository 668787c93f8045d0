"""Items as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outcomes.api.cards import usage_of, value_of
from roadmap.api.exports import Export

# The columns an import reads come first, so that `?fields=` can make a file that comes back in.
_COLUMNS: dict[str, Callable[[Any], Any]] = {
    "key": lambda item: item.key,
    "title": lambda item: item.title,
    "summary": lambda item: item.summary,
    "product": lambda item: item.product.key if item.product else None,
    "status": lambda item: item.status,
    "horizon": lambda item: item.horizon,
    "released_on": lambda item: item.released_on,
    "kind": lambda item: item.kind,
    "owner": lambda item: item.owner.user.username if item.owner else None,
    "hypothesis": lambda item: item.hypothesis,
    "reach": lambda item: item.reach,
    "impact": lambda item: item.impact,
    "confidence": lambda item: item.confidence,
    "effort": lambda item: item.effort,
    "url": lambda item: item.url,
    "usage_policy": lambda item: item.usage_policy,
    "problems": lambda item: " ".join(link.problem.key for link in item.links.all()),
    "verdict": lambda item: usage_of(item).verdict,
    "verdict_reason": lambda item: usage_of(item).reason,
    "active": lambda item: usage_of(item).active,
    "eligible": lambda item: usage_of(item).eligible,
    "share": lambda item: usage_of(item).share,
    "expected": lambda item: value_of(item).expected,
    "realised": lambda item: value_of(item).realised,
    "coverage": lambda item: value_of(item).coverage,
    "proven": lambda item: value_of(item).proven,
    "trend": lambda item: value_of(item).trend,
    "demand": lambda item: value_of(item).demand,
    "revenue_at_stake": lambda item: value_of(item).revenue_at_stake,
    "opportunity": lambda item: value_of(item).opportunity,
    "flags": lambda item: " ".join(flag["reason"] for flag in item.standing_flags),
}

ITEMS_CSV = Export("items.csv", _COLUMNS)
