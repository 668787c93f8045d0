"""Whether outcomes were hit, and whether those still due will be."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from outcomes.formulas import tracking
from outcomes.insights.asking import ITEMS, Question, Told, read

# The state that asks most of a person comes first.
_ORDER = {
    tracking.MISSED: 0,
    tracking.BEHIND: 1,
    tracking.ON_PACE: 2,
    tracking.HIT: 3,
    tracking.UNKNOWN: 4,
}


@dataclass(frozen=True, slots=True)
class OutcomesSummary:
    """Outcomes of released items but guardrails, each in one state: hit, missed, on_pace, behind or unknown.

    The hit rate, with its 95% interval, is `hits` among those `due_or_decided`: their attainment is known, and
    their day has passed or their effect is decided. The pace is the median of those that are known."""

    outcomes: int
    hit: int
    missed: int
    on_pace: int
    behind: int
    unknown: int
    due_or_decided: int
    hits: int
    hit_rate: float | None
    low: float | None
    high: float | None
    median_pace: float | None


@dataclass(frozen=True, slots=True)
class TrackedOutcome:
    """An outcome of a released item and where it stands: hit, missed, on_pace, behind or unknown."""

    id: int
    item: str
    title: str
    metric: str
    role: str
    state: str
    baseline: float | None
    target: float | None
    current: float | None
    attainment: float | None
    pace: float | None
    due_on: date | None


# As the last scoring read them.
_READ = f"""
    SELECT outcome.id, item.key AS item, item.title, metric.key AS metric, outcome.role, outcome.target,
           outcome.due_on, (reading ->> 'baseline')::float8 AS baseline, (reading ->> 'current')::float8 AS current,
           (reading ->> 'attainment')::float8 AS attainment, (reading ->> 'pace')::float8 AS pace,
           (reading #>> '{{effect,decided_on}}')::date AS decided_on
    FROM roadmap_item item
    JOIN outcomes_outcome outcome ON outcome.item_id = item.id
    JOIN outcomes_metric metric ON metric.id = outcome.metric_id AND metric.archived_at IS NULL
    LEFT JOIN outcomes_itemvalue value ON value.item_id = item.id
    LEFT JOIN LATERAL (
        SELECT reading FROM jsonb_array_elements(coalesce(value.explanation -> 'outcomes', '[]')) AS reading
        WHERE (reading ->> 'id')::bigint = outcome.id
    ) AS found ON true
    WHERE {ITEMS} AND item.status IN ('released', 'sunset') AND item.released_on <= %(today)s
      AND outcome.role <> 'guardrail'
    ORDER BY outcome.id
"""


def outcome_pace(question: Question) -> Told[OutcomesSummary, TrackedOutcome]:
    """Outcomes of released items: missed ones first, then those behind."""
    rows = read(_READ, question)
    settled = [row["attainment"] for row in rows if _is_settled(row, question.today)]
    tracked = [_tracked(row, question.today) for row in rows]
    tracked.sort(key=lambda one: (_ORDER[one.state], one.due_on or date.max, one.id))
    states = Counter(one.state for one in tracked)
    rate = tracking.hit_rate(settled)
    summary = OutcomesSummary(
        outcomes=len(tracked),
        hit=states[tracking.HIT],
        missed=states[tracking.MISSED],
        on_pace=states[tracking.ON_PACE],
        behind=states[tracking.BEHIND],
        unknown=states[tracking.UNKNOWN],
        due_or_decided=rate.known,
        hits=rate.hits,
        hit_rate=rate.rate,
        low=rate.low,
        high=rate.high,
        median_pace=tracking.median_of([one.pace for one in tracked]),
    )
    return Told(summary, tracked[: question.limit])


def _is_settled(row: dict[str, Any], today: date) -> bool:
    """Whether it can be called a hit or not: before its day a miss would still be open, and hits alone no rate."""
    is_due = row["due_on"] is not None and row["due_on"] < today
    return is_due or row["decided_on"] is not None


def _tracked(row: dict[str, Any], today: date) -> TrackedOutcome:
    state = tracking.state_of(row["attainment"], row["pace"], row["due_on"], today)
    told = {name: row[name] for name in TrackedOutcome.__dataclass_fields__ if name != "state"}
    return TrackedOutcome(**told, state=state)
