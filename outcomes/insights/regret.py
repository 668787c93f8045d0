"""Flags that said too much: items that came back by themselves after they were flagged."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outcomes.formulas.tracking import rate_of
from outcomes.insights.asking import ITEMS, Question, Told, read, read_list


@dataclass(frozen=True, slots=True)
class RegretSummary:
    """Flags about the use of items. `came_back` recovered by themselves; `corrected` never held, as late data
    showed; the rate is both among all that are no longer open, with its 95% interval. A flag whose place another
    reason took has not come back. What late data took back within a day, before anybody had answered, was raised in
    the middle of a load and is left out."""

    flags: int
    closed: int
    came_back: int
    corrected: int
    sunset_was_advised: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RegrettedFlag:
    """A flag that closed because its item is used again, or always was."""

    id: int
    item: str
    title: str
    reason: str
    recommendation: str
    opened_on: date
    resolved_on: date | None
    days_open: int | None
    cause: str
    verdict: str | None
    active: float | None
    share: float | None


_FLAGGED = f"""
    SELECT flag.id, item.key AS item, item.title, flag.reason, flag.recommendation, flag.opened_on,
           flag.resolved_on, flag.resolved_on - flag.opened_on AS days_open, flag.resolved_cause AS cause,
           flag.state, usage.verdict, usage.active, usage.share
    FROM outcomes_flag flag
    JOIN roadmap_item item ON item.id = flag.item_id
    LEFT JOIN outcomes_itemusage usage ON usage.item_id = item.id
    WHERE {ITEMS} AND NOT flag.is_ahead AND NOT (
              flag.state = 'resolved' AND flag.resolved_cause = 'corrected'
              -- Its second version: nothing but the correction has moved it.
              AND flag.version = 2 AND flag.updated_at < flag.created_at + interval '1 day'
          ) AND flag.reason IN ('never_adopted', 'abandoned', 'under_used', 'declining')
"""
_REGRETTED = "state = 'resolved' AND cause IN ('recovered', 'corrected')"


def flag_regret(question: Question) -> Told[RegretSummary, RegrettedFlag]:
    """Flags whose items came back, the newest first."""
    (counts,) = read(
        f"""
        SELECT count(*) AS flags,
               count(*) FILTER (WHERE state IN ('resolved', 'dismissed', 'accepted')) AS closed,
               count(*) FILTER (WHERE state = 'resolved' AND cause = 'recovered') AS came_back,
               count(*) FILTER (WHERE state = 'resolved' AND cause = 'corrected') AS corrected,
               count(*) FILTER (WHERE {_REGRETTED} AND recommendation = 'sunset') AS sunset_was_advised
        FROM ({_FLAGGED}) AS flagged
        """,
        question,
    )
    rows = read_list(
        f"""
        SELECT {", ".join(RegrettedFlag.__dataclass_fields__)} FROM ({_FLAGGED}) AS flagged
        WHERE {_REGRETTED} ORDER BY resolved_on DESC NULLS LAST, id DESC LIMIT %(limit)s
        """,
        question,
    )
    rate = rate_of(counts["came_back"] + counts["corrected"], counts["closed"])
    summary = RegretSummary(**counts, rate=rate.rate, low=rate.low, high=rate.high)
    return Told(summary, [RegrettedFlag(**row) for row in rows])
