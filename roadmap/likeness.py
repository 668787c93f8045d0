"""Problems that are said in like words: duplicates to merge, and homes for evidence that has none."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db import connection

from roadmap.formulas import likeness
from roadmap.models import Problem

# How many problems that share words are compared in full, and how many are worth showing.
_COMPARED = 200
MOST = 10
# Below this the words in common are those of any two sentences.
LIKE_FROM = 0.25
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Like:
    """A problem and how like it is to what was asked about, 0 to 1."""

    problem_id: int
    likeness: float


# Words are compared as the text search reads them: without endings and without the small ones.
_WORDS_ASKED = """
    SELECT tsvector_to_array(to_tsvector('english', %(title)s)), tsvector_to_array(to_tsvector('english', %(text)s))
"""
_WORDS_HELD = """
    SELECT id, tsvector_to_array(to_tsvector('english', title)),
           tsvector_to_array(to_tsvector('english', title || ' ' || left(description, %(longest)s)))
    FROM roadmap_problem WHERE id = ANY(%(ids)s)
"""


def problems_like(workspace_id: int, title: str, text: str = "", *, but: int = 0) -> list[Like]:
    """Return the current problems of a workspace most like a title and what is said beside it, likest first.

    `but` is the id of a problem that is not to be among them. At most MOST, each at least LIKE_FROM.
    """
    with connection.cursor() as cursor:
        asked = {"title": title[:_LONGEST], "text": f"{title} {text}"[:_LONGEST]}
        cursor.execute(_WORDS_ASKED, asked)
        its_title, words = (set(found) for found in cursor.fetchone())
        ids = _sharing(workspace_id, words, but)
        cursor.execute(_WORDS_HELD, {"ids": ids, "longest": _LONGEST})
        found = [
            Like(problem_id, likeness(its_title, words, set(held_title), set(held_words)))
            for problem_id, held_title, held_words in cursor.fetchall()
        ]
    likest = sorted(found, key=lambda like: (-like.likeness, like.problem_id))
    return [like for like in likest if like.likeness >= LIKE_FROM][:MOST]


def _sharing(workspace_id: int, words: set[str], but: int) -> list[int]:
    """The problems that share most of the words, by the index that lists are searched with."""
    if not words:
        return []
    either = " | ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in sorted(words))
    # The words are stems already.
    query = SearchQuery(either, config="simple", search_type="raw")
    vector = SearchVector("title", "description", "key", config="english")
    rows = Problem.objects.in_workspace(workspace_id).current().exclude(pk=but)
    sharing = rows.annotate(words=vector).filter(words=query)
    ranked = sharing.order_by(SearchRank(vector, query, normalization=1).desc(), "pk")
    return list(ranked.values_list("pk", flat=True)[:_COMPARED])
