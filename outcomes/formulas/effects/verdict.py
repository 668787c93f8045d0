"""What an interval says about an outcome: better, worse, or that nothing can be said."""

from __future__ import annotations

CONFIDENCE = 0.95
"""How sure an interval is when only one question is asked."""


def verdict_of(low: float, high: float, direction: str, *, margin: float = 0.0) -> str:
    """Return better, worse or inconclusive for an effect of which [low, high] is the interval.

    `direction` says which way is better, increase or decrease. The whole interval must lie on one side of
    zero. `margin` (in the unit of the effect, at least 0) is how much worse a guardrail may get: it is worse
    only when the whole interval lies beyond it. Raises ValueError for another direction.
    """
    if direction not in ("increase", "decrease"):
        raise ValueError(f"unknown direction: {direction!r}")
    best, worst = (high, low) if direction == "increase" else (-low, -high)
    if worst > 0:
        return "better"
    if best < -margin:
        return "worse"
    return "inconclusive"


def adjusted_confidence(questions: int, confidence: float = CONFIDENCE) -> float:
    """Return the confidence each of `questions` intervals needs so that all hold together (Bonferroni)."""
    return 1.0 - (1.0 - confidence) / max(questions, 1)
