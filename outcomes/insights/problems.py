"""Problems ranked by demand, with and without an item that is for them."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass

from outcomes.insights.asking import Question, Told, read


@dataclass(frozen=True, slots=True)
class ProblemsSummary:
    """How many problems there are and how much of their own demand nobody works on; own: without subproblems."""

    problems: int
    without_items: int
    demand: float
    demand_without_items: float
    revenue_without_items: float


@dataclass(frozen=True, slots=True)
class RankedProblem:
    """A problem with the items that are for it."""

    id: int
    key: str
    title: str
    demand: float
    revenue_at_stake: float
    opportunity: float | None
    is_low_evidence: bool
    customers: int
    items: int
    released_items: int


_RANKED = """
    SELECT problem.id, problem.key, problem.title, coalesce(standing.demand, 0) AS demand,
           coalesce(standing.revenue_at_stake, 0) AS revenue_at_stake, standing.opportunity,
           coalesce(standing.is_low_evidence, false) AS is_low_evidence,
           coalesce(standing.customer_count, 0) AS customers,
           coalesce(standing.own_demand, 0) AS own_demand,
           coalesce(standing.own_revenue_at_stake, 0) AS own_revenue, linked.items, linked.released_items
    FROM roadmap_problem problem
    LEFT JOIN roadmap_problemstanding standing ON standing.problem_id = problem.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS items, count(*) FILTER (WHERE item.status = 'released') AS released_items
        FROM roadmap_link link JOIN roadmap_item item ON item.id = link.item_id AND item.archived_at IS NULL
        WHERE link.problem_id = problem.id
    ) AS linked
    WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
"""


def ranked_problems(question: Question) -> Told[ProblemsSummary, RankedProblem]:
    """All problems by demand, those without an item first among equals."""
    (summary,) = read(
        f"""
        SELECT count(*) AS problems, count(*) FILTER (WHERE items = 0) AS without_items,
               coalesce(sum(own_demand), 0) AS demand,
               coalesce(sum(own_demand) FILTER (WHERE items = 0), 0) AS demand_without_items,
               coalesce(sum(own_revenue) FILTER (WHERE items = 0), 0) AS revenue_without_items
        FROM ({_RANKED}) AS ranked
        """,
        question,
    )
    rows = read(
        f"SELECT * FROM ({_RANKED}) AS ranked ORDER BY demand DESC, items = 0 DESC, id LIMIT %(limit)s",
        question,
    )
    names = RankedProblem.__dataclass_fields__
    return Told(
        ProblemsSummary(**summary),
        [RankedProblem(**{name: row[name] for name in names}) for row in rows],
    )
