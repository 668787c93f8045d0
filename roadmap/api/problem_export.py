"""Problems as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roadmap.api.exports import Export
from roadmap.models import Problem, ProblemStanding


def _standing_of(problem: Problem) -> ProblemStanding:
    """How the problem stands; at nothing when nothing is known about it yet."""
    return getattr(problem, "standing", None) or ProblemStanding()


# The columns an import reads come first, so that `?fields=` can make a file that comes back in.
_COLUMNS: dict[str, Callable[[Any], Any]] = {
    "key": lambda problem: problem.key,
    "title": lambda problem: problem.title,
    "description": lambda problem: problem.description,
    "parent": lambda problem: problem.parent.key if problem.parent else None,
    "demand": lambda problem: _standing_of(problem).demand,
    "revenue_at_stake": lambda problem: _standing_of(problem).revenue_at_stake,
    "opportunity": lambda problem: _standing_of(problem).opportunity,
    "is_low_evidence": lambda problem: _standing_of(problem).is_low_evidence,
    "evidence_count": lambda problem: _standing_of(problem).evidence_count,
    "customer_count": lambda problem: _standing_of(problem).customer_count,
    "items": lambda problem: " ".join(problem.item_keys),
}

PROBLEMS_CSV = Export("problems.csv", _COLUMNS)
