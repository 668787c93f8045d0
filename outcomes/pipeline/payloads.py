"""What is told of the things that news is about. `outcomes/api/events.py` describes these shapes to clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outcomes.models import Effect, Flag, Outcome
from roadmap.models import Item

_STANDING = ("baseline", "target", "current", "attainment", "grade", "due_on")
_SILENCE = ("newest_on", "days_since", "cadence")


def item_as_told(item: Item) -> dict[str, Any]:
    released_on = item.released_on.isoformat() if item.released_on else None
    return {"id": item.pk, "key": item.key, "title": item.title, "released_on": released_on}


def flag_as_told(flag: Flag) -> dict[str, Any]:
    """A flag with its subject; item, source and the outcome's metric are loaded."""
    return {
        "id": flag.pk,
        "reason": flag.reason,
        "state": flag.state,
        "opened_on": flag.opened_on.isoformat(),
        "holding_since": flag.holding_since.isoformat(),
        "resolved_on": flag.resolved_on.isoformat() if flag.resolved_on else None,
        "resolved_cause": flag.resolved_cause,
        "recommendation": flag.recommendation,
        "item": item_as_told(flag.item) if flag.item else None,
        "outcome": outcome_as_told(flag.outcome) if flag.outcome else None,
        "source": source_as_told(flag) if flag.source else None,
        "evidence": flag.evidence,
    }


def outcome_as_told(outcome: Outcome, standing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An outcome, with how it stands if that is given: a Standing as JSON."""
    shown = {
        "id": outcome.pk,
        "metric": outcome.metric.key,
        "series": outcome.series,
        "role": outcome.role,
    }
    return shown if standing is None else {**shown, **{name: standing.get(name) for name in _STANDING}}


def source_as_told(flag: Flag) -> dict[str, Any]:
    assert flag.source is not None
    return {"id": flag.source.pk, "key": flag.source.key, "name": flag.source.name}


def silence_as_told(flag: Flag) -> dict[str, Any]:
    return {"source": source_as_told(flag), **{name: flag.evidence.get(name) for name in _SILENCE}}


def effect_as_told(effect: Effect, outcome: Outcome) -> dict[str, Any]:
    return {
        "outcome": outcome.pk,
        "metric": outcome.metric.key,
        "series": outcome.series,
        "role": outcome.role,
        "design": effect.design,
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "relative": effect.relative,
        "verdict": effect.verdict,
        "decided_on": effect.decided_on.isoformat() if effect.decided_on else None,
        "n_before": effect.n_before,
        "n_after": effect.n_after,
    }
