"""Problems ranked by demand, with and without an item that is for them."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass

from outcomes.insights.asking import Question, Told, read, read_list


@dataclass(frozen=True, slots=True)
class ProblemsSummary:
    """How many problems there are, and the demand of the topmost ones, each with all that is beneath it, so that
    who asked for several parts of one problem is counted once; without items: of those where neither it nor any
    part of it has an item."""

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
           linked.items, linked.released_items
    FROM roadmap_problem problem
    LEFT JOIN roadmap_problemstanding standing ON standing.problem_id = problem.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS items, count(*) FILTER (WHERE item.status = 'released') AS released_items
        FROM roadmap_link link JOIN roadmap_item item ON item.id = link.item_id AND item.archived_at IS NULL
        WHERE link.problem_id = problem.id
    ) AS linked
    WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
"""

# Whose parent is archived stands at the top itself.
_TREE = """
    SELECT problem.id, problem.id AS root
    FROM roadmap_problem problem LEFT JOIN roadmap_problem parent ON parent.id = problem.parent_id
    WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
      AND (parent.id IS NULL OR parent.archived_at IS NOT NULL)
    UNION ALL
    SELECT problem.id, tree.root
    FROM tree JOIN roadmap_problem problem ON problem.parent_id = tree.id AND problem.archived_at IS NULL
"""


def ranked_problems(question: Question) -> Told[ProblemsSummary, RankedProblem]:
    """All problems by demand, those without an item first among equals."""
    (summary,) = read(
        f"""
        WITH RECURSIVE tree AS ({_TREE}),
        ranked AS ({_RANKED}),
        top AS (SELECT tree.root, sum(ranked.items) AS items FROM tree JOIN ranked USING (id) GROUP BY tree.root)
        SELECT count(*) AS problems, count(*) FILTER (WHERE ranked.items = 0) AS without_items,
               coalesce(sum(demand) FILTER (WHERE top.root IS NOT NULL), 0) AS demand,
               coalesce(sum(demand) FILTER (WHERE top.items = 0), 0) AS demand_without_items,
               coalesce(sum(revenue_at_stake) FILTER (WHERE top.items = 0), 0) AS revenue_without_items
        FROM ranked LEFT JOIN top ON top.root = ranked.id
        """,
        question,
    )
    rows = read_list(
        f"SELECT * FROM ({_RANKED}) AS ranked ORDER BY demand DESC, items = 0 DESC, id LIMIT %(limit)s",
        question,
    )
    names = RankedProblem.__dataclass_fields__
    return Told(
        ProblemsSummary(**summary),
        [RankedProblem(**{name: row[name] for name in names}) for row in rows],
    )
