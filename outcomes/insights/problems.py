"""Problems ranked by demand, with and without an item that is for them."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass

from outcomes.insights.asking import Question, Told, joined_whole, read


@dataclass(frozen=True, slots=True)
class ProblemsSummary:
    """How many problems there are, and the demand of the topmost ones, each with all that is beneath it, so that
    who asked for several parts of one problem is counted once. Without items: of problems where there is no item
    for it or for any part of it; the demand is that of the topmost of these, at most that of their whole tree."""

    problems: int
    without_items: int
    demand: float
    demand_without_items: float
    revenue_without_items: float


@dataclass(frozen=True, slots=True)
class RankedProblem:
    """A problem with the items that are for it or for a part of it."""

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


# Each problem with itself and all beneath it, as its demand is added up.
_KIN = """
    SELECT problem.id AS top, problem.id FROM roadmap_problem problem
    WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
    UNION
    SELECT kin.top, child.id
    FROM kin JOIN roadmap_problem child ON child.parent_id = kin.id
         AND child.workspace_id = %(workspace)s AND child.archived_at IS NULL
"""

_RANKED = """
    SELECT problem.id, problem.key, problem.title, coalesce(standing.demand, 0) AS demand,
           coalesce(standing.revenue_at_stake, 0) AS revenue_at_stake, standing.opportunity,
           coalesce(standing.is_low_evidence, false) AS is_low_evidence,
           coalesce(standing.customer_count, 0) AS customers,
           coalesce(linked.items, 0) AS items, coalesce(linked.released_items, 0) AS released_items,
           -- Whose parent is archived stands at the top itself.
           parent.id AS parent_id
    FROM roadmap_problem problem
    LEFT JOIN roadmap_problem parent ON parent.id = problem.parent_id
         AND parent.workspace_id = %(workspace)s AND parent.archived_at IS NULL
    LEFT JOIN roadmap_problemstanding standing ON standing.problem_id = problem.id
         AND standing.workspace_id = %(workspace)s
    LEFT JOIN (
        SELECT kin.top, count(DISTINCT item.id) AS items,
               count(DISTINCT item.id) FILTER (WHERE item.status = 'released') AS released_items
        FROM kin JOIN roadmap_link link ON link.problem_id = kin.id AND link.workspace_id = %(workspace)s
        JOIN roadmap_item item ON item.id = link.item_id
             AND item.workspace_id = %(workspace)s AND item.archived_at IS NULL
        GROUP BY kin.top
    ) AS linked ON linked.top = problem.id
    WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
"""

# By tree: its own demand, and that of the topmost problems in it without an item.
_TREES = """
    SELECT root.demand, root.revenue_at_stake,
           least(coalesce(sum(lacking.demand), 0), root.demand) AS demand_without,
           least(coalesce(sum(lacking.revenue_at_stake), 0), root.revenue_at_stake) AS revenue_without
    FROM ranked AS root
    LEFT JOIN (
        SELECT kin.top, bare.demand, bare.revenue_at_stake
        FROM kin JOIN ranked AS bare ON bare.id = kin.id AND bare.items = 0
        LEFT JOIN ranked AS above ON above.id = bare.parent_id
        WHERE above.id IS NULL OR above.items > 0
    ) AS lacking ON lacking.top = root.id
    WHERE root.parent_id IS NULL
    GROUP BY root.id, root.demand, root.revenue_at_stake
"""


# One row of what it all comes to, beside each of the topmost problems; beside nothing where there is none.
_TOTALS = """
    SELECT (SELECT count(*) FROM ranked) AS all_problems,
           (SELECT count(*) FROM ranked WHERE items = 0) AS all_without_items,
           coalesce(sum(demand), 0) AS all_demand,
           coalesce(sum(demand_without), 0) AS all_demand_without_items,
           coalesce(sum(revenue_without), 0) AS all_revenue_without_items
    FROM trees
"""


def ranked_problems(question: Question) -> Told[ProblemsSummary, RankedProblem]:
    """All problems by demand, those without an item first among equals."""
    with joined_whole():
        found = read(
            f"""
            WITH RECURSIVE kin AS ({_KIN}), ranked AS MATERIALIZED ({_RANKED}), trees AS ({_TREES}),
                 totals AS ({_TOTALS}), topmost AS (
                     SELECT * FROM ranked ORDER BY demand DESC, items = 0 DESC, id LIMIT %(limit)s
                 )
            SELECT totals.*, topmost.* FROM totals LEFT JOIN topmost ON true
            ORDER BY topmost.demand DESC, topmost.items = 0 DESC, topmost.id
            """,
            question,
        )
    totals, names = ProblemsSummary.__dataclass_fields__, RankedProblem.__dataclass_fields__
    return Told(
        ProblemsSummary(**{name: found[0][f"all_{name}"] for name in totals}),
        [RankedProblem(**{name: row[name] for name in names}) for row in found if row["id"] is not None],
    )
