"""The tree of problems, read top down: each problem before those beneath it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.db import connection
from django.db.models import Prefetch

from roadmap.models import Link, Problem

# A tree that is larger is read by ?parent= instead.
MOST_PROBLEMS = 5000


def subtree(problem: Problem) -> list[tuple[int, Problem]]:
    """Return (depth, problem) of a problem and all current ones beneath it, siblings by demand.

    With their standing and their items' links loaded, in a fixed number of queries.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE beneath (id, parent_id) AS (
                SELECT id, parent_id FROM roadmap_problem WHERE id = %(top)s AND workspace_id = %(workspace)s
                UNION
                SELECT problem.id, problem.parent_id
                FROM beneath JOIN roadmap_problem problem ON problem.parent_id = beneath.id
                WHERE problem.archived_at IS NULL
            ) SELECT id FROM beneath LIMIT %(most)s
            """,
            {"top": problem.pk, "workspace": problem.workspace_id, "most": MOST_PROBLEMS},
        )
        ids = [row[0] for row in cursor.fetchall()]
    links = Link.objects.filter(item__archived_at=None).select_related("item").order_by("-weight", "pk")
    rows = Problem.objects.filter(pk__in=ids).for_list().prefetch_related(Prefetch("links", links))
    found = sorted(rows, key=lambda row: (-_demand(row), row.pk))
    children: dict[int | None, list[Problem]] = defaultdict(list)
    for row in found:
        if row.pk != problem.pk:
            children[row.parent_id].append(row)
    top = [row for row in found if row.pk == problem.pk]
    return list(_walk(top, children))


def _walk(top: Sequence[Problem], children: dict[int | None, list[Problem]]) -> Iterator[tuple[int, Problem]]:
    # Not by recursion: a tree may be deeper than the interpreter's stack.
    waiting = [(0, problem) for problem in reversed(top)]
    while waiting:
        depth, problem = waiting.pop()
        yield depth, problem
        waiting += [(depth + 1, child) for child in reversed(children[problem.pk])]


def _demand(problem: Problem) -> float:
    standing = getattr(problem, "standing", None)
    return standing.demand if standing else 0.0
