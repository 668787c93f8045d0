"""Items that are for no problem or were to move nothing: wishes, with the problems their words suggest."""

# Every query is a constant of this room; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from outcomes.insights.asking import ITEMS, Question, Told, read, read_list

MOST_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class WishesSummary:
    """`ratio` is the share of items that lack a problem or an outcome; null when there are no items."""

    items: int
    wishes: int
    without_problem: int
    without_outcome: int
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A problem that shares words with an item; the higher the rank, the more of them."""

    id: int
    key: str
    title: str
    rank: float


@dataclass(frozen=True, slots=True)
class Wish:
    """An item with what it lacks, and the problems that it may be for."""

    id: int
    key: str
    title: str
    status: str
    lacks_problem: bool
    lacks_outcome: bool
    suggestions: list[Suggestion]


# What has been taken away is nobody's wish any more.
_LACKING = f"""
    SELECT item.id, item.key, item.title, item.status,
           NOT EXISTS (SELECT 1 FROM roadmap_link link WHERE link.item_id = item.id) AS lacks_problem,
           NOT EXISTS (SELECT 1 FROM outcomes_outcome o WHERE o.item_id = item.id) AS lacks_outcome
    FROM roadmap_item item WHERE {ITEMS} AND item.status NOT IN ('sunset', 'archived')
"""

# The problem's words as its search index holds them.
_WORDS_OF_PROBLEM = """to_tsvector('english'::regconfig, COALESCE(problem.title, '') || ' '
    || COALESCE(problem.description, '') || ' ' || COALESCE(problem.key, ''))"""

_SUGGESTED = f"""
    SELECT item.id AS item_id, found.id, found.key, found.title, found.rank
    FROM roadmap_item item
    CROSS JOIN LATERAL (
        -- Any of the item's words: a lexeme in quotes, so that no character of it is an operator.
        SELECT string_agg('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery
               AS any_word
        FROM unnest(to_tsvector('english', item.title || ' ' || left(item.summary, 2000)))
    ) AS words
    CROSS JOIN LATERAL (
        SELECT problem.id, problem.key, problem.title,
               ts_rank({_WORDS_OF_PROBLEM}, words.any_word)::float8 AS rank
        FROM roadmap_problem problem
        WHERE problem.workspace_id = %(workspace)s AND problem.archived_at IS NULL
          AND {_WORDS_OF_PROBLEM} @@ words.any_word
        ORDER BY rank DESC, problem.id LIMIT {MOST_SUGGESTIONS}
    ) AS found
    WHERE item.id = ANY(%(items)s)
    ORDER BY item.id, found.rank DESC, found.id
"""


def wish_list(question: Question) -> Told[WishesSummary, Wish]:
    """Items without a problem or an outcome: those that lack both first, then the newest."""
    (counts,) = read(
        f"""
        SELECT count(*) AS items, count(*) FILTER (WHERE lacks_problem OR lacks_outcome) AS wishes,
               count(*) FILTER (WHERE lacks_problem) AS without_problem,
               count(*) FILTER (WHERE lacks_outcome) AS without_outcome
        FROM ({_LACKING}) AS lacking
        """,
        question,
    )
    rows = read_list(
        f"""
        SELECT * FROM ({_LACKING}) AS lacking WHERE lacks_problem OR lacks_outcome
        ORDER BY lacks_problem AND lacks_outcome DESC, id DESC LIMIT %(limit)s
        """,
        question,
    )
    suggested = _suggestions(question, [row["id"] for row in rows if row["lacks_problem"]])
    ratio = counts["wishes"] / counts["items"] if counts["items"] else None
    return Told(
        WishesSummary(**counts, ratio=ratio),
        [Wish(**row, suggestions=suggested.get(row["id"], [])) for row in rows],
    )


def _suggestions(question: Question, item_ids: list[int]) -> dict[int, list[Suggestion]]:
    found: dict[int, list[Suggestion]] = defaultdict(list)
    if item_ids:
        for row in read(_SUGGESTED, question, items=item_ids):
            found[row.pop("item_id")].append(Suggestion(**row))
    return found
