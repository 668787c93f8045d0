"""How problems stand, recomputed from their evidence and surveys, and what of it falls to each item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from roadmap import formulas
from roadmap.models import ProblemStanding, Survey


@dataclass(frozen=True, slots=True)
class Credit:
    """An item's share of its problems' own demand and revenue, and the best opportunity among them (0-20)."""

    demand: float = 0.0
    revenue_at_stake: float = 0.0
    opportunity: float | None = None


@dataclass(frozen=True, slots=True)
class Backing:
    """The evidence behind an item's problems up to a day: its kinds, survey sizes and distinct customers."""

    kinds: tuple[str, ...] = ()
    respondents: tuple[int, ...] = ()
    customer_count: int = 0
    evidence_count: int = 0


def refresh(workspace_id: int, problem_ids: Iterable[int], today: date) -> list[int]:
    """Recompute the standing of problems and of all above them; return the ids that were recomputed.

    A problem's numbers are over the evidence of its whole subtree, each customer counted once; archived
    problems beneath it do not count.
    """
    standings = compute(workspace_id, problem_ids, today)
    ProblemStanding.objects.bulk_create(
        standings,
        update_conflicts=True,
        unique_fields=["problem"],
        update_fields=[*NUMBERS, "computed_at"],
    )
    return [one.problem_id for one in standings]


# What a standing says; compared and written by these names.
NUMBERS = [
    field.name
    for field in ProblemStanding._meta.concrete_fields
    if field.name not in ("id", "workspace", "problem", "computed_at")
]


def compute(workspace_id: int, problem_ids: Iterable[int], today: date) -> list[ProblemStanding]:
    """How problems and all above them stand by their evidence and surveys, in the order of their ids. Reads only."""
    trees = _subtrees(workspace_id, list(problem_ids))
    evidence = _evidence({below for tree in trees.values() for below in tree}, today)
    segments = _segments(trees, today)
    return [_standing(workspace_id, id_, trees[id_], evidence, segments) for id_ in sorted(trees)]


def credit(item_ids: Sequence[int]) -> dict[int, Credit]:
    """Return what falls to each item: its problems' own numbers, divided over the items linked to each.

    Own numbers, not those of the subtree, so that linking a problem and its parent counts nothing twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CREDIT, {"items": list(item_ids)})
        rows = cursor.fetchall()
    demand: dict[int, float] = defaultdict(float)
    revenue: dict[int, float] = defaultdict(float)
    best: dict[int, float] = {}
    for item_id, weight, whole, own_demand, own_revenue, opportunity in rows:
        demand[item_id] += formulas.part_of(own_demand or 0.0, weight, whole)
        revenue[item_id] += formulas.part_of(own_revenue or 0.0, weight, whole)
        if opportunity is not None:
            best[item_id] = max(opportunity, best.get(item_id, opportunity))
    return {id_: Credit(demand[id_], revenue[id_], best.get(id_)) for id_ in item_ids}


# The weights on a problem are added up in one order, so that equal links give equal digits; what travels is one row
# a link of the items asked about, however many others are linked to the same problems.
_CREDIT = """
    WITH mine AS (
        SELECT link.item_id, link.problem_id, link.weight FROM roadmap_link link
        JOIN roadmap_item item ON item.id = link.item_id AND item.archived_at IS NULL
        WHERE link.item_id = ANY(%(items)s)
    ), whole AS (
        SELECT link.problem_id, sum(link.weight ORDER BY link.item_id) AS weight FROM roadmap_link link
        JOIN roadmap_item item ON item.id = link.item_id AND item.archived_at IS NULL
        WHERE link.problem_id IN (SELECT problem_id FROM mine) GROUP BY link.problem_id
    )
    SELECT mine.item_id, mine.weight, whole.weight, standing.own_demand, standing.own_revenue_at_stake,
           standing.opportunity
    FROM mine JOIN whole ON whole.problem_id = mine.problem_id
    LEFT JOIN roadmap_problemstanding standing ON standing.problem_id = mine.problem_id
    ORDER BY mine.item_id, mine.problem_id
