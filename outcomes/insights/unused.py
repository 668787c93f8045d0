"""Features that nobody or too few use, and what they still cost: the tickets that named them."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outcomes.insights.asking import ITEMS, Question, Told, read, read_list

COST_DAYS = 90


@dataclass(frozen=True, slots=True)
class UnusedSummary:
    """Features by verdict, with the effort that went into them (person-months, where it was said) and the
    tickets of the last 90 days that named them."""

    never_adopted: int
    abandoned: int
    under_used: int
    effort: float
    tickets: int


@dataclass(frozen=True, slots=True)
class UnusedItem:
    """A feature that nobody or too few use: for how long, and at what cost."""

    id: int
    key: str
    title: str
    product: str | None
    verdict: str
    active: float | None
    eligible: float | None
    share: float | None
    since: date | None
    days: int | None
    effort: float | None
    tickets: int
    last_ticket_on: date | None


# A ticket names an item when it holds its title or its key, word for word.
_UNUSED = f"""
    SELECT item.id, item.key, item.title, product.key AS product, usage.verdict, usage.active, usage.eligible,
           usage.share, span.from_on AS since, %(today)s::date - span.from_on AS days, item.effort,
           named.tickets, named.last_ticket_on
    FROM roadmap_item item
    JOIN outcomes_itemusage usage ON usage.item_id = item.id
    LEFT JOIN roadmap_product product ON product.id = item.product_id
    LEFT JOIN LATERAL (
        SELECT from_on FROM outcomes_verdictspan span
        WHERE span.item_id = item.id AND span.from_on <= %(today)s ORDER BY from_on DESC LIMIT 1
    ) AS span ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS tickets, max(e.observed_on) AS last_ticket_on
        FROM roadmap_evidence e
        WHERE e.workspace_id = %(workspace)s AND e.kind = 'ticket' AND NOT e.is_retracted
          AND e.observed_on BETWEEN %(today)s::date - {COST_DAYS - 1} AND %(today)s
          AND to_tsvector('english'::regconfig, COALESCE(e.quote, '') || ' ' || COALESCE(e.external_id, ''))
              @@ (phraseto_tsquery('english', item.title) || phraseto_tsquery('english', item.key))
    ) AS named
    WHERE {ITEMS} AND usage.verdict IN ('never_adopted', 'abandoned', 'under_used')
"""


def unused_features(question: Question) -> Told[UnusedSummary, UnusedItem]:
    """Unused and under-used features, those that cost most tickets first, then the longest unused."""
    (summary,) = read(
        f"""
        SELECT count(*) FILTER (WHERE verdict = 'never_adopted') AS never_adopted,
               count(*) FILTER (WHERE verdict = 'abandoned') AS abandoned,
               count(*) FILTER (WHERE verdict = 'under_used') AS under_used,
               coalesce(sum(effort), 0) AS effort, coalesce(sum(tickets), 0)::bigint AS tickets
        FROM ({_UNUSED}) AS unused
        """,
        question,
    )
    rows = read_list(
        f"""
        SELECT * FROM ({_UNUSED}) AS unused
        ORDER BY tickets DESC, days DESC NULLS LAST, effort DESC NULLS LAST, id LIMIT %(limit)s
        """,
        question,
    )
    return Told(UnusedSummary(**summary), [UnusedItem(**row) for row in rows])
