"""Customers who asked for something and do not use what was released for it."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outcomes.insights.asking import ITEMS, Question, Told, read, read_list


@dataclass(frozen=True, slots=True)
class AskersSummary:
    """Pairs of a released item and a customer who asked for it, over items whose customers are known; of the
    others, `items_without_customers`, nobody can say who uses them. Revenue counts each customer once."""

    asked: int
    not_using: int
    customers_not_using: int
    mrr_not_using: float
    items_without_customers: int


@dataclass(frozen=True, slots=True)
class Asker:
    """A customer whose evidence raised a problem and who did not use its item in the window."""

    item_id: int
    item: str
    title: str
    released_on: date | None
    customer: str
    name: str
    segment: str
    mrr: float | None
    problem: str
    importance: int
    asked_on: date | None
    last_used_on: date | None


# One row for each item and customer: of several pieces of evidence the most important, then the newest.
# Items whose usage names no customer, and those still in their grace, are left out: nothing can be said yet.
# Whoever spoke of a problem beneath the one that an item is for asked for the item, too.
_PAIRS = f"""
    WITH RECURSIVE wanted (id) AS (
        SELECT problem.id FROM roadmap_problem problem
        WHERE problem.workspace_id = %(workspace)s AND problem.id = %(problem)s::bigint
        UNION
        SELECT child.id FROM wanted JOIN roadmap_problem child ON child.parent_id = wanted.id
        WHERE child.archived_at IS NULL
    ), measured AS (
        SELECT item.id, item.key, item.title, item.released_on,
               coalesce(item.window_days, %(window)s) AS w,
               EXISTS (SELECT 1 FROM outcomes_usageday u
                       WHERE u.item_id = item.id AND u.customer_id IS NOT NULL) AS is_known
        FROM roadmap_item item
        WHERE {ITEMS} AND item.status = 'released'
          AND item.released_on <= %(today)s::date - coalesce(item.window_days, %(window)s)
    ), links AS (
        SELECT link.item_id, link.problem_id
        FROM measured JOIN roadmap_link link ON link.item_id = measured.id
        WHERE %(problem)s::bigint IS NULL OR link.problem_id IN (SELECT id FROM wanted)
    ), raised (top_id, problem_id) AS (
        SELECT DISTINCT problem_id, problem_id FROM links
        UNION
        SELECT raised.top_id, child.id FROM raised JOIN roadmap_problem child ON child.parent_id = raised.problem_id
        WHERE child.archived_at IS NULL
    ), pairs AS (
        SELECT DISTINCT ON (measured.id, customer.id)
               measured.id AS item_id, measured.key AS item, measured.title, measured.released_on, measured.w,
               customer.id AS customer_id, customer.key AS customer, customer.name, customer.segment,
               customer.mrr::float8 AS mrr, problem.key AS problem, e.importance, e.observed_on AS asked_on
        FROM measured
        JOIN links ON links.item_id = measured.id
        JOIN raised ON raised.top_id = links.problem_id
        JOIN roadmap_problem problem ON problem.id = raised.problem_id
        JOIN roadmap_evidence e ON e.problem_id = problem.id AND NOT e.is_retracted AND e.importance > 0
             AND (e.observed_on IS NULL OR e.observed_on <= %(today)s)
        JOIN roadmap_customer customer ON customer.id = e.customer_id AND customer.archived_at IS NULL
        WHERE measured.is_known
        ORDER BY measured.id, customer.id, e.importance DESC, e.observed_on DESC NULLS LAST, e.id
    ), told AS (
        SELECT pairs.*, used.last_used_on,
               used.last_used_on IS NULL OR used.last_used_on <= %(today)s::date - pairs.w AS is_not_using
        FROM pairs CROSS JOIN LATERAL (
            SELECT max(u."on") AS last_used_on FROM outcomes_usageday u
            WHERE u.item_id = pairs.item_id AND u.customer_id = pairs.customer_id AND u."on" <= %(today)s
        ) AS used
    )
"""


def asked_but_not_using(question: Question) -> Told[AskersSummary, Asker]:
    """Customers who do not use what they asked for, the highest revenue first."""
    (summary,) = read(
        f"""
        {_PAIRS}
        SELECT count(*) AS asked, count(*) FILTER (WHERE is_not_using) AS not_using,
               count(DISTINCT customer_id) FILTER (WHERE is_not_using) AS customers_not_using,
               coalesce((SELECT sum(mrr) FROM (
                   SELECT DISTINCT customer_id, mrr FROM told WHERE is_not_using) AS once), 0) AS mrr_not_using,
               (SELECT count(*) FROM measured WHERE NOT is_known
                   AND (%(problem)s::bigint IS NULL OR id IN (SELECT item_id FROM links))
               ) AS items_without_customers
        FROM told
        """,
        question,
    )
    rows = read_list(
        f"""
        {_PAIRS}
        SELECT {", ".join(Asker.__dataclass_fields__)} FROM told WHERE is_not_using
        ORDER BY mrr DESC NULLS LAST, importance DESC, item_id, customer_id LIMIT %(limit)s
        """,
        question,
    )
    return Told(AskersSummary(**summary), [Asker(**row) for row in rows])