"""


def backing(cutoffs: Mapping[int, date]) -> dict[int, Backing]:
    """Return the evidence behind items, each up to a day of its own, whenever it was received."""
    if not cutoffs:
        return {}
    parameters: dict[str, Any] = {"items": list(cutoffs), "days": list(cutoffs.values())}
    with connection.cursor() as cursor:
        cursor.execute(
            _BEHIND  # noqa: S608  a constant of this module, no input
            + """
            SELECT behind.item_id, array_agg(DISTINCT e.kind), count(DISTINCT e.customer_id), count(*)
            FROM behind JOIN roadmap_evidence e ON e.problem_id = behind.problem_id
            WHERE NOT e.is_retracted AND (e.observed_on IS NULL OR e.observed_on <= behind.until)
            GROUP BY behind.item_id
            """,
            parameters,
        )
        told = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(
            _BEHIND  # noqa: S608  a constant of this module, no input
            + """
            SELECT behind.item_id, array_agg(s.respondents)
            FROM behind JOIN roadmap_survey s ON s.problem_id = behind.problem_id
            WHERE s."on" <= behind.until GROUP BY behind.item_id
            """,
            parameters,
        )
        asked = dict(cursor.fetchall())
    return {
        item_id: Backing(
            tuple(sorted(told[item_id][0])) if item_id in told else (),
            tuple(sorted(asked.get(item_id, ()))),
            told[item_id][1] if item_id in told else 0,
            told[item_id][2] if item_id in told else 0,
        )
        for item_id in cutoffs
    }


# Every problem an item is linked to, and those beneath it.
_BEHIND = """
    WITH RECURSIVE behind (item_id, problem_id, until) AS (
        SELECT link.item_id, link.problem_id, asked.until
        FROM unnest(%(items)s::bigint[], %(days)s::date[]) AS asked (item_id, until)
        JOIN roadmap_link link ON link.item_id = asked.item_id
        UNION
        SELECT behind.item_id, problem.id, behind.until
        FROM behind JOIN roadmap_problem problem
          ON problem.parent_id = behind.problem_id AND problem.archived_at IS NULL
    )
"""


def _subtrees(workspace_id: int, problem_ids: list[int]) -> dict[int, list[int]]:
    """Each of the problems and of those above them, with the ids of its subtree (itself first)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE above (id) AS (
                SELECT id FROM roadmap_problem WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s)
                UNION
                SELECT problem.parent_id FROM above JOIN roadmap_problem problem ON problem.id = above.id
                WHERE problem.parent_id IS NOT NULL
            ), beneath (top, id) AS (
                SELECT id, id FROM above
                UNION
                SELECT beneath.top, problem.id
                FROM beneath JOIN roadmap_problem problem ON problem.parent_id = beneath.id
                WHERE problem.archived_at IS NULL
            )
            SELECT top, id FROM beneath ORDER BY top, id <> top, id
            """,
            {"workspace": workspace_id, "ids": problem_ids},
        )
        trees: dict[int, list[int]] = defaultdict(list)
        for top, below in cursor.fetchall():
            trees[top].append(below)
    return dict(trees)


def _evidence(problem_ids: set[int], today: date) -> dict[int, list[formulas.Voice]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.problem_id, e.customer_id, e.importance, e.observed_on, e.external_id, customer.mrr
            FROM roadmap_evidence e LEFT JOIN roadmap_customer customer ON customer.id = e.customer_id
            WHERE e.problem_id = ANY(%s) AND NOT e.is_retracted
              AND (e.observed_on IS NULL OR e.observed_on <= %s)
            """,
            [list(problem_ids), today],
        )
        voices: dict[int, list[formulas.Voice]] = defaultdict(list)
        for problem_id, customer_id, importance, observed_on, external_id, mrr in cursor.fetchall():
            revenue = None if mrr is None else float(mrr)
            voices[problem_id].append(
                formulas.Voice(customer_id, importance, observed_on, external_id, revenue)
            )
    return voices


def _segments(problem_ids: Iterable[int], today: date) -> dict[int, list[dict[str, Any]]]:
    """The newest survey of each segment of each problem, as its opportunity."""
    surveys = (
        Survey.objects.filter(problem_id__in=list(problem_ids), on__lte=today)
        .order_by("problem_id", "segment", "-on", "-id")
        .distinct("problem_id", "segment")
    )
    segments: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for survey in surveys:
        counted = formulas.SurveyCount(survey.respondents, survey.importance_top2, survey.satisfaction_top2)
        found = formulas.opportunity_of(counted)
        if found is not None:
            segments[survey.problem_id].append(
                {
                    "segment": survey.segment,
                    "on": survey.on.isoformat(),
                    "respondents": found.respondents,
                    "importance": found.importance,
                    "satisfaction": found.satisfaction,
                    "score": found.score,
                    "is_low_evidence": found.is_low_evidence,
                }
            )
    return segments


def _standing(
    workspace_id: int,
    problem_id: int,
    tree: list[int],
    evidence: Mapping[int, list[formulas.Voice]],
    segments: Mapping[int, list[dict[str, Any]]],
) -> ProblemStanding:
    own = evidence.get(problem_id, [])
    voices = [voice for below in tree for voice in evidence.get(below, [])]
    scored = segments.get(problem_id, [])
    # Well-founded scores first: a loud segment of five people does not outrank one of five hundred.
    solid = [one for one in scored if not one["is_low_evidence"]] or scored
    return ProblemStanding(
        workspace_id=workspace_id,
        problem_id=problem_id,
        demand=formulas.demand(voices),
        revenue_at_stake=formulas.revenue_at_stake(voices),
        own_demand=formulas.demand(own),
        own_revenue_at_stake=formulas.revenue_at_stake(own),
        evidence_count=len(voices),
        customer_count=len({voice.customer for voice in voices if voice.customer is not None}),
        opportunity=max((one["score"] for one in solid), default=None),
        is_low_evidence=bool(scored) and all(one["is_low_evidence"] for one in scored),
        segments=scored,
    )
